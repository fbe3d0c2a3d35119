// Predicted classes as maps. `labels` holds the number of the most probable class (argmax) of each cell;
// what is painted from them does not depend on the threshold.

import { CLEAR } from "./colours.js";
import { sampleMap } from "./maps.js";
import { cellsAlong } from "./view.js";

// How many cells are predicted as each of `count` classes.
export function classCounts(labels, count) {
  const counts = new Float64Array(count);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}

// A map that is the same mask at every threshold: all classes but the background.
export function predictedForeground(labels, background) {
  const q = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) q[i] = labels[i] === background ? 0 : 255;
  return q;
}

// One class's map, of the size of the labels; `atlas` is {q, width, height} with all maps of
// `count` classes from top to bottom. Smaller ones are enlarged without inventing values.
export function classMap(atlas, count, number, width, height) {
  const rows = atlas.height / count;
  const cells = atlas.q.subarray(number * rows * atlas.width, (number + 1) * rows * atlas.width);
  if (atlas.width === width && rows === height) return cells;
  const out = new Uint8Array(width * height);
  const cell = { columns: cellsAlong(width, 0, width, atlas.width), rows: cellsAlong(height, 0, height, rows) };
  sampleMap(cells, atlas.width, cell, out);
  return out;
}

// The q of each cell's predicted class.
export function confidenceMap(atlas, count, labels, width, height) {
  const rows = atlas.height / count;
  const columns = cellsAlong(width, 0, width, atlas.width);
  const lines = cellsAlong(height, 0, height, rows);
  const out = new Uint8Array(labels.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      out[i] = atlas.q[(labels[i] * rows + lines[y]) * atlas.width + columns[x]];
    }
  }
  return out;
}

// For each of `names` its number among `others`, or -1; one set of classes is never translated.
export function matchClasses(names, others) {
  const plain = (list) => list.map((name) => name.trim().toLowerCase());
  const [own, there] = [plain(names), plain(others)];
  if (own.length === there.length && own.every((name, i) => name === there[i])) return own.map((_, i) => i);
  return own.map((name) => there.indexOf(name));
}

// The share of cells with the same class in both networks; `match` is that of matchClasses.
export function sameShare(labels, others, match) {
  let same = 0;
  for (let i = 0; i < labels.length; i++) if (match[labels[i]] === others[i]) same++;
  return same / labels.length;
}

// For paintPair: the colour of each label, but nothing where the other's label there is the same by
// `match` or says nothing.
export function differenceTable(colours, match) {
  const table = new Uint32Array(colours.length * 256);
  colours.forEach((colour, label) => table.fill(colour, label * 256, label * 256 + 255));
  match.forEach((there, label) => { if (there >= 0) table[label * 256 + there] = CLEAR; });
  return table;
}
