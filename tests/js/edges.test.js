import { blocksOf } from "../../segdemo/ui/viewer/static/arithmetic/blocks.js";
import {
  borderPixels, foregroundBits, grown, moveOutline, outlineOf, paintPixels,
} from "../../segdemo/ui/viewer/static/arithmetic/edges.js";
import { flipBits, flippedRuns } from "../../segdemo/ui/viewer/static/arithmetic/flips.js";
import { histogramOf, tailSums } from "../../segdemo/ui/viewer/static/arithmetic/histogram.js";
import { cellsAlong } from "../../segdemo/ui/viewer/static/arithmetic/view.js";
import { equal, noise, test } from "./harness.js";



// A panel of 75 x 40 pixels on a map that it enlarges, by how the picture lies in it.
const PANEL = { left: 0, top: 0, right: 75, bottom: 40 };
const LYING = Object.freeze({
  "beyond the panel": [-20.3, 160.1, -9.6, 77.7],
  "inside of the panel": [8.4, 51.2, 3.5, 30.9],
  "exactly on the panel": [0, 75, 0, 40],
});

function smooth(width, height) {
  return Uint8Array.from({ length: width * height }, (_, i) =>
    128 + 120 * Math.sin((i % width) / 9) * Math.cos(Math.floor(i / width) / 7));
}

const MAPS = Object.freeze({
  smooth: { q: smooth(64, 40), width: 64, height: 40 },
  noisy: { q: noise(64 * 40, 11), width: 64, height: 40 },
});

function cellsOf({ width, height }, [left, across, top, down], margin = 4) {
  const wide = {
    columns: cellsAlong(75 + 2 * margin, left + margin, across, width),
    rows: cellsAlong(40 + 2 * margin, top + margin, down, height),
    margin,
  };
  return {
    columns: wide.columns.subarray(margin, margin + 75),
    rows: wide.rows.subarray(margin, margin + 40),
    wide,
  };
}

// What the map says at each pixel, also beyond the panel: null where there is nothing at all, 0
// beside the picture.
function reader({ q, width }, { wide: { columns, rows, margin } }) {
  return (x, y) => {
    const [column, row] = [columns[x + margin], rows[y + margin]];
    if (column >= 0 && row >= 0) return q[row * width + column];
    return x >= 0 && x < 75 && y >= 0 && y < 40 ? 0 : null;
  };
}

function near(read, x, y, reach, test) {
  for (let v = y - reach; v <= y + reach; v++) {
    for (let u = x - reach; u <= x + reach; u++) {
      const value = read(u, v);
      if (value !== null && test(value)) return true;
    }
  }
  return false;
}

function expectedPlaces(cells, keep) {
  const places = [];
  for (let y = 0; y < 40; y++) {
    for (let x = 0; x < 75; x++) {
      if (cells.rows[y] >= 0 && cells.columns[x] >= 0 && keep(x, y)) places.push(y * 75 + x);
    }
  }
  return places;
}

function outlineAt(map, cells, k, reach, box) {
  const around = grown(box, Math.max(reach.thick, reach.thin));
  const mask = foregroundBits({ ...map, blocks: blocksOf(map) }, cells.wide, k, around);
  const outline = outlineOf(mask, cells, reach, box, PANEL);
  return { outline, ...moveOutline(outline) };
}

function outlinePlaces(map, cells, k, reach, box) {
  return outlineAt(map, cells, k, reach, box).come;
}

function onEveryPanel(claim) {
  for (const map of Object.values(MAPS)) {
    for (const lying of Object.values(LYING)) {
      const cells = cellsOf(map, lying);
      claim(map, cells, reader(map, cells));
    }
  }
}

test("an outline is what lies near the edge of the mask, also where the panel's border cuts it", () => {
  onEveryPanel((map, cells, read) => {
    for (const k of [1, 60, 128, 255]) {
      const { inside, outside } = outlinePlaces(map, cells, k, { thick: 3, thin: 2 }, PANEL);
      equal(inside, expectedPlaces(cells, (x, y) =>
        read(x, y) >= k && near(read, x, y, 3, (value) => value < k)));
      equal(outside, expectedPlaces(cells, (x, y) =>
        read(x, y) < k && near(read, x, y, 2, (value) => value >= k)));
    }
  });
});

test("an outline in a box is a part of the outline", () => {
  const box = { left: 13, top: 5, right: 60, bottom: 33 };
  const isInBox = (place) => place % 75 >= 13 && place % 75 < 60 && place >= 5 * 75 && place < 33 * 75;
  onEveryPanel((map, cells) => {
    const reach = { thick: 3, thin: 2 };
    const whole = outlinePlaces(map, cells, 128, reach, PANEL);
    const part = outlinePlaces(map, cells, 128, reach, box);
    equal(part.inside, whole.inside.filter(isInBox));
    equal(part.outside, whole.outside.filter(isInBox));
  });
});

test("an outline that follows the threshold is the outline at every one", () => {
  const part = { left: 13, top: 5, right: 60, bottom: 33 };
  onEveryPanel((map, cells) => {
    const sorted = { ...map, tail: tailSums(histogramOf(map.q)) };
    for (const [reach, box] of [[{ thick: 3, thin: 2 }, PANEL], [{ thick: 2, thin: 1 }, part]]) {
      const { outline, come } = outlineAt(map, cells, 128, reach, box);
      const shown = { inside: new Set(come.inside), outside: new Set(come.outside) };
      let before = 128;
      for (const k of [131, 130, 60, 255, 1, 2]) {
        const runs = flippedRuns(sorted, cells.wide, before, k, grown(box, reach.thick));
        const moved = moveOutline(outline, flipBits(runs, outline.mask, reach.thick));
        const anew = outlinePlaces(map, cells, k, reach, box);
        for (const side of ["inside", "outside"]) {
          for (const place of moved.gone[side]) equal(shown[side].delete(place), true);
          for (const place of moved.come[side]) equal(shown[side].has(place), false);
          for (const place of moved.come[side]) shown[side].add(place);
          equal([...shown[side]].sort((a, b) => a - b), anew[side]);
        }
        before = k;
      }
    }
  });
});

test("classes meet where not all around a pixel are the same", () => {
  onEveryPanel((map, cells) => {
    const labels = { ...map, q: map.q.map((value) => value >> 6) };
    const read = reader(labels, cells);
    for (const reach of [1, 2]) {
      equal(borderPixels(labels, cells, reach, PANEL, PANEL), expectedPlaces(cells, (x, y) =>
        near(read, x, y, reach, (value) => value !== read(x, y))));
    }
  });
});

test("places are painted by the values that lie there", () => {
  const { smooth: map } = MAPS;
  const cells = cellsOf(map, LYING["beyond the panel"]);
  const out = new Uint32Array(75 * 40);
  const places = Int32Array.of(0, 76, 2999);
  paintPixels(places, map, cells, Uint32Array.from({ length: 256 }, (_, q) => q + 1), out);
  const read = reader(map, cells);
  for (const place of places) equal(out[place], read(place % 75, Math.floor(place / 75)) + 1);
  equal(out.filter(Boolean).length, 3);
});
