import {
  FITTED, cellsAlong, frameOf, largestZoom, panBy, panelHeight, pointAt, zoomAt, isLargerSquare, rowLimit,
} from "../../segdemo/ui/viewer/static/arithmetic/view.js";
import { close, equal, test } from "./harness.js";



const PICTURE = { width: 800, height: 400 };
const SQUARE = { width: 300, height: 300 };

test("a fitted picture touches two sides and is centred", () => {
  equal(frameOf(FITTED, PICTURE, SQUARE), { left: 0, top: 75, width: 300, height: 150 });
});

test("zooming keeps what is under the pointer where it is", () => {
  const before = { zoom: 3, x: 0.4, y: 0.5 };
  const point = pointAt(frameOf(before, PICTURE, SQUARE), 120, 160);
  const after = zoomAt(before, 1.7, 120, 160, PICTURE, SQUARE);
  const there = pointAt(frameOf(after, PICTURE, SQUARE), 120, 160);
  close(after.zoom, 5.1);
  close(there.x, point.x);
  close(there.y, point.y);
});

test("nothing zooms out beyond the whole picture or in beyond the largest zoom", () => {
  equal(zoomAt(FITTED, 0.1, 0, 0, PICTURE, SQUARE), FITTED);
  equal(zoomAt(FITTED, 1e9, 10, 150, PICTURE, SQUARE).zoom, largestZoom(PICTURE, SQUARE));
});

test("a pan moves the picture by as many pixels as asked", () => {
  const before = { zoom: 4, x: 0.5, y: 0.5 };
  const from = frameOf(before, PICTURE, SQUARE);
  const to = frameOf(panBy(before, -40, 30, PICTURE, SQUARE), PICTURE, SQUARE);
  close(to.left - from.left, -40);
  close(to.top - from.top, 30);
});

test("a pan ends at the picture's edge", () => {
  const frame = frameOf(panBy({ zoom: 4, x: 0.5, y: 0.5 }, 1e6, -1e6, PICTURE, SQUARE), PICTURE, SQUARE);
  close(frame.left, 0);
  close(frame.top + frame.height, SQUARE.height);
});

test("an axis with room to spare stays centred", () => {
  const view = panBy({ zoom: 1.5, x: 0.5, y: 0.5 }, 50, 50, PICTURE, SQUARE);
  equal(view.y, 0.5);
});

test("one view shows the same point in panels of every size", () => {
  const view = { zoom: 5, x: 0.3, y: 0.6 };
  for (const side of [100, 317, 1000]) {
    const panel = { width: side, height: side };
    const point = pointAt(frameOf(view, PICTURE, panel), side / 2, side / 2);
    close(point.x, 0.3);
    close(point.y, 0.6);
  }
});

test("outside of the picture is no point", () => {
  equal(pointAt(frameOf(FITTED, PICTURE, SQUARE), 150, 10), null);
});

test("an enlargement by a whole number repeats each cell that often", () => {
  equal(cellsAlong(9, 0, 9, 3), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
});

test("pixels outside of the picture have no cell", () => {
  equal(cellsAlong(6, 2, 3, 3), [-1, -1, 0, 1, 2, -1]);
});

test("what lies under a pixel's centre counts, not what lies under its corner", () => {
  equal(cellsAlong(4, 0.4, 3, 3), [0, 1, 2, -1]);
  equal(cellsAlong(4, 0.6, 3, 3), [-1, 0, 1, 2]);
});

test("every cell is seen when a pixel is no larger than a cell", () => {
  for (const [count, start, length, cells] of [[100, -3.3, 120, 97], [64, 0.4, 63.2, 61]]) {
    const found = Array.from(cellsAlong(count, start, length, cells)).filter((cell) => cell >= 0);
    const first = found[0];
    equal([...new Set(found)], Array.from({ length: found.at(-1) - first + 1 }, (_, i) => first + i));
  }
});

test("a panel is as high as the picture asks, within its limit", () => {
  equal(panelHeight(400, PICTURE, 900), 200);
  equal(panelHeight(400, { width: 10, height: 400 }, 500), 500);
  equal(panelHeight(400, null, 900), 300);
});

test("four pictures stand two by two where that makes them larger", () => {
  equal(rowLimit(630), 285);
  equal(isLargerSquare(1000, { width: 400, height: 300 }, 630), true);
  equal(isLargerSquare(1000, { width: 300, height: 400 }, 400), false);
  equal(isLargerSquare(2000, { width: 300, height: 300 }, 500), false);
});
