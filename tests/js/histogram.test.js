import {
  agreement, coverage, histogramCurve, histogramOf, jointTailSums, overlap, tailSums,
} from "../../segdemo/ui/viewer/static/arithmetic/histogram.js";
import { close, equal, noise, test } from "./harness.js";



const MAP_A = noise(5000, 3);
const MAP_B = MAP_A.map((q, i) => (i % 3 ? q : 255 - q));

function countedBy(claim) {
  let count = 0;
  for (let i = 0; i < MAP_A.length; i++) if (claim(MAP_A[i], MAP_B[i])) count++;
  return count;
}

test("coverage is the share of pixels at or above the threshold, at every threshold", () => {
  const tail = tailSums(histogramOf(MAP_A));
  for (let k = 1; k < 256; k++) close(coverage(tail, k), countedBy((a) => a >= k) / 5000, 0);
});

test("a probability equal to the threshold is foreground", () => {
  const tail = tailSums(histogramOf(Uint8Array.of(127, 128, 129)));
  equal(tail[128], 2);
});

test("overlap is counted exactly at two thresholds of their own", () => {
  const joint = jointTailSums(MAP_A, MAP_B);
  for (const [i, j] of [[1, 255], [128, 128], [30, 200], [255, 255], [7, 7]]) {
    equal(overlap(joint, i, j), {
      both: countedBy((a, b) => a >= i && b >= j),
      onlyA: countedBy((a, b) => a >= i && b < j),
      onlyB: countedBy((a, b) => a < i && b >= j),
    });
  }
});

test("agreement is intersection over union at every threshold", () => {
  const joint = jointTailSums(MAP_A, MAP_B);
  for (let k = 1; k < 256; k++) {
    const both = countedBy((a, b) => a >= k && b >= k);
    const either = countedBy((a, b) => a >= k || b >= k);
    close(agreement(joint, k, k), both / either, 0);
  }
});

test("two empty masks have no agreement to speak of", () => {
  equal(agreement(jointTailSums(new Uint8Array(9), new Uint8Array(9)), 128, 128), NaN);
});

test("a map agrees with itself", () => {
  equal(agreement(jointTailSums(MAP_A, MAP_A), 200, 200), 1);
});

test("a curve lies in 0 to 1 and does not depend on the size of a map", () => {
  const small = histogramCurve(histogramOf(MAP_A));
  const large = histogramCurve(histogramOf(Uint8Array.from({ length: 15000 }, (_, i) => MAP_A[i % 5000])));
  small.forEach((height, q) => close(height, large[q]));
  equal(small.every((height) => height >= 0 && height <= 1), true);
});
