// What is wrong with a map as a whole, and what can be done about it.

import { otsuOf } from "./autothreshold.js";
import { countsOf } from "./thresholds.js";

// A sigmoid applied twice gives [0.5, 0.731], within half-precision rounding.
const SIGMOID_TWICE = Object.freeze({ low: 0.4995, high: 0.7316 });
// A constant output differs by rounding alone.
const CONSTANT_WITHIN = 1e-4;

// [{key, value, actions}], the most serious first: `key` ends the name of a text with the probability
// `value`; actions are {do: "threshold", key, k}, {do: "plain"} and {do: "try"}.
// `figures` are those of the probabilities, `tail` counts the map, `k` is its threshold.
export function warningsOf(figures, activation, tail, k) {
  const { minimum, maximum } = figures;
  const tryOthers = { do: "try" };
  if (maximum - minimum < CONSTANT_WITHIN) {
    return [{ key: "constant", value: (minimum + maximum) / 2, actions: [tryOthers] }];
  }
  const found = [];
  if (activation === "sigmoid" && minimum >= SIGMOID_TWICE.low && maximum <= SIGMOID_TWICE.high) {
    found.push({ key: "twice", value: minimum, actions: [{ do: "plain" }, tryOthers] });
  }
  const otsu = otsuOf(countsOf(tail));
  const move = (key) => (otsu === null ? [] : [{ do: "threshold", key, k: otsu }]);
  if (tail[k] === 0) {
    found.push({ key: "nothing", value: maximum, actions: [...move("lower"), tryOthers] });
  } else if (tail[k] === tail[0]) {
    found.push({ key: "everything", value: minimum, actions: [...move("raise"), tryOthers] });
  }
  return found;
}
