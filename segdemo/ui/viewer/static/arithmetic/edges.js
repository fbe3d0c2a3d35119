// Edges of masks and classes as bit masks, 32 pixels to a word: a box {left, top, right, bottom} with
// `words`, `stride` of them to a row. Boxes reach beyond the panel, so that an edge looks the same
// wherever the panel's border crosses it.

import { BLOCK_BITS } from "./blocks.js";
import { insideOf } from "./maps.js";

const MIXED = 2;

function bitsFor({ left, top, right, bottom }) {
  const stride = (right - left + 31) >> 5;
  return { left, top, right, bottom, stride, words: new Int32Array(stride * (bottom - top)) };
}

export function grown({ left, top, right, bottom }, by) {
  return { left: left - by, top: top - by, right: right + by, bottom: bottom + by };
}

// The box that two boxes have in common.
export function intersection(box, other) {
  return {
    left: Math.max(box.left, other.left), top: Math.max(box.top, other.top),
    right: Math.min(box.right, other.right), bottom: Math.min(box.bottom, other.bottom),
  };
}

export function isEmpty({ left, top, right, bottom }) {
  return right <= left || bottom <= top;
}

export function sameBox(box, other) {
  return box.left === other.left && box.top === other.top && box.right === other.right
    && box.bottom === other.bottom;
}

// Where q >= k. `cells` is {columns, rows, margin}: they begin `margin` pixels before the panel.
// Words over blocks that lie on one side of k as a whole are filled without reading their pixels.
export function foregroundBits({ q, width, blocks }, { columns, rows, margin }, k, box) {
  const bits = bitsFor(box);
  const { words, stride } = bits;
  const [first, last] = insideOf(columns, box.left + margin, box.right + margin);
  let verdicts = null;
  let line = -1;
  for (let y = box.top, at = 0; y < box.bottom; y++, at += stride) {
    const row = rows[y + margin];
    if (row < 0) continue;
    if (y > box.top && row === rows[y + margin - 1]) {
      words.copyWithin(at, at - stride, at);
      continue;
    }
    if (line !== row >> BLOCK_BITS) {
      line = row >> BLOCK_BITS;
      verdicts = wordVerdicts(blocks, line, columns, box.left + margin, box.right + margin, k);
    }
    const from = row * width;
    for (let word = 0; word < stride; word++) {
      if (verdicts[word] !== MIXED) {
        words[at + word] = -verdicts[word];
        continue;
      }
      const start = box.left + margin + word * 32;
      const end = Math.min(start + 32, last);
      let found = 0;
      for (let x = Math.max(start, first); x < end; x++) {
        // The sign of k - 1 - q, without a branch.
        found |= ((k - 1 - q[from + columns[x]]) >>> 31) << (x - start);
      }
      words[at + word] = found;
    }
  }
  return bits;
}

// For each 32 pixels of a line of blocks 1 where all is foreground, 0 where nothing is, or MIXED.
function wordVerdicts({ across, lowest, highest }, line, columns, from, to, k) {
  const verdicts = new Uint8Array((to - from + 31) >> 5);
  for (let word = 0; word < verdicts.length; word++) {
    const first = from + word * 32;
    const last = Math.min(first + 32, to) - 1;
    let [low, high] = [255, 0];
    // The picture may begin or end between the two, and words have to be full.
    if (columns[first] < 0 || columns[last] < 0 || last - first < 31) [low, high] = [0, 255];
    else {
      const end = line * across + (columns[last] >> BLOCK_BITS);
      for (let at = line * across + (columns[first] >> BLOCK_BITS); at <= end; at++) {
        if (lowest[at] < low) low = lowest[at];
        if (highest[at] > high) high = highest[at];
      }
    }
    verdicts[word] = low >= k ? 1 : high < k ? 0 : MIXED;
  }
  return verdicts;
}

// A row of words whose bits in [from, to) are set.
function lineOf({ left, right, stride }, from, to) {
  const line = new Int32Array(stride);
  for (let x = Math.max(from, left); x < Math.min(to, right); x++) {
    line[(x - left) >> 5] |= 1 << ((x - left) & 31);
  }
  return line;
}

// Dilates along rows: every pixel that has one of the bits in [x - back, x + ahead].
function spreadAcross(bits, back, ahead) {
  const wide = bitsFor(bits);
  const { words, stride } = bits;
  for (let line = 0; line < words.length; line += stride) {
    for (let word = 0; word < stride; word++) {
      wide.words[line + word] = spreadWord(words, line + word, word, stride, back, ahead);
    }
  }
  return wide;
}

function spreadWord(words, at, word, stride, back, ahead) {
  const here = words[at];
  const before = word > 0 ? words[at - 1] : 0;
  const next = word + 1 < stride ? words[at + 1] : 0;
  // Most words are all foreground or all background, as their neighbours are.
  if (here === before && here === next && (here === 0 || here === -1)) return here;
  let found = here;
  for (let step = 1; step <= ahead; step++) found |= (here >>> step) | (next << (32 - step));
  for (let step = 1; step <= back; step++) found |= (here << step) | (before >>> (32 - step));
  return found;
}

// Dilates along columns: every pixel that has one of the bits in [y - above, y + below].
function spreadDown(bits, above, below) {
  const high = bitsFor(bits);
  const { words, stride } = bits;
  for (let at = 0; at < words.length; at++) {
    if (words[at] === 0) continue;
    // A line is found by those above it that look down as far, and the other way round.
    const last = Math.min(at + above * stride, words.length - 1);
    let near = at;
    while (near >= stride && near > at - below * stride) near -= stride;
    for (; near <= last; near += stride) high.words[near] |= words[at];
  }
  return high;
}

// The outline in a box of a mask, which has to reach further than the box by what is asked for:
// `inside` are pixels at most `thick` from the background, `outside` at most `thin` from the mask. Beyond
// the image the panel is background, and beyond the panel is nothing. The outline is empty until
// moveOutline is called for the first time.
export function outlineOf(mask, cells, reach, box, panel) {
  const known = knownBox(cells.wide, panel);
  const [ground, nearGround, nearMask, inside, outside] =
    Array.from({ length: 5 }, () => new Int32Array(mask.words.length));
  return {
    mask, reach, box, known, rows: cells.rows, across: panel.right,
    line: lineOf(mask, known.left, known.right),
    shown: lineOf(mask, ...insideOf(cells.columns, box.left, box.right)),
    ground, nearGround, nearMask, inside, outside,
  };
}

// Updates an outline after its mask has changed near the `touched` words, or anywhere where none are
// given. Returns the pixels of the panel that have `gone` from it and those that have `come`, each as
// `inside` and `outside`.
export function moveOutline(outline, touched) {
  const due = nearWords(outline, touched);
  const { mask: { words, stride, left, top }, reach: { thick, thin }, box, rows, across } = outline;
  const { shown, nearGround, nearMask, inside, outside } = outline;
  const gone = { inside: new PixelList(), outside: new PixelList() };
  const come = { inside: new PixelList(), outside: new PixelList() };
  for (let y = box.top; y < box.bottom; y++) {
    if (rows[y] < 0) continue;
    const start = y * across + left;
    for (let word = 0, at = (y - top) * stride; word < stride; word++, at++) {
      if (due && !due[at]) continue;
      const inner = words[at] === 0 ? 0
        : words[at] & nearLines(nearGround, at, thick * stride, stride) & shown[word];
      if (inner !== inside[at]) {
        gone.inside.add(inside[at] & ~inner, start + word * 32);
        come.inside.add(inner & ~inside[at], start + word * 32);
        inside[at] = inner;
      }
      const outer = words[at] === -1 ? 0
        : ~words[at] & nearLines(nearMask, at, thin * stride, stride) & shown[word];
      if (outer !== outside[at]) {
        gone.outside.add(outside[at] & ~outer, start + word * 32);
        come.outside.add(outer & ~outside[at], start + word * 32);
        outside[at] = outer;
      }
    }
  }
  const all = (places) => ({ inside: places.inside.all(), outside: places.outside.all() });
  return { gone: all(gone), come: all(come) };
}

// A word OR those up to `far` above and below it.
function nearLines(words, at, far, stride) {
  let near = 0;
  for (let i = at - far; i <= at + far; i += stride) near |= words[i];
  return near;
}

// Updates which pixels of the touched words are near background and mask along their rows. Returns 1 for
// each word that this may concern, or null for all.
function nearWords({ mask, reach: { thick, thin }, known, line, ground, nearGround, nearMask }, touched) {
  const { words, stride, top, bottom } = mask;
  const due = touched ? new Uint8Array(words.length) : null;
  for (let y = top, at = 0; y < bottom; y++) {
    const isKnown = y >= known.top && y < known.bottom;
    for (let word = 0; word < stride; word++, at++) {
      if (!due || touched[at]) ground[at] = isKnown ? ~words[at] & line[word] : 0;
    }
  }
  const far = Math.max(thick, thin);
  for (let y = top, at = 0; y < bottom; y++) {
    const first = Math.max(y - far, top) - y;
    const last = Math.min(y + far, bottom - 1) - y;
    for (let word = 0; word < stride; word++, at++) {
      if (due && !touched[at]) continue;
      nearGround[at] = spreadWord(ground, at, word, stride, thick, thick);
      nearMask[at] = spreadWord(words, at, word, stride, thin, thin);
      if (!due) continue;
      for (let step = first; step <= last; step++) due[at + step * stride] = 1;
    }
  }
  return due;
}

// A growing list of pixel indices, from the bits of words.
class PixelList {
  constructor() {
    this.places = new Int32Array(1 << 14);
    this.count = 0;
  }

  add(word, start) {
    if (this.count + 32 > this.places.length) {
      const more = new Int32Array(2 * this.places.length);
      more.set(this.places);
      this.places = more;
    }
    const { places } = this;
    let { count } = this;
    for (let rest = word; rest !== 0; rest &= rest - 1) {
      places[count++] = start + 31 - Math.clz32(rest & -rest);
    }
    this.count = count;
  }

  all() {
    return this.places.subarray(0, this.count);
  }
}

// The panel, and the part of the image within the margin around it.
function knownBox({ columns, rows, margin }, panel) {
  const reach = (cells, last) => {
    let [from, to] = [0, last];
    while (from > -margin && cells[from - 1 + margin] >= 0) from--;
    while (to < last + margin && cells[to + margin] >= 0) to++;
    return [from, to];
  };
  const [left, right] = reach(columns, panel.right);
  const [top, bottom] = reach(rows, panel.bottom);
  return { left, top, right, bottom };
}

// The pixels of the panel that differ in value from one at most `reach` pixels away.
export function borderPixels({ q, width }, cells, reach, box, panel) {
  const known = intersection(grown(box, reach), knownBox(cells.wide, panel));
  const across = bitsFor(known);
  const down = bitsFor(known);
  const { columns, rows, margin } = cells.wide;
  const length = known.right - known.left;
  let [above, here] = [new Uint8Array(length), new Uint8Array(length)];
  for (let y = known.top, at = 0; y < known.bottom; y++, at += across.stride) {
    const row = rows[y + margin];
    if (y > known.top && row === rows[y + margin - 1]) {
      across.words.copyWithin(at, at - across.stride, at);
      continue;
    }
    [above, here] = [here, above];
    here.fill(0);
    for (let x = 0, from = row * width; row >= 0 && x < length; x++) {
      const column = columns[x + known.left + margin];
      if (column >= 0) here[x] = q[from + column];
    }
    for (let x = 0; x < length; x++) {
      if (x + 1 < length && here[x] !== here[x + 1]) across.words[at + (x >> 5)] |= 1 << (x & 31);
      if (y > known.top && here[x] !== above[x]) {
        down.words[at - down.stride + (x >> 5)] |= 1 << (x & 31);
      }
    }
  }
  const found = spreadDown(spreadAcross(across, reach, reach - 1), reach, reach);
  const below = spreadDown(spreadAcross(down, reach, reach), reach, reach - 1);
  const places = new PixelList();
  const shown = lineOf(found, ...insideOf(cells.columns, box.left, box.right));
  for (let y = box.top; y < box.bottom; y++) {
    if (cells.rows[y] < 0) continue;
    const start = y * panel.right + found.left;
    for (let word = 0, at = (y - found.top) * found.stride; word < found.stride; word++, at++) {
      places.add((found.words[at] | below.words[at]) & shown[word], start + word * 32);
    }
  }
  return places.all();
}

// Paints pixels, given in order, in the table's colours for their values.
export function paintPixels(places, { q, width }, { columns, rows }, table, out) {
  const across = columns.length;
  let line = 0;
  let from = 0;
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    if (place >= line + across || i === 0) {
      const y = Math.floor(place / across);
      line = y * across;
      from = rows[y] * width;
    }
    out[place] = table[q[from + columns[place - line]]];
  }
}

export function fillPixels(places, colour, out) {
  for (let i = 0; i < places.length; i++) out[places[i]] = colour;
}
