// A map's counts and scores against the ground truth at every threshold: the same as segdemo/metrics. A
// truth has 1 for foreground, 0 for background and VOID_LABEL for pixels to ignore; 0/0 is NaN.

import { CLEAR } from "./colours.js";
import { LEVELS, SIDE, tailSums } from "./histogram.js";

export const VOID_LABEL = 255;
// The tolerance of the boundary F-score, in pixels.
const OUTLINE_REACH = 2;

const REACHED = Object.freeze(Array.from({ length: 25 }, (_, at) => [at % 5 - 2, Math.floor(at / 5) - 2])
  .filter(([dx, dy]) => dx * dx + dy * dy <= OUTLINE_REACH * OUTLINE_REACH));

// Entry k, 0..256, is for the mask q >= k.
export function curveOf(q, truth) {
  const right = new Float64Array(LEVELS);
  const wrong = new Float64Array(LEVELS);
  for (let i = 0; i < q.length; i++) {
    if (truth[i] === 1) right[q[i]]++;
    else if (truth[i] === 0) wrong[q[i]]++;
  }
  const tp = tailSums(right);
  const fp = tailSums(wrong);
  return { tp, fp, fn: tp.map((count) => tp[0] - count), tn: fp.map((count) => fp[0] - count) };
}

// For paintPair, against a mask whose foreground is marked 1: what the truth says of each value, and
// the colours of the errors. True negatives have none.
export const TRUTH_MARKS = Uint8Array.from({ length: LEVELS }, (_, value) => (value > 1 ? 4 : 2 * value));

export function errorTable({ hit, wrong, missed, unsaid }) {
  return [CLEAR, wrong, missed, hit, unsaid, unsaid];
}

function shareOf(part, whole) {
  return whole > 0 ? part / whole : NaN;
}

export function scoresAt({ tp, fp, fn, tn }, k) {
  return {
    dice: shareOf(2 * tp[k], 2 * tp[k] + fp[k] + fn[k]),
    iou: shareOf(tp[k], tp[k] + fp[k] + fn[k]),
    precision: shareOf(tp[k], tp[k] + fp[k]),
    recall: shareOf(tp[k], tp[k] + fn[k]),
    accuracy: shareOf(tp[k] + tn[k], tp[k] + fp[k] + fn[k] + tn[k]),
  };
}

// The threshold of the highest mean of several rows of scores, each (257,); of equal ones the
// nearest to 128, the lower of two. Null where none is above 0, and where the scores still rise at
// 1 or 255: what is best there is all or nothing, and no threshold.
export function bestOf(rows) {
  let best = null;
  let highest = 0;
  for (let k = 1; k < LEVELS; k++) {
    const mean = rows.reduce((sum, row) => sum + row[k], 0) / rows.length;
    const nearer = best !== null && Math.abs(k - LEVELS / 2) < Math.abs(best - LEVELS / 2);
    if (mean > highest || (mean === highest && nearer)) {
      best = k;
      highest = mean;
    }
  }
  return best === 1 || best === LEVELS - 1 ? null : best;
}

// --- Outlines ---------------------------------------------------------------------------------

// The outline is what a mask loses when it is eroded by one pixel up, down, left and right; the
// picture's edge erodes nothing. Returns, by threshold, the pixels of the mask's outline, those of
// them near the truth's, and those of the truth's `wanted` ones that the mask's comes near.
export function outlinesOf(q, truth, width, height) {
  const values = Uint8Array.from(q, (value, i) => (truth[i] === VOID_LABEL ? 0 : value));
  const inside = Uint8Array.from(truth, (value) => (value === 1 ? 1 : 0));
  // A pixel is on the outline for all k in (lowest, value].
  const lowest = lowestAround(values, width, height);
  const lowestInside = lowestAround(inside, width, height);
  const [found, right, met] = [1, 2, 3].map(() => new Float64Array(SIDE + 1));
  const near = new Uint8Array(values.length);
  const lows = new Uint8Array(REACHED.length);
  const highs = new Uint8Array(REACHED.length);
  let wanted = 0;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (lowestInside[i] >= inside[i]) continue;
      wanted++;
      let count = 0;
      for (const [dx, dy] of REACHED) {
        if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
        const at = i + dy * width + dx;
        near[at] = 1;
        if (lowest[at] >= values[at]) continue;
        // Sorted by where they begin, so that one pass finds their union.
        let place = count++;
        for (; place > 0 && lows[place - 1] > lowest[at]; place--) {
          lows[place] = lows[place - 1];
          highs[place] = highs[place - 1];
        }
        lows[place] = lowest[at];
        highs[place] = values[at];
      }
      for (let place = 0, covered = 0; place < count; place++) {
        if (highs[place] <= covered) continue;
        addLevels(met, Math.max(lows[place], covered), highs[place]);
        covered = highs[place];
      }
    }
  }
  for (let i = 0; i < values.length; i++) {
    if (lowest[i] >= values[i]) continue;
    addLevels(found, lowest[i], values[i]);
    if (near[i]) addLevels(right, lowest[i], values[i]);
  }
  return { found: runningSums(found), right: runningSums(right), wanted, met: runningSums(met) };
}

// The smallest of each pixel and its four neighbours inside of the picture.
function lowestAround(values, width, height) {
  const lowest = values.slice();
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      let least = values[i];
      if (x > 0 && values[i - 1] < least) least = values[i - 1];
      if (x < width - 1 && values[i + 1] < least) least = values[i + 1];
      if (y > 0 && values[i - width] < least) least = values[i - width];
      if (y < height - 1 && values[i + width] < least) least = values[i + width];
      lowest[i] = least;
    }
  }
  return lowest;
}

// One more for every k in (low, high].
function addLevels(steps, low, high) {
  steps[low + 1]++;
  steps[high + 1]--;
}

function runningSums(steps) {
  let sum = 0;
  return steps.map((step) => { sum += step; return sum; }).subarray(0, SIDE);
}

// The boundary F-score: NaN where neither mask has an outline, 0 where one of them has none.
export function outlineScore({ found, right, wanted, met }, k) {
  const precision = shareOf(right[k], found[k]);
  const recall = shareOf(met[k], wanted);
  if (Number.isNaN(precision) && Number.isNaN(recall)) return NaN;
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

// --- Several classes --------------------------------------------------------------------------

// counts[label * classes + found]; the last row is of labels that the network has no class for.
export function confusionOf(found, labels, classes) {
  const counts = new Float64Array((classes + 1) * classes);
  for (let i = 0; i < found.length; i++) {
    if (labels[i] !== VOID_LABEL) counts[Math.min(labels[i], classes) * classes + found[i]]++;
  }
  return counts;
}

// Pixel accuracy, the IoU of each class, and its mean over the classes that are predicted or present.
export function classScores(counts, classes) {
  const ious = new Float64Array(classes);
  let right = 0;
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  for (let number = 0; number < classes; number++) {
    const hit = counts[number * classes + number];
    let union = -hit;
    for (let other = 0; other < classes; other++) union += counts[number * classes + other];
    for (let row = 0; row <= classes; row++) union += counts[row * classes + number];
    ious[number] = shareOf(hit, union);
    right += hit;
  }
  const known = ious.filter((iou) => !Number.isNaN(iou));
  const mean = shareOf(known.reduce((sum, iou) => sum + iou, 0), known.length);
  return { accuracy: shareOf(right, total), ious, mean };
}

// --- The truth for one map --------------------------------------------------------------------

// A binary mask has 0 as its background, whatever number the network gives to its own.
export function truthFor(labels, several, pick, background) {
  const truthBackground = several ? background : 0;
  const chosen = (label) => {
    if (pick === "foreground") return label !== truthBackground;
    if (several) return label === Number(pick);
    return Number(pick) === background ? label === truthBackground : label !== truthBackground;
  };
  const table = Uint8Array.from({ length: LEVELS }, (_, label) =>
    (label === VOID_LABEL ? VOID_LABEL : Number(chosen(label))));
  return labels.map((label) => table[label]);
}
