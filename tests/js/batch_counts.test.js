import {
  diceIn, disagreementIn, meanDiceIn, readTable, shareIn, sortedRows,
} from "../../segdemo/ui/batch/static/batch_counts.js";
import { close, equal, test, throws } from "./harness.js";



// Three networks on ten pixels, counted by hand below; the third map is empty from 100 on.
const BATCH_MAPS = [
  [0, 10, 20, 200, 200, 200, 255, 128, 127, 5],
  [0, 0, 0, 200, 255, 100, 255, 128, 128, 5],
  [0, 1, 2, 3, 4, 5, 6, 7, 99, 99],
];
const BATCH_TRUTH = [0, 0, 0, 1, 1, 1, 1, 1, 0, 255];

function batchTable(networks, scored) {
  const count = (claim) => Array.from({ length: 257 }, (_, k) =>
    BATCH_TRUTH.filter((truth, i) => claim(i, k, truth)).length);
  const rows = [];
  for (const a of networks) rows.push(count((i, k) => BATCH_MAPS[a][i] >= k));
  networks.forEach((a, at) => networks.slice(at + 1).forEach((b) => {
    rows.push(count((i, k) => BATCH_MAPS[a][i] >= k && BATCH_MAPS[b][i] >= k));
  }));
  if (scored) {
    for (const a of networks) {
      for (const value of [1, 0]) rows.push(count((i, k, truth) => truth === value && BATCH_MAPS[a][i] >= k));
    }
  }
  const view = new DataView(new ArrayBuffer(rows.length * 257 * 4));
  rows.flat().forEach((value, at) => view.setUint32(4 * at, value, true));
  return readTable(view.buffer, networks.length, scored);
}

test("a table's coverage is the share at or above the threshold", () => {
  const table = batchTable([0, 1, 2], false);
  close(shareIn(table, 0, 128), 0.5, 0);
  close(shareIn(table, 2, 99), 0.2, 0);
});

test("disagreement is 1 less the mean IoU of all pairs", () => {
  close(disagreementIn(batchTable([0, 1], false), 128), 1 - 4 / 6, 1e-15);
  close(disagreementIn(batchTable([0, 1, 2], false), 128), 1 - (4 / 6) / 3, 1e-15);
});

test("two empty masks are left out of the disagreement", () => {
  equal(disagreementIn(batchTable([2, 2], false), 128), NaN);
});

test("Dice counts no pixel of which the truth says nothing", () => {
  const table = batchTable([0, 1], true);
  close(diceIn(table, 0, 128), 1, 0);
  close(diceIn(table, 0, 1), 10 / (10 + 3), 1e-15);
  close(meanDiceIn(table, 128), (1 + 8 / 10) / 2, 1e-15);
});

test("without a truth there is no Dice", () => {
  equal(meanDiceIn(batchTable([0, 1], false), 128), NaN);
});

test("a table of another size is refused", () => {
  throws(() => readTable(new ArrayBuffer(257 * 4), 2, false));
});

test("rows are sorted by what is worth looking at, those without figures last", () => {
  const rows = [
    { number: 0, table: null },
    { number: 1, table: batchTable([0, 0], true) },
    { number: 2, table: batchTable([0, 2], true) },
    { number: 3, table: batchTable([0, 1], true) },
  ];
  const order = (by) => sortedRows(rows, by, 128).map(({ number }) => number);
  equal(order("disagreement"), [2, 3, 1, 0]);
  equal(order("dice"), [2, 3, 1, 0]);
  equal(order("given"), [0, 1, 2, 3]);
});
