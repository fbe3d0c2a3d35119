// The toolbar, the threshold with its histograms, opacity, agreement and the line of keys.

// As wide as the thumb in viewer.css, so that curve and slider agree.
const THUMB_WIDTH = 14;

function buildControls(viewer) {
  const { parts, strings, actions } = viewer;
  const modes = MODES.map((mode, index) => ({
    value: mode,
    label: strings[`mode_${mode}`],
    hint: fill(strings.mode_hint, { name: strings[`mode_${mode}`], key: index + 1 }),
  }));
  buildChoice(parts.modes, strings.modes, modes, actions.setMode);
  const layouts = LAYOUTS.map((layout) => ({
    value: layout, label: strings[`layout_${layout}`], icon: layout,
    hint: strings[`layout_${layout}`],
  }));
  buildChoice(parts.layouts, strings.layouts, layouts, actions.setLayout);
  labelButton(parts.zoomIn, "plus", strings.zoom_in);
  labelButton(parts.zoomOut, "minus", strings.zoom_out);
  labelButton(parts.fit, "fit", strings.fit);
  labelButton(parts.bare, "eye", strings.bare, strings.bare_hint);
  parts.zoomIn.addEventListener("click", () => actions.zoomBy(1.5));
  parts.zoomOut.addEventListener("click", () => actions.zoomBy(1 / 1.5));
  parts.fit.addEventListener("click", actions.fit);
  holdButton(parts.bare, actions.setBare);
  setText(parts.thresholdLabel, strings.threshold);
  setText(parts.opacityLabel, strings.opacity);
  parts.threshold.setAttribute("aria-label", strings.threshold);
  parts.opacity.setAttribute("aria-label", strings.opacity);
  parts.threshold.addEventListener("input", () => actions.setThreshold(Number(parts.threshold.value)));
  parts.opacity.addEventListener("input", () => actions.setOpacity(parts.opacity.value / 100));
  setText(parts.agreementLabel, strings.agreement);
  parts.agreementLabel.title = strings.agreement_hint;
  parts.agreement.setAttribute("aria-label", strings.agreement_hint);
  setText(parts.emptyTitle, strings.empty_title);
  setText(parts.emptyHint, strings.empty_hint);
  parts.panels.setAttribute("aria-label", strings.pictures);
  buildKeys(parts.keys, strings);
}

// Active while it is held down, by pointer or by key.
function holdButton(button, setActive) {
  const release = () => setActive(false);
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    setActive(true);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) {
    button.addEventListener(name, release);
  }
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    setActive(true);
  });
  button.addEventListener("keyup", release);
}

function buildKeys(line, strings) {
  const keys = [
    [["[", "]"], strings.keys_threshold],
    [["1", "–", "6"], strings.keys_modes],
    [["+", "−", "0"], strings.keys_zoom],
    [["←", "→"], strings.keys_pan],
    [["H"], strings.keys_bare],
  ];
  line.replaceChildren(...keys.map(([names, meaning]) => {
    const group = make("span", "sv-key");
    group.append(...names.map((name) => make(name === "–" ? "span" : "kbd", "", name)), meaning);
    return group;
  }));
}

// Choosers for the reference of a difference, or for the two sides of a swipe.
function refreshPair(viewer) {
  const { parts, strings, settings, panels, actions } = viewer;
  const swipe = settings.layout === "swipe";
  const difference = settings.mode === "difference";
  const rows = [];
  if (panels.length > 1 && difference) rows.push(["reference", strings.reference]);
  if (panels.length > 2 && swipe) rows.push(["left", strings.left], ["right", strings.right]);
  const signature = rows.join("|") + panels.map((panel) => panel.entry.label).join("|");
  if (parts.pair.dataset.signature !== signature) {
    parts.pair.dataset.signature = signature;
    const options = panels.map((panel, index) => ({
      value: String(index), label: letterOf(index),
      hint: fill(strings.panel_label, { letter: letterOf(index), name: panel.entry.label }),
    }));
    parts.pair.replaceChildren(...rows.map(([name, label]) => {
      const row = make("span", "sv-picker");
      const choice = make("div", "sv-choice sv-letters");
      choice.dataset.name = name;
      buildChoice(choice, label, options, (value) => actions.setPanelChoice(name, Number(value)));
      row.append(make("span", "sv-label", label), choice);
      return row;
    }));
  }
  for (const choice of parts.pair.querySelectorAll("[data-name]")) {
    markChoice(choice, settings[choice.dataset.name]);
  }
}

function refreshControls(viewer) {
  const { parts, settings, view } = viewer;
  markChoice(parts.modes, settings.mode);
  markChoice(parts.layouts, settings.layout);
  setAttribute(parts.bare, "aria-pressed", String(settings.bare));
  setText(parts.zoomValue, zoomText(view.zoom));
  parts.fit.disabled = view.zoom === 1;
  parts.zoomOut.disabled = view.zoom === 1;
  const percent = Math.round(settings.opacity * 100);
  if (Number(parts.opacity.value) !== percent) parts.opacity.value = percent;
  setText(parts.opacityValue, `${percent}%`);
  parts.opacity.disabled = !["overlay", "heat", "difference"].includes(settings.mode);
  parts.opacity.style.setProperty("--sv-share", percent / 100);
  refreshPair(viewer);
  refreshThreshold(viewer);
}

// The only part that runs at every step of the threshold.
function refreshThreshold(viewer) {
  const { parts, settings, panels } = viewer;
  const k = settings.threshold;
  if (Number(parts.threshold.value) !== k) parts.threshold.value = k;
  const text = thresholdText(k);
  setAttribute(parts.threshold, "aria-valuetext", text);
  setText(parts.thresholdValue, text);
  parts.veil.style.setProperty("--sv-share", (k - 1) / 254);
  for (const panel of panels) {
    const share = panel.map ? coverage(panel.map.tail, thresholdOf(viewer, panel)) : NaN;
    setText(panel.card.percent, Number.isFinite(share) ? `${percentText(share)}%` : "");
    for (const part of CARD_PARTS) part.step(viewer, panel);
  }
  for (const item of viewer.agreements) setText(item.output, agreementText(agreementAt(viewer, item)));
}

function agreementAt(viewer, { first, second, joint }) {
  const k = (index) => thresholdOf(viewer, viewer.panels[index]);
  return joint ? agreement(joint, k(first), k(second)) : NaN;
}

// One chip for each pair of panels that have or will have a map; pairs whose maps differ in size have nothing to compare.
function refreshAgreements(viewer) {
  const { parts, panels, strings } = viewer;
  const items = [];
  for (let i = 0; i < panels.length; i++) {
    for (let j = i + 1; j < panels.length; j++) {
      const failed = [panels[i], panels[j]].some((panel) => statusNow(viewer, panel) === "failed");
      if (!failed) items.push(agreementItem(viewer, i, j));
    }
  }
  viewer.agreements = items;
  parts.agreement.replaceChildren(...items.map(({ first, second, output, joint }) => {
    const chip = make("li", "sv-chip");
    const names = { first: panels[first].entry.label, second: panels[second].entry.label };
    const hint = joint ? strings.agreement_of : strings.agreement_missing;
    chip.title = fill(hint, names);
    chip.append(miniBadge(viewer, first), miniBadge(viewer, second), output);
    return chip;
  }));
  parts.foot.hidden = panels.length === 0;
  parts.agreementLabel.hidden = items.length === 0;
}

function agreementItem(viewer, first, second) {
  const a = viewer.panels[first].map;
  const b = viewer.panels[second].map;
  const comparable = a && b && a.width === b.width && a.height === b.height;
  const key = comparable ? `${a.serial} ${b.serial}` : "";
  if (comparable && !viewer.joints.has(key)) viewer.joints.set(key, jointTailSums(a.q, b.q));
  return { first, second, output: make("span", "sv-number"), joint: viewer.joints.get(key) || null };
}

function miniBadge(viewer, index) {
  const badge = make("i", "sv-mini", letterOf(index));
  const hex = colourOf(viewer, viewer.panels[index]);
  badge.style.backgroundColor = hex;
  badge.style.color = inkOn(parseColour(hex));
  return badge;
}

// The histograms of all maps, lying under the threshold's slider.
function drawHistograms(viewer) {
  const { parts, panels, density } = viewer;
  const box = parts.plot.getBoundingClientRect();
  const size = { width: Math.round(box.width * density), height: Math.round(box.height * density) };
  if (size.width < 1 || size.height < 1) return;
  const context = fitCanvas(parts.curves, size, density);
  context.clearRect(0, 0, size.width, size.height);
  // The thumb's centre runs from half its width to half its width before the end.
  const inset = THUMB_WIDTH * density / 2;
  const step = (size.width - 2 * inset) / 254;
  const floor = size.height;
  context.fillStyle = viewer.dark ? "rgb(255 255 255 / 30%)" : "rgb(0 0 0 / 22%)";
  for (const quarter of [64, 128, 192]) {
    const x = Math.round(inset + (quarter - 1) * step);
    context.fillRect(x, floor - 4 * density, density, 4 * density);
  }
  const ceiling = 4 * density;
  for (const panel of panels) {
    if (!panel.map) continue;
    const colour = parseColour(colourOf(viewer, panel));
    const ink = mixColours(colour, viewer.dark ? { r: 255, g: 255, b: 255 } : { r: 0, g: 0, b: 0 }, 0.15);
    const trace = new Path2D();
    panel.map.curve.forEach((height, q) => {
      const y = floor - height * (floor - ceiling);
      trace.lineTo(inset + (q - 1) * step, y);
      trace.lineTo(inset + q * step, y);
    });
    const area = new Path2D(trace);
    area.lineTo(inset + 255 * step, floor);
    area.lineTo(inset - step, floor);
    context.fillStyle = `rgb(${colour.r} ${colour.g} ${colour.b} / 16%)`;
    context.fill(area);
    context.strokeStyle = `rgb(${ink.r} ${ink.g} ${ink.b})`;
    context.lineWidth = 1.25 * density;
    context.lineJoin = "round";
    context.stroke(trace);
  }
}
