import { otsuOf, pooledCounts } from "../../segdemo/ui/viewer/static/arithmetic/autothreshold.js";
import { histogramOf } from "../../segdemo/ui/viewer/static/arithmetic/histogram.js";
import { close, equal, noise, test } from "./harness.js";



// The definition: the k whose groups have the largest variance between them.
function spreadAt(values, k) {
  const above = values.filter((q) => q >= k);
  const below = values.filter((q) => q < k);
  if (!above.length || !below.length) return 0;
  const mean = (group) => group.reduce((sum, q) => sum + q, 0) / group.length;
  return above.length * below.length * (mean(above) - mean(below)) ** 2;
}

test("Otsu's threshold parts the values as far as any threshold does", () => {
  for (const seed of [1, 2, 3]) {
    const values = Array.from(noise(300, seed), (q, i) => (i % 3 ? q >> 2 : 150 + (q >> 2)));
    const best = Math.max(...Array.from({ length: 255 }, (_, i) => spreadAt(values, i + 1)));
    const k = otsuOf(histogramOf(Uint8Array.from(values)));
    close(spreadAt(values, k) / best, 1, 1e-12);
  }
});

test("between two values Otsu's threshold is the middle", () => {
  equal(otsuOf(histogramOf(Uint8Array.of(10, 10, 10, 200))), 105);
});

test("Otsu's threshold always leaves foreground and background", () => {
  for (const values of [[0, 1], [254, 255], [3, 200, 200], [0, 255]]) {
    const k = otsuOf(histogramOf(Uint8Array.from(values)));
    equal([values.some((q) => q >= k), values.some((q) => q < k)], [true, true]);
  }
});

test("one value cannot be parted", () => {
  equal(otsuOf(histogramOf(new Uint8Array(9).fill(77))), null);
  equal(otsuOf(new Float64Array(256)), null);
});

test("pooled histograms count alike, whatever the size of their maps", () => {
  const small = histogramOf(Uint8Array.of(10, 20));
  const large = histogramOf(new Uint8Array(1000).fill(30));
  const pooled = pooledCounts([small, large]);
  equal([pooled[10], pooled[20], pooled[30]], [0.5, 0.5, 1]);
});
