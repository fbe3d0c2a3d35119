// Zoom and pan, shared by all panels of a viewer: where the image lies in a panel.
// A view is {zoom, x, y}: zoom 1 fits the image, (x, y) in [0, 1] is the point of the image at the
// panel's centre, so one view means the same in panels of every size. A frame is the image's rectangle
// in a panel's pixels: {left, top, width, height}.

export const FITTED = Object.freeze({ zoom: 1, x: 0.5, y: 0.5 });

// Panel pixels to one pixel of the fitted image.
function fitScale(picture, panel) {
  return Math.min(panel.width / picture.width, panel.height / picture.height);
}

// One pixel of the picture may be enlarged to 48 panel pixels, and everything at least eightfold.
export function largestZoom(picture, panel) {
  return Math.max(8, 48 / fitScale(picture, panel));
}

export function frameOf(view, picture, panel) {
  const scale = fitScale(picture, panel) * view.zoom;
  const width = picture.width * scale;
  const height = picture.height * scale;
  return {
    left: panel.width / 2 - view.x * width,
    top: panel.height / 2 - view.y * height,
    width,
    height,
  };
}

// The nearest valid view: no empty space beside an image that is larger than the panel.
export function clampView(view, picture, panel) {
  const zoom = Math.min(Math.max(view.zoom, 1), largestZoom(picture, panel));
  const { width, height } = frameOf({ ...view, zoom }, picture, panel);
  const clamp = (centre, room, length) => {
    if (length <= room) return 0.5;
    const margin = room / 2 / length;
    return Math.min(Math.max(centre, margin), 1 - margin);
  };
  return { zoom, x: clamp(view.x, panel.width, width), y: clamp(view.y, panel.height, height) };
}

// Zooms by a factor about the panel's point (px, py).
export function zoomAt(view, factor, px, py, picture, panel) {
  const before = frameOf(view, picture, panel);
  const zoom = Math.min(Math.max(view.zoom * factor, 1), largestZoom(picture, panel));
  const growth = zoom / view.zoom;
  const width = before.width * growth;
  const height = before.height * growth;
  const left = px - (px - before.left) * growth;
  const top = py - (py - before.top) * growth;
  const moved = {
    zoom,
    x: (panel.width / 2 - left) / width,
    y: (panel.height / 2 - top) / height,
  };
  return clampView(moved, picture, panel);
}

// Moves the picture by (dx, dy) panel pixels.
export function panBy(view, dx, dy, picture, panel) {
  const { width, height } = frameOf(view, picture, panel);
  const moved = { zoom: view.zoom, x: view.x - dx / width, y: view.y - dy / height };
  return clampView(moved, picture, panel);
}

// The point of the picture under a panel's (px, py), in [0, 1), or null outside of it.
export function pointAt(frame, px, py) {
  const x = (px - frame.left) / frame.width;
  const y = (py - frame.top) / frame.height;
  return x >= 0 && x < 1 && y >= 0 && y < 1 ? { x, y } : null;
}

// For each of `count` panel pixels along one axis the cell under its centre, or -1 outside.
// The picture begins at `start`, is `length` long and has `cells` cells.
export function cellsAlong(count, start, length, cells) {
  const found = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const share = (i + 0.5 - start) / length;
    found[i] = share >= 0 && share < 1 ? Math.min(Math.floor(share * cells), cells - 1) : -1;
  }
  return found;
}

// The size of a panel's picture area: as wide as there is room, no higher than the limit.
export function panelHeight(width, picture, limit) {
  const natural = picture ? (width * picture.height) / picture.width : width * 0.75;
  return Math.round(Math.max(Math.min(natural, limit), Math.min(140, limit)));
}

// What stands over each row of pictures, in pixels.
const HEAD = 60;

// The height of a picture where two rows of panels share what one could take.
export function rowLimit(limit) {
  return Math.max((limit + HEAD) / 2 - HEAD, 1);
}

// By how much pictures have to grow before it is worth a second row.
const WORTH_A_ROW = 1.15;

// Whether four pictures get larger two by two than in one row of `width` and at most `limit` high.
export function isLargerSquare(width, picture, limit) {
  const scaleIn = (columns, height) =>
    Math.min(width / columns / picture.width, height / picture.height);
  return scaleIn(2, rowLimit(limit)) > WORTH_A_ROW * scaleIn(4, limit);
}
