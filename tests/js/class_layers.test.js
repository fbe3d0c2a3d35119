import {
  classCounts, classMap, confidenceMap, differenceTable, matchClasses, predictedForeground,
  sameShare,
} from "../../segdemo/ui/viewer/static/arithmetic/class_layers.js";
import { CLEAR } from "../../segdemo/ui/viewer/static/arithmetic/colours.js";
import { VOID_LABEL } from "../../segdemo/ui/viewer/static/arithmetic/counts.js";
import { close, equal, noise, test } from "./harness.js";



test("every cell is counted for the class that won it", () => {
  equal(classCounts(Uint8Array.of(2, 0, 2, 1, 2), 4), [1, 1, 3, 0]);
});

test("the winners are one mask at every threshold", () => {
  const labels = Uint8Array.of(0, 1, 2, 1);
  equal(predictedForeground(labels, 0), [0, 255, 255, 255]);
  equal(predictedForeground(labels, 1), [255, 0, 255, 0]);
});

test("a class's map is its own part of the atlas", () => {
  const q = noise(3 * 2 * 4);
  const atlas = { q, width: 4, height: 6 };
  equal(classMap(atlas, 3, 1, 4, 2), q.slice(8, 16));
});

test("a smaller map is enlarged with the values that it has", () => {
  const atlas = { q: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 3 };
  equal(classMap(atlas, 3, 2, 4, 2), [5, 5, 6, 6, 5, 5, 6, 6]);
});

test("the winner's probability is that of its own map", () => {
  const atlas = { q: Uint8Array.of(9, 8, 7, 60, 70, 80), width: 3, height: 2 };
  equal(confidenceMap(atlas, 2, Uint8Array.of(1, 0, 1), 3, 1), [60, 8, 80]);
});

test("classes of the same names in the same order are the same, also where a name occurs twice", () => {
  equal(matchClasses(["a", "b", "b"], ["A", " b", "B "]), [0, 1, 2]);
});

test("classes in another order are matched by name", () => {
  equal(matchClasses(["sky", "car", "tree"], ["tree", "Sky"]), [1, -1, 0]);
});

test("the share of equal classes goes by name", () => {
  const match = matchClasses(["sky", "car", "tree"], ["tree", "sky"]);
  close(sameShare(Uint8Array.of(0, 1, 2, 2), Uint8Array.of(1, 1, 0, 1), match), 0.5);
});

test("a difference shows the labels that the other names otherwise, and none where it says nothing", () => {
  const table = differenceTable([7, 8, 9], [0, 2, -1]);
  const shown = (label, there) => table[label * 256 + there];
  equal([shown(0, 0), shown(0, 1), shown(1, 2), shown(1, 1)], [CLEAR, 7, CLEAR, 8]);
  equal([shown(2, 0), shown(2, 2), shown(2, VOID_LABEL)], [9, 9, CLEAR]);
});
