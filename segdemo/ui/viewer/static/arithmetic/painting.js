// Decides which parts of a panel's image have to be painted again.

import { intersection, isEmpty, sameBox } from "./edges.js";
import { shiftPixels } from "./maps.js";

// The share of a box's pixels up to which changed cells are repainted one by one, not the whole box.
const FEW_FLIPS = 1 / 16;

// The parts of a box outside of another one.
function boxesWithout(box, other) {
  const both = intersection(box, other);
  if (isEmpty(both)) return [box];
  return [
    { ...box, bottom: both.top },
    { ...box, top: both.bottom },
    { left: box.left, top: both.top, right: both.left, bottom: both.bottom },
    { left: both.right, top: both.top, right: box.right, bottom: both.bottom },
  ].filter((part) => !isEmpty(part));
}

// The thresholds k of a plan's maps.
export function thresholdsOf({ thresholds }) {
  return thresholds.map(({ k }) => k);
}

// Whether nothing but thresholds has changed. `before` and `after` are {mark, ks, box, left, top,
// scale}, of which `mark` stands for whatever else the image depends on.
export function isStep(before, after) {
  return Boolean(before) && before.mark === after.mark && before.scale === after.scale
    && before.left === after.left && before.top === after.top && sameBox(before.box, after.box)
    && !sameThresholds(before, after);
}

function sameThresholds(before, after) {
  return before.ks.every((k, at) => k === after.ks[at]);
}

// Whether few cells change sides between the thresholds before and those of now.
export function flipsFew({ ks }, thresholds, { left, top, right, bottom }) {
  const flips = thresholds.map(({ map: { tail }, k }, at) => Math.abs(tail[k] - tail[ks[at]]));
  return flips.reduce((sum, count) => sum + count, 0) <= FEW_FLIPS * (right - left) * (bottom - top);
}

// The parts of a box that have to be painted, after what can be kept has been moved in place.
export function staleBoxes(before, after, { image, pixels }) {
  const { box } = after;
  if (!before || before.mark !== after.mark || before.scale !== after.scale) return [box];
  if (!sameThresholds(before, after)) return [box];
  const [dx, dy] = [Math.round(after.left - before.left), Math.round(after.top - before.top)];
  const off = Math.max(Math.abs(after.left - before.left - dx), Math.abs(after.top - before.top - dy));
  // After a pan by parts of pixels other cells lie under their centres.
  if (off > 1e-6) return [box];
  const { width, height } = image;
  if (Math.abs(dx) >= width || Math.abs(dy) >= height) return [box];
  if (dx !== 0 || dy !== 0) shiftPixels(pixels, width, height, dx, dy);
  const { left, top, right, bottom } = before.box;
  const there = { left: left + dx, top: top + dy, right: right + dx, bottom: bottom + dy };
  return boxesWithout(box, intersection(there, { left: 0, top: 0, right: width, bottom: height }));
}
