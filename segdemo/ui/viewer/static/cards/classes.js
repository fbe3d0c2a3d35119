// The part of a card for networks of three or more classes: which output is shown, the palette and the
// share of each class.

import { make, setAttribute } from "../../../gradio_support/static/dom.js";
import { fill, intervalText, percentText } from "../arithmetic/text.js";
import { loadClasses, showChosenMap } from "../loading/panel_maps.js";
import { coloursOf, palettesFor, pickOf, showsClasses } from "../state/class_choice.js";
import { schedule, settle } from "../state/viewer_state.js";

// Of more classes the legend is sorted by share, and there is a field to find one in.
const MANY = 20;
const MOST_FOUND = 8;

// Applies to all panels with these classes, unless the panels are set one by one.
function setPick(viewer, panel, pick) {
  if (viewer.settings.linked) {
    panel.style.pick = pick;
    for (const other of viewer.panels) if (other.style === panel.style) other.pick = undefined;
  } else {
    panel.pick = pick;
  }
  for (const other of viewer.panels) showChosenMap(other);
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
  const find = make("input", "sv-field sv-find");
  find.type = "search";
  find.addEventListener("input", () => refreshFound(viewer, panel));
  find.addEventListener("keydown", (event) => {
    // The viewer's keys are letters, too.
    event.stopPropagation();
    if (event.key === "Enter") panel.card.classes.found.querySelector("button")?.click();
  });
  line.append(pick, palette);
  const found = make("ul", "sv-shares sv-found");
  const legend = make("ul", "sv-shares");
  legend.setAttribute("aria-label", strings.classes_legend);
  section.append(line, found, legend);
  panel.card.below.append(section);
  panel.card.classes = { section, pick, find, found, palette, legend, serial: 0, items: [] };
}

function refreshClasses(viewer, panel) {
  const { strings } = viewer;
  const { section, pick, find, palette, legend } = panel.card.classes;
  const entry = panel.entry.classes;
  section.hidden = !entry || !panel.classes;
  if (section.hidden) return;
  pick.setAttribute("aria-label", fill(strings.classes_shown, { name: panel.entry.label }));
  fillSelect(pick, [{
    options: [
      ["all", strings.classes_all],
      ["foreground", fill(strings.classes_but, { name: entry.names[entry.background] })],
    ],
  }, ...classGroups(viewer, panel)], pickOf(panel));
  if (entry.names.length > MANY) palette.before(find);
  else find.remove();
  find.placeholder = strings.classes_find;
  find.setAttribute("aria-label", strings.classes_find);
  refreshFound(viewer, panel);
  fillSelect(palette, [{
    options: palettesFor(viewer, entry.names.length).map((name) => [name, strings[`palette_${name}`]]),
  }], panel.style.palette);
  palette.hidden = !showsClasses(panel);
  legend.hidden = !showsClasses(panel);
  if (showsClasses(panel)) refreshShares(viewer, panel);
}

// The classes to choose from: of many those of this picture first, the largest before all others.
function classGroups({ strings }, panel) {
  const { names, counts } = panel.classes;
  const optionsOf = (numbers) => numbers.map((number) => [String(number), names[number]]);
  const all = names.map((_, number) => number);
  if (names.length <= MANY) return [{ options: optionsOf(all) }];
  const here = largestFirst(counts, all.filter((number) => counts[number] > 0));
  return [
    { label: strings.classes_here, options: optionsOf(here) },
    { label: strings.classes_others, options: optionsOf(all.filter((number) => !counts[number])) },
  ];
}

function largestFirst(counts, numbers) {
  return [...numbers].sort((one, other) => counts[other] - counts[one]);
}

// Options are built once, so that an open list stays open. A group with a label has a heading.
function fillSelect(select, groups, value) {
  const signature = JSON.stringify(groups);
  if (select.dataset.signature !== signature) {
    select.dataset.signature = signature;
    select.replaceChildren(...groups.flatMap(({ label, options }) => {
      const made = options.map(([name, text]) => {
        const option = make("option", "", text);
        option.value = name;
        return option;
      });
      if (!label) return made;
      const group = make("optgroup");
      group.label = label;
      group.append(...made);
      return [group];
    }));
  }
  if (select.value !== value) select.value = value;
}

// The classes whose names hold what was typed, those of this picture first; a press shows one.
function refreshFound(viewer, panel) {
  const { find, found } = panel.card.classes;
  const { names, counts } = panel.classes;
  const wanted = find.value.trim().toLocaleLowerCase();
  const numbers = names.flatMap((name, number) => (
    wanted && name.toLocaleLowerCase().includes(wanted) ? [number] : []));
  const first = largestFirst(counts, numbers).slice(0, MOST_FOUND);
  found.replaceChildren(...first.map((number) => {
    const item = make("li");
    const button = make("button", "sv-class", names[number]);
    button.type = "button";
    button.addEventListener("click", () => {
      find.value = "";
      setPick(viewer, panel, String(number));
    });
    item.append(button);
    return item;
  }));
  if (wanted && first.length === 0) found.append(make("li", "", viewer.strings.classes_none));
  found.hidden = !wanted;
}

// The predicted classes, each with its share of the image and a switch.
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
  const all = names.map((_, number) => number);
  return (names.length > MANY ? largestFirst(counts, all) : all).flatMap((number) => {
    if (counts[number] === 0) return [];
    const name = names[number];
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

// The predicted class at a point of the image with its q, or null.
function classAt({ classes }, point) {
  if (!classes || !point) return null;
  const { labels, width, height, names, confidence } = classes;
  const at = Math.floor(point.y * height) * width + Math.floor(point.x * width);
  return { number: labels[at], name: names[labels[at]], q: confidence ? confidence[at] : -1 };
}

// Writes the panel's class under the cursor: "sky, p 0.830–0.834".
export function readClass(viewer, panel, letter, item) {
  const { number, name, q } = classAt(panel, viewer.point);
  const { hexes } = coloursOf(viewer, panel);
  const template = q < 0 ? "{name}" : viewer.strings.class_reading;
  const swatch = make("i", "sv-reading-class");
  swatch.style.backgroundColor = hexes[number];
  const text = fill(template, { name, interval: intervalText(Math.max(q, 0)) });
  item.append(swatch, `${letter} ${text}`.trim());
  return item;
}

export const CLASS_PART = Object.freeze({
  build: buildClasses,
  load: loadClasses,
  refresh: refreshClasses,
  step() {},
});
