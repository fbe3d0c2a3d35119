// Which output of a network of three or more classes a panel shows, and in which colours.

import { matchClasses, sameShare } from "../arithmetic/class_layers.js";
import { parseColour } from "../arithmetic/colours.js";

// "all" for the predicted class of each pixel (argmax), "foreground" for whatever is not background, or
// the number of one class.
export function pickOf(panel) {
  const classes = panel.entry && panel.entry.classes;
  if (!classes) return "foreground";
  const pick = panel.pick ?? (panel.style ? panel.style.pick : "all");
  const known = pick === "foreground" || (/^[0-9]+$/.test(pick) && Number(pick) < classes.names.length);
  return known ? pick : "all";
}

// Whether the panel shows the predicted classes, to which no threshold applies.
export function showsClasses(panel) {
  return pickOf(panel) === "all";
}

// The palette of the classes, "" where there are none.
export function paletteOf(panel) {
  return panel.entry.classes && panel.style ? panel.style.palette : "";
}

// The numbers of the classes that are not painted, null where there are none.
export function hiddenOf(panel) {
  return panel.entry.classes && panel.style ? [...panel.style.hidden] : null;
}

// For each panel the choices that differ from the defaults, "" where none does.
export function changedClasses({ panels }) {
  const unless = (usual, value) => (value === usual ? "" : value);
  return {
    picks: panels.map((panel) => unless(panel.entry.classes ? "all" : "foreground", pickOf(panel))),
    palettes: panels.map((panel) => unless(panel.entry.classes?.palette, paletteOf(panel))),
  };
}

// The settings that all panels with the same class names share, so that colours mean the same.
export function styleOf(viewer, { names, palette, hidden }) {
  const key = names.join(" | ");
  if (!viewer.classStyles.has(key)) {
    viewer.classStyles.set(key, { pick: "all", palette, hidden: new Set(hidden) });
  }
  return viewer.classStyles.get(key);
}

// The names of the palettes with enough colours for so many classes.
export function palettesFor({ palette }, count) {
  return Object.keys(palette.classes).filter((name) => palette.classes[name].length >= count);
}

// The colour of each class, null for a hidden one, and a mark that changes with any of them.
export function coloursOf(viewer, panel) {
  const { names } = panel.classes;
  const { palette, hidden } = panel.style;
  const mark = `${palette} ${[...hidden].sort().join(",")}`;
  if (panel.classColours && panel.classColours.mark === mark) return panel.classColours;
  const hexes = viewer.palette.classes[palette].slice(0, names.length);
  const colours = hexes.map((hex, number) => (hidden.has(number) ? null : parseColour(hex)));
  panel.classColours = { hexes, colours, mark };
  return panel.classColours;
}

// Keeps the restored choices of each panel until its classes are loaded.
export function restoreClasses({ panels }, state) {
  panels.forEach((panel, index) => { panel.restored = state?.panels?.[index]; });
}

// The share of pixels with the same class in two panels, or null where one of them shows a mask.
export function sameClassShare(viewer, first, second) {
  const [a, b] = [first.classes, second.classes];
  if (!a || !b || !showsClasses(first) || !showsClasses(second)) return null;
  const key = `${a.serial} ${b.serial}`;
  if (!viewer.sameShares.has(key)) {
    viewer.sameShares.set(key, sameShare(a.labels, b.labels, matchClasses(a.names, b.names)));
  }
  return viewer.sameShares.get(key);
}
