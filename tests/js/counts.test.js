import { CLEAR } from "../../segdemo/ui/viewer/static/arithmetic/colours.js";
import {
  TRUTH_MARKS, VOID_LABEL, bestOf, classScores, confusionOf, curveOf, errorTable, outlineScore,
  outlinesOf, scoresAt, truthFor,
} from "../../segdemo/ui/viewer/static/arithmetic/counts.js";
import { paintPair, thresholdTable } from "../../segdemo/ui/viewer/static/arithmetic/maps.js";
import { equal, test } from "./harness.js";



test("a score that is 0/0 is not a number", () => {
  const empty = curveOf(Uint8Array.of(0, 0), Uint8Array.of(0, 0));
  equal(scoresAt(empty, 1), { dice: NaN, iou: NaN, precision: NaN, recall: NaN, accuracy: 1 });
  equal(scoresAt(curveOf(Uint8Array.of(9), Uint8Array.of(VOID_LABEL)), 1).accuracy, NaN);
});

test("pixels of which nothing is said are not counted", () => {
  const curve = curveOf(Uint8Array.of(200, 200, 10), Uint8Array.of(1, VOID_LABEL, 0));
  equal([curve.tp[100], curve.fp[100], curve.fn[100], curve.tn[100]], [1, 0, 0, 1]);
});

test("the best threshold is the one of the highest mean, nearest to the middle", () => {
  const flat = (from, to) => Float64Array.from({ length: 257 }, (_, k) => (k >= from && k <= to ? 0.5 : 0.1));
  equal(bestOf([flat(3, 9)]), 9);
  equal(bestOf([flat(100, 200)]), 128);
  equal(bestOf([flat(100, 200), flat(140, 210)]), 140);
  equal(bestOf([flat(1, 1)]), null);
  equal(bestOf([flat(255, 255)]), null);
  equal(bestOf([flat(127, 127).fill(0)]), null);
  equal(bestOf([new Float64Array(257).fill(NaN)]), null);
  equal(bestOf([]), null);
});

test("an outline does not run along the picture's edge", () => {
  const whole = new Uint8Array(12).fill(255);
  const { found, wanted } = outlinesOf(whole, whole.map(() => 1), 4, 3);
  equal([found[128], wanted], [0, 0]);
});

test("an outline matches within two pixels and no further", () => {
  const at = (x) => Uint8Array.from({ length: 12 }, (_, i) => (i === x ? 1 : 0));
  const map = at(3).map((value) => value * 255);
  const score = (x) => outlineScore(outlinesOf(map, at(x), 12, 1), 128);
  equal([score(3), score(5), score(6)], [1, 1, 0]);
});

test("a class that is neither found nor there has no IoU and no part in the mean", () => {
  const counts = confusionOf(Uint8Array.of(0, 1, 1, 1), Uint8Array.of(0, 1, 7, VOID_LABEL), 3);
  equal(classScores(counts, 3), { accuracy: 2 / 3, ious: Float64Array.of(1, 0.5, NaN), mean: 0.75 });
});

test("the truth of a class is that class; without classes it is the foreground, or the ground", () => {
  const labels = Uint8Array.of(0, 1, 2, VOID_LABEL);
  equal(truthFor(labels, true, "foreground", 0), [0, 1, 1, VOID_LABEL]);
  equal(truthFor(labels, true, "foreground", 2), [1, 1, 0, VOID_LABEL]);
  equal(truthFor(labels, true, "2", 0), [0, 0, 1, VOID_LABEL]);
  const plain = Uint8Array.of(0, 1, VOID_LABEL);
  equal(truthFor(plain, false, "foreground", 5), [0, 1, VOID_LABEL]);
  equal(truthFor(plain, false, "3", 5), [0, 1, VOID_LABEL]);
  equal(truthFor(plain, false, "5", 5), [1, 0, VOID_LABEL]);
});

test("errors are told apart, and what nothing is said of too", () => {
  const cells = { columns: Int32Array.of(0, 1, 2, 3, 4), rows: Int32Array.of(0) };
  const mask = { q: Uint8Array.of(9, 9, 1, 1, 9), width: 5, cells, marks: thresholdTable(5, 1, 0) };
  const truth = { q: Uint8Array.of(1, 0, 1, 0, VOID_LABEL), width: 5, cells, marks: TRUTH_MARKS };
  const table = Uint32Array.from(errorTable({ hit: 1, wrong: 2, missed: 3, unsaid: 4 }));
  const out = new Uint32Array(5);
  paintPair(mask, truth, table, { left: 0, top: 0, right: 5, bottom: 1 }, out);
  equal(out, [1, 2, 3, CLEAR, 4]);
});
