import { blocksOf } from "../../segdemo/ui/viewer/static/arithmetic/blocks.js";
import { foregroundBits, grown } from "../../segdemo/ui/viewer/static/arithmetic/edges.js";
import {
  flipBits, flippedRuns, paintPairRuns, paintRuns,
} from "../../segdemo/ui/viewer/static/arithmetic/flips.js";
import {
  histogramOf, sortedCells, tailSums,
} from "../../segdemo/ui/viewer/static/arithmetic/histogram.js";
import {
  paintLevels, paintPair, thresholdTable,
} from "../../segdemo/ui/viewer/static/arithmetic/maps.js";
import { cellsAlong } from "../../segdemo/ui/viewer/static/arithmetic/view.js";
import { equal, noise, test } from "./harness.js";



// A panel of 90 x 70 pixels, and how a picture may lie in it.
const GLASS = { left: 0, top: 0, right: 90, bottom: 70 };
const LAID = Object.freeze({
  enlarged: [-3.3, 100, 4.2, 60],
  "much enlarged": [-900.2, 2000, -412.7, 1300],
  diminished: [20.4, 31, 5, 22.3],
});

function thresholded(width, height, seed) {
  const q = noise(width * height, seed);
  return { q, width, height, tail: tailSums(histogramOf(q)) };
}

function laidOut({ width, height }, [left, across, top, down], margin = 0) {
  return {
    columns: cellsAlong(90 + 2 * margin, left + margin, across, width),
    rows: cellsAlong(70 + 2 * margin, top + margin, down, height),
    margin,
  };
}

function onEveryGlass(claim) {
  for (const laid of Object.values(LAID)) claim(thresholded(50, 40, 21), laid);
}

test("cells are sorted by their values, and in one value by their place", () => {
  const q = noise(500, 4);
  const order = sortedCells(q, histogramOf(q));
  equal(order, Array.from(q.keys()).sort((a, b) => q[a] - q[b] || a - b));
});

test("painting what flips between two thresholds is painting everything at the second", () => {
  const part = { left: 11, top: 7, right: 64, bottom: 70 };
  onEveryGlass((map, laid) => {
    const cells = laidOut(map, laid);
    for (const [k, other] of [[80, 83], [83, 80], [1, 255], [40, 41]]) {
      for (const box of [GLASS, part]) {
        const stepped = new Uint32Array(90 * 70);
        paintLevels(map.q, 50, cells, thresholdTable(k, 1, 2), box, stepped);
        paintRuns(flippedRuns(map, cells, k, other, box), map, cells, thresholdTable(other, 1, 2), stepped);
        const anew = new Uint32Array(90 * 70);
        paintLevels(map.q, 50, cells, thresholdTable(other, 1, 2), box, anew);
        equal(stepped, anew);
      }
    }
  });
});

test("nothing flips where no value lies between two thresholds", () => {
  onEveryGlass((map, laid) => {
    const even = { ...map, q: map.q.fill(9), tail: tailSums(histogramOf(map.q)) };
    equal(flippedRuns(even, laidOut(map, laid), 10, 255, GLASS), []);
    equal(flippedRuns(even, laidOut(map, laid), 1, 1, GLASS), []);
  });
});

test("a pair of which either side flips is painted as it is anew", () => {
  onEveryGlass((map, laid) => {
    const there = thresholded(17, 13, 3);
    const side = (owner, k, mark) => ({
      q: owner.q, width: owner.width, cells: laidOut(owner, laid), marks: thresholdTable(k, mark, 0),
    });
    const table = Uint32Array.of(10, 11, 12, 13);
    const paint = (k, other) => {
      const out = new Uint32Array(90 * 70);
      paintPair(side(map, k, 1), side(there, other, 2), table, GLASS, out);
      return out;
    };
    const stepped = paint(100, 60);
    const [own, other] = [side(map, 90, 1), side(there, 75, 2)];
    paintPairRuns(flippedRuns(map, own.cells, 100, 90, GLASS), own, other, table, stepped);
    paintPairRuns(flippedRuns(there, other.cells, 60, 75, GLASS), own, other, table, stepped);
    equal(stepped, paint(90, 75));
  });
});

test("a mask whose bits are flipped is the mask at the second threshold, also beyond the panel", () => {
  onEveryGlass((map, laid) => {
    const wide = laidOut(map, laid, 4);
    const known = { ...map, blocks: blocksOf(map) };
    for (const box of [grown(GLASS, 4), { left: 30, top: -3, right: 94, bottom: 33 }]) {
      const bits = foregroundBits(known, wide, 120, box);
      const before = bits.words.slice();
      const touched = flipBits(flippedRuns(map, wide, 120, 126, box), bits, 3);
      equal(bits.words, foregroundBits(known, wide, 126, box).words);
      before.forEach((word, at) => equal(word === bits.words[at] || touched[at] === 1, true));
    }
  });
});
