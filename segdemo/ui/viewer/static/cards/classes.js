// Networks of three classes and more: which of their answers a panel shows, and in which colours.

let nextClassSerial = 1;

// "all" for the winner of each pixel, "foreground" for whatever is not background, or a class.
function pickOf(panel) {
  const classes = panel.entry && panel.entry.classes;
  if (!classes) return "foreground";
  const pick = panel.pick ?? (panel.style ? panel.style.pick : "all");
  const known = pick === "foreground" || (/^[0-9]+$/.test(pick) && Number(pick) < classes.names.length);
  return known ? pick : "all";
}

// Whether the panel shows the winners, to which no threshold applies.
function showsClasses(panel) {
  return pickOf(panel) === "all";
}

// The palette of the winners, "" where there are none.
function paletteOf(panel) {
  return panel.entry.classes && panel.style ? panel.style.palette : "";
}

// The winners that are not painted, null where there are none.
function hiddenOf(panel) {
  return panel.entry.classes && panel.style ? [...panel.style.hidden] : null;
}

// For each panel what differs from how its classes are shown at first, "" where nothing does.
function changedClasses({ panels }) {
  const unless = (usual, value) => (value === usual ? "" : value);
  return {
    picks: panels.map((panel) => unless(panel.entry.classes ? "all" : "foreground", pickOf(panel))),
    palettes: panels.map((panel) => unless(panel.entry.classes?.palette, paletteOf(panel))),
  };
}

// What is chosen for all panels that name their classes alike, so that colours mean the same.
function styleOf(viewer, { names, palette, hidden }) {
  const key = names.join(" | ");
  if (!viewer.classStyles.has(key)) {
    viewer.classStyles.set(key, { pick: "all", palette, hidden: new Set(hidden) });
  }
  return viewer.classStyles.get(key);
}

// The colours that a person may choose for so many classes.
function palettesFor({ palette }, count) {
  return Object.keys(palette.classes).filter((name) => palette.classes[name].length >= count);
}

// The colour of each class, null for a hidden one, and a mark that changes with any of them.
function coloursOf(viewer, panel) {
  const { names } = panel.classes;
  const { palette, hidden } = panel.style;
  const mark = `${palette} ${[...hidden].sort().join(",")}`;
  if (panel.classColours && panel.classColours.mark === mark) return panel.classColours;
  const hexes = viewer.palette.classes[palette].slice(0, names.length);
  const colours = hexes.map((hex, number) => (hidden.has(number) ? null : parseColour(hex)));
  panel.classColours = { hexes, colours, mark };
  return panel.classColours;
}

// --- Loading ----------------------------------------------------------------------------------

// The foreground's map has come; a panel of several classes may show another one.
function takeMap(panel, q, height, width) {
  panel.foreground = { q, height, width };
  if (panel.entry.classes) showPick(panel);
  else setMap(panel, q, height, width);
}

// Gives the panel the map of what it shows, or none until that is here.
function showPick(panel) {
  const { classes, kept } = panel;
  if (!classes) return;
  const pick = pickOf(panel);
  if (panel.map && kept.get(pick) === panel.map) return;
  panel.map = kept.get(pick) || null;
  if (panel.map) return;
  const made = mapFor(panel, pick);
  if (!made) return;
  setMap(panel, made.q, made.height, made.width);
  kept.set(pick, panel.map);
}

function mapFor({ classes, foreground }, pick) {
  const { labels, width, height, atlas, names, background } = classes;
  if (pick === "foreground") return foreground;
  if (pick === "all") return { q: winnersMap(labels, background), width, height };
  return atlas && { q: classMap(atlas, names.length, Number(pick), width, height), width, height };
}

// The winners first, which are shown at once; then the maps of all classes.
async function loadClasses(viewer, panel, signal, done) {
  const entry = panel.entry.status === "ready" ? panel.entry.classes : null;
  if (!entry) {
    panel.classes = null;
    panel.classesUrl = null;
    return;
  }
  takeStyle(viewer, panel, entry);
  const url = `${entry.labels.file.url} ${entry.atlas.file.url}`;
  if (panel.classesUrl === url) {
    showPick(panel);
    return;
  }
  Object.assign(panel, { classesUrl: url, classes: null, kept: new Map(), map: null });
  const current = () => panel.classesUrl === url;
  try {
    const { q, height, width } = await fetchMap(entry.labels.file.url, signal);
    if (!current()) return;
    const { names, background } = entry;
    panel.classes = {
      names, background, labels: q, height, width, counts: classCounts(q, names.length),
      atlas: null, winning: null, serial: nextClassSerial++,
    };
    showPick(panel);
    done();
    const atlas = await fetchMap(entry.atlas.file.url, signal);
    if (!current()) return;
    panel.classes.atlas = atlas;
    panel.classes.winning = winningMap(atlas, names.length, q, width, height);
    showPick(panel);
  } catch (error) {
    if (!current()) return;
    panel.classesUrl = null;
    if (error.name === "AbortError") return;
    console.error("segdemo: the classes could not be loaded", error);
    panel.loadFailed = true;
  }
  done();
}

// Another network's classes are not the ones that a pick was for.
function takeStyle(viewer, panel, entry) {
  const style = styleOf(viewer, entry);
  if (panel.style && panel.style !== style) panel.pick = undefined;
  if (panel.style !== style) panel.classColours = null;
  panel.style = style;
  const { pick, palette } = panel.restored || {};
  panel.restored = null;
  if (pick) panel.pick = pick;
  if (palettesFor(viewer, entry.names.length).includes(palette)) style.palette = palette;
}

// What was restored for each panel waits until its classes are known.
function restoreClasses({ panels }, state) {
  panels.forEach((panel, index) => { panel.restored = state?.panels?.[index]; });
}

// --- What a person can do ---------------------------------------------------------------------

// For all panels of these classes, unless each panel is set on its own.
function setPick(viewer, panel, pick) {
  if (viewer.settings.linked) {
    panel.style.pick = pick;
    for (const other of viewer.panels) if (other.style === panel.style) other.pick = undefined;
  } else {
    panel.pick = pick;
  }
  for (const other of viewer.panels) showPick(other);
  schedule(viewer, "panels");
  settle(viewer);
}

function setPalette(viewer, panel, palette) {
  panel.style.palette = palette;
  schedule(viewer, "panels");
  settle(viewer);
}

function toggleClass(viewer, panel, number) {
  const { hidden } = panel.style;
  if (!hidden.delete(number)) hidden.add(number);
  for (const other of viewer.panels) {
    if (other.style === panel.style && other.classes) refreshShares(viewer, other);
  }
  schedule(viewer, "threshold");
  settle(viewer);
}

// --- The card ---------------------------------------------------------------------------------

function buildClasses(viewer, panel) {
  const { strings } = viewer;
  const section = make("section", "sv-classes");
  section.hidden = true;
  const pick = make("select", "sv-field sv-pick");
  const palette = make("select", "sv-field sv-palette");
  palette.setAttribute("aria-label", strings.classes_palette);
  palette.title = strings.classes_palette;
  pick.addEventListener("change", () => setPick(viewer, panel, pick.value));
  palette.addEventListener("change", () => setPalette(viewer, panel, palette.value));
  const line = make("div", "sv-classes-line");
  line.append(pick, palette);
  const legend = make("ul", "sv-shares");
  legend.setAttribute("aria-label", strings.classes_legend);
  section.append(line, legend);
  panel.card.below.append(section);
  panel.card.classes = { section, pick, palette, legend, serial: 0, items: [] };
}

function refreshClasses(viewer, panel) {
  const { strings } = viewer;
  const { section, pick, palette, legend } = panel.card.classes;
  const entry = panel.entry.classes;
  section.hidden = !entry || !panel.classes;
  if (section.hidden) return;
  pick.setAttribute("aria-label", fill(strings.classes_shown, { name: panel.entry.label }));
  fillSelect(pick, [
    ["all", strings.classes_all],
    ["foreground", fill(strings.classes_but, { name: entry.names[entry.background] })],
    ...entry.names.map((name, number) => [String(number), name]),
  ], pickOf(panel));
  fillSelect(palette, palettesFor(viewer, entry.names.length)
    .map((name) => [name, strings[`palette_${name}`]]), panel.style.palette);
  palette.hidden = !showsClasses(panel);
  legend.hidden = !showsClasses(panel);
  if (showsClasses(panel)) refreshShares(viewer, panel);
}

// Options are built once, so that an open list stays open.
function fillSelect(select, options, value) {
  const signature = JSON.stringify(options);
  if (select.dataset.signature !== signature) {
    select.dataset.signature = signature;
    select.replaceChildren(...options.map(([name, text]) => {
      const option = make("option", "", text);
      option.value = name;
      return option;
    }));
  }
  if (select.value !== value) select.value = value;
}

// The classes that have won a pixel, each with its share and a switch.
function refreshShares(viewer, panel) {
  const { card, classes } = panel;
  if (card.classes.serial !== classes.serial) {
    card.classes.serial = classes.serial;
    card.classes.items = shareItems(viewer, panel);
    card.classes.legend.replaceChildren(...card.classes.items.map(({ item }) => item));
  }
  const { hexes, colours } = coloursOf(viewer, panel);
  for (const { number, button, swatch } of card.classes.items) {
    setAttribute(button, "aria-pressed", String(colours[number] !== null));
    swatch.style.backgroundColor = hexes[number];
  }
}

function shareItems(viewer, panel) {
  const { names, counts, labels } = panel.classes;
  return names.flatMap((name, number) => {
    if (counts[number] === 0) return [];
    const share = `${percentText(counts[number] / labels.length)}%`;
    const item = make("li");
    const button = make("button", "sv-class");
    button.type = "button";
    button.title = fill(viewer.strings.class_share, { name, share });
    const swatch = make("i");
    const score = make("span", "sv-class-score");
    button.append(swatch, make("span", "sv-class-name", name), make("span", "sv-class-share", share));
    button.addEventListener("click", () => toggleClass(viewer, panel, number));
    item.append(button, score);
    return [{ number, item, button, swatch, score }];
  });
}

// The share of pixels on which two panels name the same class, or null where one shows a mask.
function sameClassShare(viewer, first, second) {
  const [a, b] = [first.classes, second.classes];
  if (!a || !b || !showsClasses(first) || !showsClasses(second)) return null;
  const key = `${a.serial} ${b.serial}`;
  if (!viewer.sameShares.has(key)) {
    viewer.sameShares.set(key, sameShare(a.labels, b.labels, matchClasses(a.names, b.names)));
  }
  return viewer.sameShares.get(key);
}

// --- Under the cross --------------------------------------------------------------------------

// The winner at a point of the picture and what is known of its probability, or null.
function classAt({ classes }, point) {
  if (!classes || !point) return null;
  const { labels, width, height, names, winning } = classes;
  const at = Math.floor(point.y * height) * width + Math.floor(point.x * width);
  return { number: labels[at], name: names[labels[at]], q: winning ? winning[at] : -1 };
}

// Writes what the panel says under the cross: "sky, p 0.830–0.834".
function readClass(viewer, panel, letter, item) {
  const { number, name, q } = classAt(panel, viewer.point);
  const { hexes } = coloursOf(viewer, panel);
  const template = q < 0 ? "{name}" : viewer.strings.class_reading;
  const swatch = make("i", "sv-reading-class");
  swatch.style.backgroundColor = hexes[number];
  const text = fill(template, { name, interval: intervalText(Math.max(q, 0)) });
  item.append(swatch, `${letter} ${text}`.trim());
  return item;
}

// The difference's key; the colours of the classes stand under the picture.
function classLegend({ strings }, panel, reference) {
  if (panel === reference) return [{ hex: "#9aa0a8", text: strings.is_reference }];
  return [{ hex: "#9aa0a8", text: strings.classes_same }, { hex: "", text: strings.classes_own }];
}

const CLASS_PART = Object.freeze({
  build: buildClasses,
  load: loadClasses,
  refresh: refreshClasses,
  step() {},
});
