const SIDE_MAP = { q: noise(50 * 40, 21).map((value) => 60 + (value >> 2)), width: 50, height: 40 };
const SCREEN = { left: 0, top: 0, right: 90, bottom: 70 };

// What a panel remembers of its image, and what it should be now.
function seen(changes = {}) {
  return { mark: "a", ks: [100], box: SCREEN, left: 0, top: 0, scale: "1", ...changes };
}

function blankPanel() {
  return { image: { width: 90, height: 70 }, pixels: new Uint32Array(90 * 70) };
}

function area(boxes) {
  return boxes.reduce((sum, { left, top, right, bottom }) => sum + (right - left) * (bottom - top), 0);
}

test("what has not changed is not painted", () => {
  equal(staleBoxes(seen(), seen(), blankPanel()), []);
});

test("another map, mode, colour or zoom is painted as a whole, and so is what was never painted", () => {
  for (const before of [null, seen({ mark: "b" }), seen({ scale: "2" })]) {
    equal(staleBoxes(before, seen(), blankPanel()), [SCREEN]);
  }
});

test("a pan by whole pixels paints what comes into the panel and nothing twice", () => {
  for (const [dx, dy] of [[7, 3], [-7, 3], [7, -3], [-7, -3], [0, 5]]) {
    const boxes = staleBoxes(seen(), seen({ left: dx, top: dy }), blankPanel());
    equal(area(boxes), 90 * 70 - (90 - Math.abs(dx)) * (70 - Math.abs(dy)));
    const painted = new Set(boxes.flatMap(({ left, top, right, bottom }) =>
      Array.from({ length: (right - left) * (bottom - top) }, (_, i) =>
        `${left + i % (right - left)} ${top + Math.floor(i / (right - left))}`)));
    equal(painted.size, area(boxes));
  }
});

test("a pan by a part of a pixel, or by more than the panel, is painted as a whole", () => {
  for (const left of [0.5, 91, -90]) {
    equal(staleBoxes(seen(), seen({ left }), blankPanel()), [SCREEN]);
  }
});

test("a step of the threshold paints only blocks that have values which change sides", () => {
  const cells = { columns: cellsAlong(90, -3.3, 100, 50), rows: cellsAlong(70, 4.2, 60, 40) };
  const map = { ...SIDE_MAP, q: SIDE_MAP.q.map((value, i) => (i % 50 < 20 ? 10 : value)) };
  const blocks = blocksOf(map);
  const boxes = changedBoxes([{ blocks, low: 80, high: 83 }], cells, SCREEN);
  const table = (k) => cutTable(k, 1, 2);
  const stepped = new Uint32Array(90 * 70);
  paintLevels(map.q, 50, cells, table(80), SCREEN, stepped);
  for (const box of boxes) paintLevels(map.q, 50, cells, table(83), box, stepped);
  const anew = new Uint32Array(90 * 70);
  paintLevels(map.q, 50, cells, table(83), SCREEN, anew);
  equal(stepped, anew);
  equal(area(boxes) > 0 && area(boxes) < 0.75 * 90 * 70, true);
  equal(changedBoxes([{ blocks, low: 130, high: 140 }], cells, SCREEN), []);
});

test("however small a map is shown, no part of it is painted for less than sixteen pixels", () => {
  const cells = { columns: cellsAlong(90, 0, 90, 2048), rows: cellsAlong(70, 0, 70, 1536) };
  const q = noise(2048 * 1536, 5);
  const blocks = blocksOf({ q, width: 2048, height: 1536 });
  const boxes = changedBoxes([{ blocks, low: 80, high: 81 }], cells, SCREEN);
  equal(area(boxes), 90 * 70);
  equal(boxes.length, Math.ceil(70 / 16));
});

test("a step of the threshold asks for what has changed since the thresholds before", () => {
  const part = { ...SCREEN, right: 16 };
  const asked = [];
  const changed = (...given) => { asked.push(given); return [part]; };
  equal(staleBoxes(seen({ ks: [80, 130] }), seen({ ks: [80, 100] }), blankPanel(), changed), [part]);
  equal(asked, [[[80, 130], SCREEN]]);
});

test("what changes is around the values that change sides of either threshold, as far as edges reach", () => {
  const cells = { columns: cellsAlong(96, 0, 96, 96), rows: cellsAlong(80, 0, 80, 80) };
  const panel = { left: 0, top: 0, right: 96, bottom: 80 };
  const cut = (x, y, k) => {
    const q = new Uint8Array(96 * 80);
    q[y * 96 + x] = 100;
    return { blocks: blocksOf({ q, width: 96, height: 80 }), cells, k };
  };
  const [one, other] = [cut(20, 20, 110), cut(70, 50, 90)];
  const first = { left: 16, top: 16, right: 32, bottom: 32 };
  const second = { left: 64, top: 48, right: 80, bottom: 64 };
  equal(boxesBetween([90, 90], [one, other], 0, panel), [first]);
  equal(boxesBetween([110, 110], [one, other], 0, panel), [second]);
  equal(boxesBetween([90, 110], [one, other], 3, panel), [grown(first, 3), grown(second, 3)]);
  equal(boxesBetween([110, 90], [one, other], 3, panel), []);
  equal(boxesBetween([90, 90], [one], 3, { ...panel, right: 24 }), [{ left: 13, top: 13, right: 24, bottom: 35 }]);
});

test("where most of it changes a box is painted as one", () => {
  const cells = { columns: cellsAlong(90, 0, 90, 90), rows: cellsAlong(70, 0, 70, 70) };
  const q = noise(90 * 70, 3);
  const cut = { blocks: blocksOf({ q, width: 90, height: 70 }), cells, k: 120 };
  equal(boxesBetween([60], [cut], 0, SCREEN), [SCREEN]);
});

test("a step of the threshold in a part that was not painted before is painted as a whole", () => {
  const before = seen({ ks: [90], box: { ...SCREEN, right: 40 } });
  equal(staleBoxes(before, seen(), blankPanel(), () => []), [SCREEN]);
});

test("a divider that moves paints what it uncovers", () => {
  const before = seen({ box: { ...SCREEN, right: 40 } });
  const after = seen({ box: { ...SCREEN, right: 46 } });
  equal(staleBoxes(before, after, blankPanel()), [{ ...SCREEN, left: 40, right: 46 }]);
  equal(staleBoxes(after, before, blankPanel()), []);
});
