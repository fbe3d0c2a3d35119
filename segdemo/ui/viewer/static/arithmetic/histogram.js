// Exact counts at every threshold: computed once for a map, then one look-up each.
// A map holds q in 0..255; the threshold k in 1..255 calls q >= k foreground.

export const LEVELS = 256;
export const SIDE = LEVELS + 1;

// How many pixels have each value.
export function histogramOf(map) {
  const counts = new Float64Array(LEVELS);
  for (let i = 0; i < map.length; i++) counts[map[i]]++;
  return counts;
}

// The cells of a map in the order of their values; `counts` says how many there are of each.
export function sortedCells(q, counts) {
  const next = new Uint32Array(counts.length);
  for (let value = 1; value < next.length; value++) next[value] = next[value - 1] + counts[value - 1];
  const order = new Uint32Array(q.length);
  for (let cell = 0; cell < q.length; cell++) order[next[q[cell]]++] = cell;
  return order;
}

// tail[k] is the number of pixels with q >= k; tail[256] is 0.
export function tailSums(counts) {
  const tail = new Float64Array(SIDE);
  for (let k = LEVELS - 1; k >= 0; k--) tail[k] = tail[k + 1] + counts[k];
  return tail;
}

// The share of foreground at k.
export function coverage(tail, k) {
  return tail[0] > 0 ? tail[k] / tail[0] : NaN;
}

// joint[i * 257 + j] is the number of pixels with a >= i and b >= j: two maps of one size,
// each at a threshold of its own.
export function jointTailSums(a, b) {
  const joint = new Float64Array(SIDE * SIDE);
  for (let i = 0; i < a.length; i++) joint[a[i] * SIDE + b[i]]++;
  for (let i = LEVELS - 1; i >= 0; i--) {
    const row = i * SIDE;
    let right = 0;
    for (let j = LEVELS - 1; j >= 0; j--) {
      right += joint[row + j];
      joint[row + j] = right + joint[row + SIDE + j];
    }
  }
  return joint;
}

// Pixels at thresholds i and j: in both masks, in a alone, in b alone.
export function overlap(joint, i, j) {
  const both = joint[i * SIDE + j];
  return { both, onlyA: joint[i * SIDE] - both, onlyB: joint[j] - both };
}

// Intersection over union; NaN when both masks are empty.
export function agreement(joint, i, j) {
  const { both, onlyA, onlyB } = overlap(joint, i, j);
  const union = both + onlyA + onlyB;
  return union > 0 ? both / union : NaN;
}

// Heights in [0, 1] for drawing. The logarithm keeps a few uncertain pixels visible beside a
// background of a million; it counts shares, so that maps of different size compare.
export function histogramCurve(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  return Float64Array.from(counts, (count) => Math.log1p((count / total) * 1e4) / Math.log1p(1e4));
}
