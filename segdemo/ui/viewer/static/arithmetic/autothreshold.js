// Otsu's threshold of a histogram.

import { LEVELS } from "./histogram.js";

// Otsu's k in 1..255, which maximises the variance between the two groups; the middle one of several
// with the same variance, null where all counts are in one value.
export function otsuOf(counts) {
  let total = 0;
  let sum = 0;
  counts.forEach((count, q) => {
    total += count;
    sum += q * count;
  });
  let best = 0;
  let first = null;
  let last = null;
  for (let k = 1, below = 0, sumBelow = 0; k < LEVELS; k++) {
    below += counts[k - 1];
    sumBelow += (k - 1) * counts[k - 1];
    const above = total - below;
    if (below === 0 || above === 0) continue;
    const gap = (sum - sumBelow) / above - sumBelow / below;
    const spread = below * above * gap * gap;
    if (spread > best) {
      best = spread;
      first = k;
      last = k;
    } else if (spread === best && last === k - 1) {
      last = k;
    }
  }
  return first === null ? null : Math.floor((first + last) / 2);
}

// The mean of several histograms, each normalised.
export function pooledCounts(histograms) {
  const pooled = new Float64Array(LEVELS);
  for (const counts of histograms) {
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    counts.forEach((count, q) => { pooled[q] += count / total; });
  }
  return pooled;
}
