const SIDE_MAP = { q: noise(50 * 40, 21).map((value) => 60 + (value >> 2)), width: 50, height: 40 };
const SCREEN = { left: 0, top: 0, right: 90, bottom: 70 };

// What a panel remembers of its image, and what it should be now.
function seen(changes = {}) {
  return { mark: "a", k: 100, box: SCREEN, left: 0, top: 0, scale: "1", ...changes };
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
  const boxes = changedBoxes(blocks, cells, 80, 83, SCREEN);
  const table = (k) => cutTable(k, 1, 2);
  const stepped = new Uint32Array(90 * 70);
  paintLevels(map.q, 50, cells, table(80), SCREEN, stepped);
  for (const box of boxes) paintLevels(map.q, 50, cells, table(83), box, stepped);
  const anew = new Uint32Array(90 * 70);
  paintLevels(map.q, 50, cells, table(83), SCREEN, anew);
  equal(stepped, anew);
  equal(area(boxes) > 0 && area(boxes) < 0.75 * 90 * 70, true);
  equal(changedBoxes(blocks, cells, 130, 140, SCREEN), []);
});

test("however small a map is shown, no part of it is painted for less than sixteen pixels", () => {
  const cells = { columns: cellsAlong(90, 0, 90, 2048), rows: cellsAlong(70, 0, 70, 1536) };
  const q = noise(2048 * 1536, 5);
  const boxes = changedBoxes(blocksOf({ q, width: 2048, height: 1536 }), cells, 80, 81, SCREEN);
  equal(area(boxes), 90 * 70);
  equal(boxes.length, Math.ceil(70 / 16));
});

test("a step of the threshold asks for what changed between both, whichever is higher", () => {
  for (const [before, after] of [[100, 130], [130, 100]]) {
    const asked = [];
    const changed = (low, high) => { asked.push([low, high]); return []; };
    staleBoxes(seen({ k: before }), seen({ k: after }), blankPanel(), changed);
    equal(asked, [[100, 130]]);
  }
});

test("a step of the threshold in a part that was not painted before is painted as a whole", () => {
  const before = seen({ k: 90, box: { ...SCREEN, right: 40 } });
  equal(staleBoxes(before, seen(), blankPanel(), () => []), [SCREEN]);
});

test("a divider that moves paints what it uncovers", () => {
  const before = seen({ box: { ...SCREEN, right: 40 } });
  const after = seen({ box: { ...SCREEN, right: 46 } });
  equal(staleBoxes(before, after, blankPanel()), [{ ...SCREEN, left: 40, right: 46 }]);
  equal(staleBoxes(after, before, blankPanel()), []);
});
