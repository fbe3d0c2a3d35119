// The toolbar: modes, layouts, zoom, the threshold, the opacity and the line of keys.

import {
  buildChoice, labelButton, make, markChoice, setAttribute, setText,
} from "../../../gradio_support/static/dom.js";
import { coverage } from "../arithmetic/histogram.js";
import { LAYOUTS } from "../arithmetic/payload.js";
import {
  agreementText, fill, letterOf, percentText, thresholdText, zoomText,
} from "../arithmetic/text.js";
import { sliderNow, thresholdOf } from "../arithmetic/thresholds.js";
import { CARD_PARTS } from "../cards/card_parts.js";
import { MODE_NAMES, modeOf } from "../modes/modes.js";
import { showsClasses } from "../state/class_choice.js";
import { isPresented } from "../state/present.js";
import { agreementAt } from "./agreements.js";
import { buildLevels, refreshLevels, stepLevels, thresholdedPanels } from "./levels.js";
import { buildShare } from "./share.js";
import { buildTruth } from "./truth.js";

export function buildControls(viewer) {
  const { parts, strings, actions } = viewer;
  const modes = MODE_NAMES.map((mode, index) => ({
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
  labelButton(parts.present, "screen", strings.present, strings.present_hint);
  parts.zoomIn.addEventListener("click", () => actions.zoomBy(1.5));
  parts.zoomOut.addEventListener("click", () => actions.zoomBy(1 / 1.5));
  parts.fit.addEventListener("click", actions.fit);
  parts.present.addEventListener("click", actions.present);
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
  buildLevels(viewer);
  buildTruth(viewer);
  buildShare(viewer);
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
    [["1", "–", String(MODE_NAMES.length)], strings.keys_modes],
    [["+", "−", "0"], strings.keys_zoom],
    [["←", "→"], strings.keys_pan],
    [["H"], strings.keys_bare],
    [["F"], strings.keys_present],
  ];
  line.replaceChildren(...keys.map(([names, meaning]) => {
    const group = make("span", "sv-key");
    group.append(...names.map((name) => make(name === "–" ? "span" : "kbd", "", name)), meaning);
    return group;
  }));
}

// The choices of the reference to compare with and of the two sides of a swipe.
function refreshPair(viewer) {
  const { parts, strings, settings, panels, actions } = viewer;
  const swipe = settings.layout === "swipe";
  const compares = modeOf(viewer).comparesWithReference;
  const rows = [];
  const known = Boolean(viewer.truth);
  if (panels.length + Number(known) > 1 && compares) rows.push(["reference", strings.reference]);
  if (panels.length > 2 && swipe) rows.push(["left", strings.left], ["right", strings.right]);
  const signature = `${known} ` + rows.join("|") + panels.map((panel) => panel.entry.label).join("|");
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
      const right = { value: "truth", label: strings.truth_short, hint: strings.truth_hint };
      const offered = known && name === "reference" ? [...options, right] : options;
      buildChoice(choice, label, offered, (value) =>
        actions.setPanelChoice(name, value === "truth" ? value : Number(value)));
      row.append(make("span", "sv-label", label), choice);
      return row;
    }));
  }
  for (const choice of parts.pair.querySelectorAll("[data-name]")) {
    markChoice(choice, settings[choice.dataset.name]);
  }
}

export function refreshControls(viewer) {
  const { parts, settings, view } = viewer;
  markChoice(parts.modes, settings.mode);
  markChoice(parts.layouts, settings.layout);
  setAttribute(parts.bare, "aria-pressed", String(settings.bare));
  setAttribute(parts.present, "aria-pressed", String(isPresented(viewer)));
  setText(parts.zoomValue, zoomText(view.zoom));
  parts.fit.disabled = view.zoom === 1;
  parts.zoomOut.disabled = view.zoom === 1;
  const percent = Math.round(settings.opacity * 100);
  if (Number(parts.opacity.value) !== percent) parts.opacity.value = percent;
  setText(parts.opacityValue, `${percent}%`);
  parts.opacity.disabled = !modeOf(viewer).usesOpacity;
  parts.opacity.style.setProperty("--sv-share", percent / 100);
  const idle = viewer.panels.some((panel) => panel.map) && thresholdedPanels(viewer).length === 0;
  setAttribute(parts.strip, "data-idle", String(idle));
  refreshPair(viewer);
  refreshLevels(viewer);
  refreshThreshold(viewer);
}

// The only part that runs at every step of the threshold.
export function refreshThreshold(viewer) {
  const { parts, panels } = viewer;
  const k = sliderNow(viewer);
  if (Number(parts.threshold.value) !== k) parts.threshold.value = k;
  const text = thresholdText(k);
  setAttribute(parts.threshold, "aria-valuetext", text);
  setText(parts.thresholdValue, text);
  parts.veil.style.setProperty("--sv-share", (k - 1) / 254);
  for (const panel of panels) {
    refreshCover(viewer, panel);
    for (const part of CARD_PARTS) part.step(viewer, panel);
  }
  stepLevels(viewer);
  for (const item of viewer.agreements) {
    const text = item.same === null ? agreementText(agreementAt(viewer, item)) : `${percentText(item.same)}%`;
    setText(item.output, text);
  }
}

// Shows the share of foreground, or how many of its classes a panel has predicted.
function refreshCover(viewer, panel) {
  const { card, map, classes } = panel;
  const found = showsClasses(panel) && classes ? classes.counts.filter(Boolean).length : 0;
  const share = map ? coverage(map.tail, thresholdOf(viewer, panel)) : NaN;
  const percent = Number.isFinite(share) ? `${percentText(share)}%` : "";
  setText(card.percent, found ? `${found} / ${classes.names.length}` : percent);
  setText(card.share, found ? viewer.strings.classes_won : viewer.strings.foreground);
}
