import {
  histogramCurve, histogramOf, tailSums,
} from "../../segdemo/ui/viewer/static/arithmetic/histogram.js";
import {
  activePanel, countsOf, effectiveThreshold, extremesOf, sliderCounts, sliderNow, spanOf,
  stretchTable, thresholdOf, unstretchedThreshold,
} from "../../segdemo/ui/viewer/static/arithmetic/thresholds.js";
import { equal, noise, test } from "./harness.js";



const SPARSE = Uint8Array.from({ length: 4000 }, (_, i) => 23 + ((i * i) % 97));
const FULL = noise(3000, 9);

test("the extreme values of a map are those that occur", () => {
  for (const map of [SPARSE, FULL, Uint8Array.of(7, 7), Uint8Array.of(0, 255)]) {
    const { low, high } = extremesOf(tailSums(histogramOf(map)));
    equal([low, high], [Math.min(...map), Math.max(...map)]);
  }
});

test("counts are what the tail sums were made of", () => {
  const counts = histogramOf(FULL);
  equal(countsOf(tailSums(counts)), counts);
});

test("a map is cut alike by k on its stretched values and by the k that stands for it", () => {
  for (const map of [SPARSE, FULL, Uint8Array.of(3, 4), Uint8Array.of(100, 101, 255), Uint8Array.of(0, 1, 9)]) {
    const tail = tailSums(histogramOf(map));
    const low = Math.min(...map);
    const high = Math.max(...map);
    for (let k = 1; k < 256; k++) {
      const effective = unstretchedThreshold(tail, k);
      const stretched = Array.from(map, (q) => Math.floor(((q - low) * 255) / (high - low)) >= k);
      equal(Array.from(map, (q) => q >= effective), stretched);
      equal(effective >= 1 && effective <= 255, true);
    }
  }
});

test("the stretch begins at 0 and ends at 255", () => {
  const table = stretchTable(tailSums(histogramOf(SPARSE)));
  equal([table[23], table[Math.max(...SPARSE)]], [0, 255]);
  equal([table[0], table[255]], [0, 255]);
});

test("a constant map has nothing to stretch", () => {
  const tail = tailSums(histogramOf(Uint8Array.of(90, 90, 90)));
  equal(stretchTable(tail)[90], 90);
  equal([1, 90, 91, 255].map((k) => unstretchedThreshold(tail, k)), [1, 90, 91, 255]);
});

function panelWith(map, changes = {}) {
  const counts = histogramOf(map);
  return { entry: { id: "slot-0" }, map: { tail: tailSums(counts), curve: histogramCurve(counts) }, ...changes };
}

test("one threshold holds for all until each has its own", () => {
  const panels = [panelWith(FULL, { threshold: 30 }), panelWith(FULL, { entry: { id: "slot-1" } })];
  const viewer = { panels, settings: { linked: true, threshold: 128, active: "slot-0" } };
  equal(panels.map((panel) => thresholdOf(viewer, panel)), [128, 128]);
  equal(sliderNow(viewer), 128);
  viewer.settings.linked = false;
  equal(panels.map((panel) => thresholdOf(viewer, panel)), [30, 128]);
  equal(sliderNow(viewer), 30);
  viewer.settings.active = "slot-1";
  equal(sliderNow(viewer), 128);
  viewer.settings.active = "gone";
  equal(activePanel(viewer), panels[0]);
});

test("a stretched panel's histogram spans the slider", () => {
  const panel = panelWith(SPARSE, { stretched: true });
  const { from, to, place } = spanOf(panel);
  equal([place(from), place(to - 1)], [0, 255]);
  const counts = sliderCounts(panel);
  equal(counts.reduce((sum, count) => sum + count, 0), SPARSE.length);
  const k = 100;
  equal(tailSums(counts)[k], panel.map.tail[effectiveThreshold(panel, k)]);
});
