// The pixels that a new threshold changes: those with values between the old threshold and the new one.

import { sortedCells } from "./histogram.js";
import { insideOf } from "./maps.js";
import { countsOf } from "./thresholds.js";

// The pixels in a box that change sides between two thresholds, as runs over one cell each: y, the
// first x and the one after the last, one after another in one array. `cells` may begin a margin
// before the panel.
export function flippedRuns(map, { columns, rows, margin = 0 }, k, other, box) {
  const { tail, width, height } = map;
  const across = firstPixels(columns, width, box.left + margin, box.right + margin);
  const down = firstPixels(rows, height, box.top + margin, box.bottom + margin);
  map.order = map.order || sortedCells(map.q, countsOf(tail));
  const below = (level) => tail[0] - tail[level];
  const flipped = map.order.subarray(below(Math.min(k, other)), below(Math.max(k, other)));
  let most = 0;
  for (let at = 0; at < flipped.length; at++) {
    const row = Math.floor(flipped[at] / width);
    most += down[row + 1] - down[row];
  }
  const runs = new Int32Array(3 * most);
  let length = 0;
  for (let at = 0; at < flipped.length; at++) {
    const row = Math.floor(flipped[at] / width);
    const column = flipped[at] - row * width;
    const from = across[column];
    const to = across[column + 1];
    if (from === to) continue;
    for (let y = down[row]; y < down[row + 1]; y++, length += 3) {
      runs[length] = y - margin;
      runs[length + 1] = from - margin;
      runs[length + 2] = to - margin;
    }
  }
  return runs.subarray(0, length);
}

// For each of `count` cells along one axis the first pixel of [from, to) that lies over it or over
// one behind it, and `to` at the end.
function firstPixels(cells, count, from, to) {
  const [first, last] = insideOf(cells, from, to);
  const found = new Int32Array(count + 1).fill(last);
  for (let pixel = last - 1; pixel >= first; pixel--) found[cells[pixel]] = pixel;
  for (let cell = count - 1; cell >= 0; cell--) found[cell] = Math.min(found[cell], found[cell + 1]);
  return found;
}

// Paints runs in the table's colours for their values.
export function paintRuns(runs, { q, width }, { columns, rows }, table, out) {
  for (let i = 0; i < runs.length; i += 3) {
    const [y, from, to] = [runs[i], runs[i + 1], runs[i + 2]];
    const at = y * columns.length;
    const colour = table[q[rows[y] * width + columns[from]]];
    for (let x = from; x < to; x++) out[at + x] = colour;
  }
}

// Paints runs as paintPair paints boxes.
export function paintPairRuns(runs, one, other, table, out) {
  const { q, width, marks, cells: { columns, rows } } = one;
  const { q: q2, width: width2, marks: marks2, cells: { columns: columns2, rows: rows2 } } = other;
  for (let i = 0; i < runs.length; i += 3) {
    const y = runs[i];
    const at = y * columns.length;
    const from = rows[y] * width;
    const from2 = rows2[y] * width2;
    for (let x = runs[i + 1]; x < runs[i + 2]; x++) {
      out[at + x] = table[marks[q[from + columns[x]]] | marks2[q2[from2 + columns2[x]]]];
    }
  }
}

// Flips the bits of the runs. Returns 1 for each word that has bits at most `reach` away from one of
// them.
export function flipBits(runs, { words, stride, left, top }, reach) {
  const touched = new Uint8Array(words.length);
  const last = 32 * stride - 1;
  for (let i = 0; i < runs.length; i += 3) {
    const at = (runs[i] - top) * stride;
    for (let x = runs[i + 1] - left; x < runs[i + 2] - left; x++) {
      words[at + (x >> 5)] ^= 1 << (x & 31);
      touched[at + (Math.max(x - reach, 0) >> 5)] = 1;
      touched[at + (Math.min(x + reach, last) >> 5)] = 1;
    }
  }
  return touched;
}
