// The threshold of each panel: one for all or one for each, on the probabilities or on stretched ones.

import { LEVELS } from "./histogram.js";
import { clampThreshold } from "./payload.js";

// How many pixels have each value.
export function countsOf(tail) {
  return Float64Array.from({ length: LEVELS }, (_, q) => tail[q] - tail[q + 1]);
}

// The smallest and the largest value that occurs.
export function extremesOf(tail) {
  let low = 0;
  let high = LEVELS - 1;
  while (low < high && tail[low + 1] === tail[0]) low++;
  while (high > low && tail[high] === 0) high--;
  return { low, high };
}

// U²-Net's stretch, q' = floor((q - low) * 255 / (high - low)), for every q; a constant map has
// nothing to stretch.
export function stretchTable(tail) {
  const { low, high } = extremesOf(tail);
  if (low === high) return Uint8Array.from({ length: LEVELS }, (_, q) => q);
  return Uint8Array.from({ length: LEVELS }, (_, q) =>
    Math.floor(((Math.min(Math.max(q, low), high) - low) * 255) / (high - low)));
}

// The k of a map that gives the same mask as `k` on its stretched values: q >= answer where q' >= k.
export function unstretchedThreshold(tail, k) {
  const { low, high } = extremesOf(tail);
  return low === high ? k : low + Math.ceil((k * (high - low)) / 255);
}

// The k of a map with these tail sums while the panel's slider stands at `k`.
export function effectiveThreshold(panel, k, tail = panel.map ? panel.map.tail : null) {
  return panel.stretched && tail ? unstretchedThreshold(tail, k) : k;
}

// Where the slider stands for this panel.
export function sliderOf(viewer, panel) {
  const { linked, threshold } = viewer.settings;
  return linked || panel.threshold === undefined ? threshold : panel.threshold;
}

// The panel's threshold: q >= k is foreground.
export function thresholdOf(viewer, panel) {
  return effectiveThreshold(panel, sliderOf(viewer, panel));
}

// The panel's histogram on the slider's scale.
export function sliderCounts(panel) {
  const counts = countsOf(panel.map.tail);
  if (!panel.stretched) return counts;
  const stretched = new Float64Array(LEVELS);
  stretchTable(panel.map.tail).forEach((place, q) => { stretched[place] += counts[q]; });
  return stretched;
}

// The values q in [from, to) that a panel's histogram shows, and where the slider finds each.
export function spanOf(panel) {
  const { low, high } = extremesOf(panel.map.tail);
  if (!panel.stretched || low === high) return { from: 0, to: LEVELS, place: (q) => q };
  return { from: low, to: high + 1, place: (q) => ((q - low) * 255) / (high - low) };
}

// The panel that the slider and the keys move where each has a threshold of its own.
export function activePanel(viewer) {
  return viewer.panels.find((panel) => panel.entry.id === viewer.settings.active) || viewer.panels[0];
}

// Where the slider stands.
export function sliderNow(viewer) {
  const active = viewer.settings.linked ? null : activePanel(viewer);
  return active ? sliderOf(viewer, active) : viewer.settings.threshold;
}

// Gives each panel the threshold that was restored for it, where they differ from the common one.
export function restoreThresholds({ panels, settings }, { threshold, panels: states = [] }) {
  if (states.length === 0) return;
  settings.linked = states.every((state) => state.threshold === threshold);
  panels.forEach((panel, index) => {
    const own = states[index] ? states[index].threshold : threshold;
    panel.threshold = Number.isFinite(own) ? clampThreshold(own) : undefined;
    panel.stretched = false;
  });
}
