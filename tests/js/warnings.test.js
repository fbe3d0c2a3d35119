import { histogramOf, tailSums } from "../../segdemo/ui/viewer/static/arithmetic/histogram.js";
import { warningsOf } from "../../segdemo/ui/viewer/static/arithmetic/warnings.js";
import { equal, test } from "./harness.js";



function tailOf(...values) {
  return tailSums(histogramOf(Uint8Array.from(values)));
}

function keysOf(warnings) {
  return warnings.map(({ key }) => key);
}

test("nothing is wrong with a map that has foreground and background", () => {
  const figures = { minimum: 0.001, mean: 0.4, maximum: 0.99 };
  equal(warningsOf(figures, "sigmoid", tailOf(0, 100, 253), 128), []);
});

test("a map below the threshold says its largest value, and a threshold that shows something", () => {
  const tail = tailOf(2, 3, 70, 79);
  const [warning, ...more] = warningsOf({ minimum: 0.01, mean: 0.1, maximum: 0.31 }, "sigmoid", tail, 128);
  equal([warning.key, warning.value, more.length], ["nothing", 0.31, 0]);
  equal(warning.actions.map((action) => action.do), ["threshold", "try"]);
  const { key, k } = warning.actions[0];
  equal([key, tail[k] > 0, tail[k] < tail[0]], ["lower", true, true]);
});

test("a map above the threshold says its smallest value, and a threshold that hides something", () => {
  const tail = tailOf(150, 160, 250);
  const [warning] = warningsOf({ minimum: 0.59, mean: 0.7, maximum: 0.98 }, "sigmoid", tail, 128);
  equal([warning.key, warning.value, warning.actions[0].key], ["everything", 0.59, "raise"]);
  equal(warning.actions[0].k > 150, true);
});

test("a constant map has no threshold to offer", () => {
  for (const p of [0, 0.5, 1]) {
    const warnings = warningsOf({ minimum: p, mean: p, maximum: p }, "sigmoid", tailOf(9, 9), 128);
    equal([keysOf(warnings), warnings[0].value], [["constant"], p]);
    equal(warnings[0].actions, [{ do: "try" }]);
  }
});

test("probabilities too small for any threshold are no constant map", () => {
  const [warning] = warningsOf({ minimum: 0.0001, mean: 0.001, maximum: 0.003 }, "sigmoid", tailOf(0, 0), 1);
  equal([warning.key, warning.actions], ["nothing", [{ do: "try" }]]);
});

test("a sigmoid of a sigmoid is known by its range, and goes before the threshold", () => {
  const figures = { minimum: 0.5, mean: 0.55, maximum: 0.731 };
  const warnings = warningsOf(figures, "sigmoid", tailOf(128, 140, 187), 128);
  equal(keysOf(warnings), ["twice", "everything"]);
  equal(warnings[0].actions.map((action) => action.do), ["plain", "try"]);
});

test("high probabilities alone are no sigmoid of a sigmoid", () => {
  equal(keysOf(warningsOf({ minimum: 0.51, mean: 0.8, maximum: 0.99 }, "sigmoid", tailOf(130, 253), 60)),
    ["everything"]);
  equal(warningsOf({ minimum: 0.5, mean: 0.6, maximum: 0.73 }, "softmax", tailOf(128, 187), 150), []);
});

test("a warning holds exactly while its threshold does", () => {
  const tail = tailOf(20, 90, 200);
  const figures = { minimum: 0.08, mean: 0.4, maximum: 0.79 };
  for (let k = 1; k < 256; k++) {
    const expected = k > 200 ? ["nothing"] : k <= 20 ? ["everything"] : [];
    equal(keysOf(warningsOf(figures, "sigmoid", tail, k)), expected);
  }
});
