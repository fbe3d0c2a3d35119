import { CLEAR, packColour } from "../../segdemo/ui/viewer/static/arithmetic/colours.js";
import {
  composited, greyLayer, paintLevels, paintMask, paintPair, sampleMap, shiftPixels, thresholdTable,
  tintLayer, withOpacity,
} from "../../segdemo/ui/viewer/static/arithmetic/maps.js";
import { cellsAlong } from "../../segdemo/ui/viewer/static/arithmetic/view.js";
import { close, equal, noise, test } from "./harness.js";



const WIDTH = 17;
const HEIGHT = 11;
const MAP = noise(WIDTH * HEIGHT, 5);
const WHITE_PIXEL = packColour({ r: 255, g: 255, b: 255 });
const BLACK_PIXEL = packColour({ r: 0, g: 0, b: 0 });

function filled(value, length = MAP.length) {
  return new Uint32Array(length).fill(value);
}

test("a map sampled at its own size is the map", () => {
  const out = new Uint8Array(MAP.length);
  const cells = { columns: cellsAlong(WIDTH, 0, WIDTH, WIDTH), rows: cellsAlong(HEIGHT, 0, HEIGHT, HEIGHT) };
  sampleMap(MAP, WIDTH, cells, out);
  equal(out, MAP);
});

test("a sampled map never holds a value that the map has not", () => {
  const cells = { columns: cellsAlong(40, -2.5, 51, WIDTH), rows: cellsAlong(30, 1.5, 20.7, HEIGHT) };
  const out = new Uint8Array(1200);
  sampleMap(MAP, WIDTH, cells, out);
  const known = new Set(MAP);
  for (let y = 0; y < 30; y++) {
    for (let x = 0; x < 40; x++) {
      const inside = cells.rows[y] >= 0 && cells.columns[x] >= 0;
      const expected = inside ? MAP[cells.rows[y] * WIDTH + cells.columns[x]] : 0;
      equal(out[y * 40 + x], expected);
      if (inside) equal(known.has(out[y * 40 + x]), true);
    }
  }
});

test("a mask shows foreground where q >= k and nowhere else, at every threshold", () => {
  const out = new Uint32Array(MAP.length);
  for (let k = 1; k < 256; k++) {
    paintMask(MAP, k, filled(WHITE_PIXEL), filled(BLACK_PIXEL), out);
    for (let i = 0; i < MAP.length; i++) {
      if ((out[i] === WHITE_PIXEL) !== (MAP[i] >= k)) throw new Error(`k ${k}, pixel ${i}`);
    }
  }
});

// A panel that shows a noisy map enlarged, and ends beyond it on two sides.
function enlarged(mapWidth = WIDTH, mapHeight = HEIGHT) {
  return {
    columns: cellsAlong(40, -2.5, 37.3, mapWidth), rows: cellsAlong(30, 1.5, 20.7, mapHeight),
  };
}

const WHOLE = { left: 0, top: 0, right: 40, bottom: 30 };

test("each pixel has the colour of its cell's value and is clear beside the picture", () => {
  const cells = enlarged();
  const table = Uint32Array.from({ length: 256 }, (_, q) => 1000 + q);
  const out = filled(5, 1200);
  paintLevels(MAP, WIDTH, cells, table, WHOLE, out);
  out.forEach((pixel, i) => {
    const [row, column] = [cells.rows[Math.floor(i / 40)], cells.columns[i % 40]];
    equal(pixel, row < 0 || column < 0 ? CLEAR : 1000 + MAP[row * WIDTH + column]);
  });
});

test("painting a box touches nothing else and is a part of painting everything", () => {
  const cells = enlarged();
  const table = thresholdTable(128, 7, 8);
  const whole = filled(5, 1200);
  paintLevels(MAP, WIDTH, cells, table, WHOLE, whole);
  const box = { left: 9, top: 0, right: 38, bottom: 23 };
  const part = filled(5, 1200);
  paintLevels(MAP, WIDTH, cells, table, box, part);
  part.forEach((pixel, i) => {
    const [x, y] = [i % 40, Math.floor(i / 40)];
    const inside = x >= 9 && x < 38 && y < 23;
    equal(pixel, inside ? whole[i] : 5);
  });
});

test("a table shows foreground where q >= k and nowhere else, at every threshold", () => {
  for (let k = 1; k < 256; k++) {
    thresholdTable(k, 1, 0).forEach((pixel, q) => equal(pixel, Number(q >= k)));
  }
});

test("two maps of different size are told apart at every pixel", () => {
  const there = noise(5 * 4, 3);
  const one = { q: MAP, width: WIDTH, cells: enlarged(), marks: thresholdTable(100, 1, 0) };
  const other = { q: there, width: 5, cells: enlarged(5, 4), marks: thresholdTable(60, 2, 0) };
  const out = filled(5, 1200);
  paintPair(one, other, Uint32Array.of(10, 11, 12, 13), WHOLE, out);
  out.forEach((pixel, i) => {
    const [x, y] = [i % 40, Math.floor(i / 40)];
    const at = ({ cells: { columns, rows }, width, q }) => q[rows[y] * width + columns[x]];
    const inside = one.cells.rows[y] >= 0 && one.cells.columns[x] >= 0;
    equal(pixel, inside ? 10 + Number(at(one) >= 100) + 2 * Number(at(other) >= 60) : CLEAR);
  });
});

test("two veils are as one", () => {
  const below = packColour({ r: 200, g: 40, b: 0 });
  const above = packColour({ r: 0, g: 255, b: 90 });
  equal(composited(withOpacity(below, 0.5), withOpacity(above, 0)), withOpacity(below, 0.5));
  equal(composited(withOpacity(below, 0.5), above), above);
  equal(composited(CLEAR, CLEAR), CLEAR);
  const both = composited(withOpacity(below, 0.4), withOpacity(above, 0.6));
  equal(both >>> 24, Math.round(255 * (1 - 0.6 * 0.4)));
  close(both & 255, 200 * 0.4 * 0.4 / 0.76, 1);
});

test("what is painted moves by whole pixels in every direction", () => {
  for (const [dx, dy] of [[3, 2], [-3, 2], [3, -2], [-3, -2], [0, 4], [5, 0], [0, -1]]) {
    const out = Uint32Array.from({ length: 8 * 6 }, (_, i) => i);
    shiftPixels(out, 8, 6, dx, dy);
    for (let y = 0; y < 6; y++) {
      for (let x = 0; x < 8; x++) {
        const [u, v] = [x - dx, y - dy];
        if (u >= 0 && u < 8 && v >= 0 && v < 6) equal(out[y * 8 + x], v * 8 + u);
      }
    }
  }
});

test("a tint of no opacity leaves the picture, one of full opacity is the colour", () => {
  const picture = Uint32Array.of(packColour({ r: 10, g: 200, b: 90 }), CLEAR);
  const out = new Uint32Array(2);
  tintLayer(picture, { r: 1, g: 2, b: 3 }, 0, out);
  equal(out, picture);
  tintLayer(picture, { r: 1, g: 2, b: 3 }, 1, out);
  equal(out, [packColour({ r: 1, g: 2, b: 3 }), CLEAR]);
});

test("every layer leaves the surroundings of the picture clear", () => {
  const picture = Uint32Array.of(CLEAR);
  const layers = [
    (out) => tintLayer(picture, { r: 9, g: 9, b: 9 }, 0.5, out),
    (out) => greyLayer(picture, 0.5, out),
  ];
  for (const layer of layers) {
    const out = filled(5, 1);
    layer(out);
    equal(out, [CLEAR]);
  }
});
