import {
  agreementText, durationText, fill, intervalText, percentText, probabilityText, thresholdText,
} from "../../segdemo/ui/viewer/static/arithmetic/text.js";
import { equal, test } from "./harness.js";



test("a name without a value stays as it is written", () => {
  equal(fill("{a} and {b}", { a: 1 }), "1 and {b}");
});

test("what is filled in is not filled again", () => {
  equal(fill("{a} {b}", { a: "{b}", b: "x" }), "{b} x");
});

test("a name that every object has is not a value", () => {
  equal(fill("{constructor}", {}), "{constructor}");
});

test("all 255 thresholds read differently", () => {
  const texts = new Set(Array.from({ length: 255 }, (_, i) => thresholdText(i + 1)));
  equal(texts.size, 255);
  equal(thresholdText(128), "0.500");
});

test("a probability is told as the interval it lies in", () => {
  equal(intervalText(0), "0.000–0.004");
  equal(intervalText(128), "0.500–0.504");
  equal(intervalText(255), "0.996–1.000");
});

test("only nothing is 0.00 and only everything is 100.00", () => {
  equal(percentText(0), "0.00");
  equal(percentText(1e-6), "<0.01");
  equal(percentText(1 - 1e-6), ">99.99");
  equal(percentText(1), "100.00");
  equal(percentText(0.12345), "12.35");
});

test("an agreement that is not defined is a dash", () => {
  equal(agreementText(NaN), "–");
  equal(agreementText(1), "1.000");
  equal(agreementText(0.9999), ">0.999");
});

test("a duration has a unit that suits it", () => {
  const strings = { milliseconds: "{value} ms", seconds: "{value} s" };
  equal(durationText(4.21, strings), "4.2 ms");
  equal(durationText(999.4, strings), "999 ms");
  equal(durationText(999.6, strings), "1.0 s");
  equal(durationText(123456, strings), "123 s");
});

test("a probability is 0 or 1 only when it is exactly that", () => {
  equal([0, 1e-9, 0.31, 0.99999, 1].map(probabilityText), ["0.000", "<0.001", "0.310", ">0.999", "1.000"]);
});
