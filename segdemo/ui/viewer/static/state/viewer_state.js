// What every part of the viewer needs of its state: the status and colour of a panel, one drawing per
// frame for all changes, and the state that is sent to Python.

import { mixColours, parseColour } from "../arithmetic/colours.js";
import { statusOf } from "../arithmetic/payload.js";
import { thresholdOf } from "../arithmetic/thresholds.js";
import { hiddenOf, paletteOf, pickOf } from "./class_choice.js";

// Milliseconds after the last change.
const SETTLE_AFTER = 180;

// What a change concerns, from the least to the most: each includes those before it.
export const PARTS = Object.freeze(["probe", "threshold", "view", "controls", "size", "panels"]);

// Asks for one drawing in the next frame, however many changes come before it.
export function schedule(viewer, part) {
  if (viewer.scheduled === null) requestAnimationFrame(viewer.draw);
  else if (PARTS.indexOf(part) <= PARTS.indexOf(viewer.scheduled)) return;
  viewer.scheduled = part;
}

// Sends the state to Python once it has not changed for a while, if Python listens.
export function settle(viewer) {
  if (!viewer.host.mirrors()) return;
  clearTimeout(viewer.settleTimer);
  viewer.settleTimer = setTimeout(() => viewer.host.mirror(stateFor(viewer)), SETTLE_AFTER);
}

// The state as Python reads it.
export function stateFor(viewer) {
  const { run, settings: { threshold, mode, layout, opacity } } = viewer;
  const panels = viewer.panels.map((panel) => ({
    threshold: thresholdOf(viewer, panel), pick: pickOf(panel), palette: paletteOf(panel),
    hidden: hiddenOf(panel),
  }));
  return { run, threshold, mode, layout, opacity, panels };
}

// One of STATUSES: what Python says of the panel, and whether its files could be loaded.
export function statusNow(viewer, panel) {
  return statusOf(panel.entry, Boolean(panel.map), panel.loadFailed || viewer.pictureFailed);
}

// The panel's colour as #rrggbb: the one that was chosen, else by its place.
export function colourOf(viewer, panel) {
  const own = viewer.colours.get(panel.entry.id);
  return own || viewer.palette.panels[viewer.panels.indexOf(panel) % viewer.palette.panels.length];
}

// The panel's colour for a line, with more contrast to the page's background.
export function lineColourOf(viewer, panel) {
  const contrast = viewer.dark ? { r: 255, g: 255, b: 255 } : { r: 0, g: 0, b: 0 };
  return mixColours(parseColour(colourOf(viewer, panel)), contrast, 0.15);
}
