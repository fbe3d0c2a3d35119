// The background of the panels' images: the image as the view shows it, drawn once for all panels.

import { make } from "../../../gradio_support/static/dom.js";
import { greyLayer } from "../arithmetic/maps.js";
import { cellsAlong, frameOf } from "../arithmetic/view.js";

const CHEQUER = Object.freeze({ light: ["#ffffff", "#e4e7ec"], dark: ["#2c3038", "#3a3f48"] });
// How far beyond the panel the edges of masks are computed, in pixels.
const CELL_MARGIN = 4;

// Updates where the image lies in this view, and which cells of maps the panel's pixels show.
export function refreshFrame(viewer) {
  const { picture, size, view } = viewer;
  const stamp = [picture.url, size.width, size.height, view.zoom, view.x, view.y].join(" ");
  if (viewer.frame && viewer.frame.stamp === stamp) return;
  viewer.frame = { ...frameOf(view, picture, size), stamp, cells: new Map() };
}

// {columns, rows} of a map of this size at the panel's pixels, and as `wide` with a margin.
export function cellsFor({ frame, size }, width, height) {
  const key = `${width} ${height}`;
  if (!frame.cells.has(key)) {
    const margin = CELL_MARGIN;
    const along = (room, start, length, cells) =>
      cellsAlong(room + 2 * margin, start + margin, length, cells);
    const wide = {
      columns: along(size.width, frame.left, frame.width, width),
      rows: along(size.height, frame.top, frame.height, height),
      margin,
    };
    frame.cells.set(key, {
      columns: wide.columns.subarray(margin, margin + size.width),
      rows: wide.rows.subarray(margin, margin + size.height),
      wide,
    });
  }
  return frame.cells.get(key);
}

// A canvas with the background of that name, drawn again only when something about it has changed.
export function backgroundOf(viewer, name) {
  const { backgrounds, size } = viewer;
  if (!backgrounds.has(name)) {
    const context = make("canvas").getContext("2d", { willReadFrequently: true });
    backgrounds.set(name, { context, stamp: "" });
  }
  const background = backgrounds.get(name);
  const { canvas } = background.context;
  const { stamp, draw } = BACKGROUNDS[name](viewer);
  if (background.stamp !== stamp) {
    background.stamp = stamp;
    if (canvas.width !== size.width) canvas.width = size.width;
    if (canvas.height !== size.height) canvas.height = size.height;
    draw(background.context);
  }
  return canvas;
}

const BACKGROUNDS = Object.freeze({
  picture: (viewer) => ({
    stamp: viewer.frame.stamp,
    draw: (context) => drawPicture(viewer, context),
  }),
  grey: (viewer) => ({
    stamp: viewer.frame.stamp,
    draw(context) {
      const { width, height } = viewer.size;
      const from = backgroundOf(viewer, "picture").getContext("2d");
      const image = from.getImageData(0, 0, width, height);
      const pixels = new Uint32Array(image.data.buffer);
      greyLayer(pixels, 0.6, pixels);
      context.putImageData(image, 0, 0);
    },
  }),
  // A chequerboard, the usual sign for transparent.
  chequer: ({ size, dark, density }) => ({
    stamp: [size.width, size.height, dark, density].join(" "),
    draw(context) {
      const [light, shade] = CHEQUER[dark ? "dark" : "light"];
      const square = Math.round(8 * density);
      const tile = make("canvas");
      tile.width = tile.height = 2 * square;
      const pen = tile.getContext("2d");
      pen.fillStyle = light;
      pen.fillRect(0, 0, 2 * square, 2 * square);
      pen.fillStyle = shade;
      pen.fillRect(square, 0, square, square);
      pen.fillRect(0, square, square, square);
      context.fillStyle = context.createPattern(tile, "repeat");
      context.fillRect(0, 0, size.width, size.height);
    },
  }),
});

function drawPicture(viewer, context) {
  const { picture, size, frame } = viewer;
  const { left, top, right, bottom } = pictureBox(viewer);
  context.clearRect(0, 0, size.width, size.height);
  context.save();
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
  const scale = frame.width / picture.bitmap.width;
  // Enlarged four times and more, pixels stay squares, as the cells of the maps do.
  context.imageSmoothingEnabled = scale < 4;
  // Down to a half, two by two pixels are all that is averaged.
  context.imageSmoothingQuality = scale < 0.5 ? "medium" : "low";
  context.drawImage(picture.bitmap, frame.left, frame.top, frame.width, frame.height);
  context.restore();
  for (const [x, y, width, height] of [
    [left, top, right - left, 1], [left, bottom - 1, right - left, 1],
    [left, top, 1, bottom - top], [right - 1, top, 1, bottom - top],
  ]) sealPixels(context, x, y, width, height);
}

// The panel's pixels whose centre lies in the image.
function pictureBox(viewer) {
  const { columns, rows } = cellsFor(viewer, viewer.picture.width, viewer.picture.height);
  const inside = (cells) => [cells.findIndex((cell) => cell >= 0), cells.findLastIndex((cell) => cell >= 0) + 1];
  const [left, right] = inside(columns);
  const [top, bottom] = inside(rows);
  return { left, top, right, bottom };
}

// Makes the pixels opaque that smoothing has left translucent at the image's border.
function sealPixels(context, x, y, width, height) {
  const image = context.getImageData(x, y, width, height);
  for (let at = 3; at < image.data.length; at += 4) image.data[at] = 255;
  context.putImageData(image, x, y);
}
