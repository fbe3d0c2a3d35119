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

test("the extreme filters find the extremes around each pixel", () => {
  const scratch = new Uint8Array(MAP.length);
  const lowest = new Uint8Array(MAP.length);
  const highest = new Uint8Array(MAP.length);
  extremeFilter(MAP, WIDTH, HEIGHT, 2, 255, scratch, lowest);
  extremeFilter(MAP, WIDTH, HEIGHT, 1, 0, scratch, highest);
  const around = (x, y, radius) => {
    const near = [];
    for (let v = Math.max(0, y - radius); v <= Math.min(HEIGHT - 1, y + radius); v++) {
      for (let u = Math.max(0, x - radius); u <= Math.min(WIDTH - 1, x + radius); u++) {
        near.push(MAP[v * WIDTH + u]);
      }
    }
    return near;
  };
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      equal(lowest[y * WIDTH + x], Math.min(...around(x, y, 2)));
      equal(highest[y * WIDTH + x], Math.max(...around(x, y, 1)));
    }
  }
});

test("a contour runs inside the edge and its halo outside", () => {
  const values = Uint8Array.of(0, 0, 200, 200, 200, 200);
  const lowest = new Uint8Array(6);
  const highest = new Uint8Array(6);
  extremeFilter(values, 6, 1, 1, 255, new Uint8Array(6), lowest);
  extremeFilter(values, 6, 1, 1, 0, new Uint8Array(6), highest);
  const out = new Uint32Array(6);
  const layers = { line: filled(7, 6), halo: filled(8, 6), ground: filled(9, 6) };
  paintContour(values, lowest, highest, 128, layers, out);
  equal(out, [9, 8, 7, 9, 9, 9]);
});

test("a difference tells both, each alone and neither apart", () => {
  const out = new Uint32Array(4);
  const layers = { both: filled(1, 4), only: filled(2, 4), missing: filled(3, 4), neither: filled(4, 4) };
  const mask = { values: Uint8Array.of(9, 9, 1, 1), k: 5 };
  paintDifference(mask, { values: Uint8Array.of(9, 1, 9, 1), k: 5 }, layers, out);
  equal(out, [1, 2, 3, 4]);
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
    (out) => flatLayer(picture, WHITE_PIXEL, out),
    (out) => greyLayer(picture, 0.5, out),
    (out) => heatLayer(picture, Uint8Array.of(77), new Uint32Array(256), 0.5, out),
    (out) => chequerLayer(picture, 1, 8, WHITE_PIXEL, BLACK_PIXEL, out),
  ];
  for (const layer of layers) {
    const out = filled(5, 1);
    layer(out);
    equal(out, [CLEAR]);
  }
});

test("a sealed picture is opaque inside and clear outside", () => {
  const pixels = Uint32Array.of(0x80112233, 0x00112233, 0xff445566);
  sealPicture(pixels, { columns: Int32Array.of(0, 1, -1), rows: Int32Array.of(0) });
  equal(pixels, [0xff112233, 0xff112233, CLEAR]);
});
