// Paints maps as pixels, packed 0xAABBGGRR with a colour's opacity as its alpha; transparent outside of
// the image, which is drawn beneath. `cells` is {columns, rows}: the map's cell under each panel
// pixel, -1 outside. A box {left, top, right, bottom} is the part of the panel that is painted.

import { CLEAR, OPAQUE } from "./colours.js";

// Samples a map at the panel's pixels, nearest neighbour: what is shown is q itself, never an average.
export function sampleMap(map, mapWidth, { columns, rows }, out) {
  const width = columns.length;
  out.fill(0);
  for (let y = 0; y < rows.length; y++) {
    if (rows[y] < 0) continue;
    const from = rows[y] * mapWidth;
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (columns[x] >= 0) out[i] = map[from + columns[x]];
    }
  }
}

// The part of the pixels [from, to) along one axis that lies in the image.
export function insideOf(cells, from, to) {
  while (from < to && cells[from] < 0) from++;
  while (to > from && cells[to - 1] < 0) to--;
  return [from, to];
}

// Paints each pixel in the table's colour for its cell's value. A row over the same cells as the one
// above is a copy of it.
export function paintLevels(map, mapWidth, { columns, rows }, table, box, out) {
  const width = columns.length;
  const [left, right] = insideOf(columns, box.left, box.right);
  for (let y = box.top; y < box.bottom; y++) {
    const at = y * width;
    if (y > box.top && rows[y] === rows[y - 1]) {
      out.copyWithin(at + box.left, at - width + box.left, at - width + box.right);
      continue;
    }
    if (rows[y] < 0) {
      out.fill(CLEAR, at + box.left, at + box.right);
      continue;
    }
    if (box.left < left) out.fill(CLEAR, at + box.left, at + left);
    if (right < box.right) out.fill(CLEAR, at + right, at + box.right);
    const from = rows[y] * mapWidth;
    for (let x = left; x < right; x++) out[at + x] = table[map[from + columns[x]]];
  }
}

// Paints two maps {q, width, cells, marks} at once: the table's colour for the marks of both values.
export function paintPair(one, other, table, box, out) {
  const width = one.cells.columns.length;
  const [left, right] = insideOf(one.cells.columns, box.left, box.right);
  const { q, marks, cells: { columns, rows } } = one;
  const { q: q2, marks: marks2, cells: { columns: columns2, rows: rows2 } } = other;
  for (let y = box.top; y < box.bottom; y++) {
    const at = y * width;
    if (y > box.top && rows[y] === rows[y - 1] && rows2[y] === rows2[y - 1]) {
      out.copyWithin(at + box.left, at - width + box.left, at - width + box.right);
      continue;
    }
    out.fill(CLEAR, at + box.left, at + box.right);
    if (rows[y] < 0) continue;
    const from = rows[y] * one.width;
    const from2 = rows2[y] * other.width;
    for (let x = left; x < right; x++) {
      out[at + x] = table[marks[q[from + columns[x]]] | marks2[q2[from2 + columns2[x]]]];
    }
  }
}

// 256 entries: `on` for each q >= k and `off` for the others.
export function thresholdTable(k, on, off) {
  return new Uint32Array(256).fill(off, 0, k).fill(on, k);
}

// A packed colour with an opacity in [0, 1].
export function withOpacity(packed, opacity) {
  return ((packed & 0xffffff) | (Math.round(opacity * 255) << 24)) >>> 0;
}

// Two translucent colours, `over` above `packed`, as one (the over operator of alpha compositing).
export function composited(packed, over) {
  const below = packed >>> 24;
  const above = over >>> 24;
  const alpha = above + below * (1 - above / 255);
  if (alpha === 0) return CLEAR;
  const channel = (shift) => Math.round((((over >>> shift) & 255) * above
    + ((packed >>> shift) & 255) * below * (1 - above / 255)) / alpha) << shift;
  return ((Math.round(alpha) << 24) | channel(16) | channel(8) | channel(0)) >>> 0;
}

// The image with a colour over it.
export function tintLayer(picture, colour, opacity, out) {
  const table = (target, shift) => Uint32Array.from({ length: 256 }, (_, value) =>
    Math.round(value + (target - value) * opacity) << shift);
  const red = table(colour.r, 0);
  const green = table(colour.g, 8);
  const blue = table(colour.b, 16);
  for (let i = 0; i < out.length; i++) {
    const pixel = picture[i];
    out[i] = pixel === CLEAR ? CLEAR
      : OPAQUE | blue[(pixel >> 16) & 255] | green[(pixel >> 8) & 255] | red[pixel & 255];
  }
}

// The image in darkened grey, on which any two colours are distinguishable.
export function greyLayer(picture, brightness, out) {
  for (let i = 0; i < out.length; i++) {
    const pixel = picture[i];
    if (pixel === CLEAR) { out[i] = CLEAR; continue; }
    const grey = ((pixel & 255) * 0.299 + ((pixel >> 8) & 255) * 0.587
      + ((pixel >> 16) & 255) * 0.114) * brightness;
    out[i] = (OPAQUE | (grey << 16) | (grey << 8) | grey) >>> 0;
  }
}

// Foreground shows `on`, everything else `off`.
export function paintMask(values, k, on, off, out) {
  for (let i = 0; i < out.length; i++) out[i] = values[i] >= k ? on[i] : off[i];
}

// Shifts the pixels by whole pixels; what comes in from outside remains to be painted.
export function shiftPixels(out, width, height, dx, dy) {
  const rows = height - Math.abs(dy);
  const columns = width - Math.abs(dx);
  const [from, to] = [Math.max(0, -dy), Math.max(0, dy)];
  for (let step = 0; step < rows; step++) {
    // Downwards the last line goes first, so that none is overwritten before it has moved.
    const y = dy > 0 ? rows - 1 - step : step;
    const source = (from + y) * width + Math.max(0, -dx);
    out.copyWithin((to + y) * width + Math.max(0, dx), source, source + columns);
  }
}
