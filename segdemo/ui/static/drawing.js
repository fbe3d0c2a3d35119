// Draws the panels. Everything is remembered with a stamp of what it was made from, so that a step
// of the threshold only compares, and a pan only samples again.

const WHITE = { r: 255, g: 255, b: 255 };
const CONTOUR_HALO = packColour({ r: 16, g: 18, b: 24 });
const MASK_ON = packColour(WHITE);
const MASK_OFF = packColour({ r: 0, g: 0, b: 0 });
const AGREED = { r: 244, g: 246, b: 250 };
const CHEQUER = Object.freeze({
  light: [packColour({ r: 255, g: 255, b: 255 }), packColour({ r: 228, g: 231, b: 236 })],
  dark: [packColour({ r: 44, g: 48, b: 56 }), packColour({ r: 58, g: 63, b: 72 })],
});

// The array called `name` in a store (a Map), built anew only when its stamp or length changed.
function remember(store, name, ArrayType, length, stamp, build) {
  let entry = store.get(name);
  if (!entry || entry.values.length !== length) {
    entry = { values: new ArrayType(length), stamp: null };
    store.set(name, entry);
  }
  if (entry.stamp !== stamp) {
    build(entry.values);
    entry.stamp = stamp;
  }
  return entry.values;
}

// The pixels of the picture as this view shows it, and which cells lie under them.
function refreshFrame(viewer) {
  const { picture, size, view } = viewer;
  const stamp = [picture.url, size.width, size.height, view.zoom, view.x, view.y].join(" ");
  if (viewer.frame && viewer.frame.stamp === stamp) return viewer.frame;
  const frame = frameOf(view, picture, size);
  const cells = new Map();
  viewer.frame = { ...frame, stamp, cells };
  const inside = cellsFor(viewer, picture.width, picture.height);
  viewer.base = remember(viewer.layers, "base", Uint32Array, size.width * size.height, stamp, (out) => {
    out.set(scaledPicture(viewer, frame));
    sealPicture(out, inside);
  });
  return viewer.frame;
}

function scaledPicture({ scratch, picture, size }, frame) {
  if (scratch.canvas.width !== size.width) scratch.canvas.width = size.width;
  if (scratch.canvas.height !== size.height) scratch.canvas.height = size.height;
  scratch.clearRect(0, 0, size.width, size.height);
  // Enlarged far enough, a pixel of the picture is a square, as a cell of the map is.
  scratch.imageSmoothingEnabled = frame.width / picture.bitmap.width < 4;
  scratch.imageSmoothingQuality = "medium";
  scratch.drawImage(picture.bitmap, frame.left, frame.top, frame.width, frame.height);
  return new Uint32Array(scratch.getImageData(0, 0, size.width, size.height).data.buffer);
}

function cellsFor({ frame, size }, width, height) {
  const key = `${width} ${height}`;
  if (!frame.cells.has(key)) {
    frame.cells.set(key, {
      columns: cellsAlong(size.width, frame.left, frame.width, width),
      rows: cellsAlong(size.height, frame.top, frame.height, height),
    });
  }
  return frame.cells.get(key);
}

// The panel's map at this view's pixels.
function sampledMap(viewer, panel) {
  const { map } = panel;
  const stamp = `${viewer.frame.stamp} ${map.serial}`;
  return remember(panel.layers, "sample", Uint8Array, viewer.base.length, stamp, (out) =>
    sampleMap(map.q, map.width, cellsFor(viewer, map.width, map.height), out));
}

// The truth for the panel's map at this view's pixels, or null.
function sampledTruth(viewer, panel) {
  const mask = truthOf(viewer, panel);
  if (!mask) return null;
  const { serial, width, height } = viewer.truth;
  const stamp = `${viewer.frame.stamp} ${serial} ${pickOf(panel)} ${panel.map.serial}`;
  return remember(panel.layers, "truth", Uint8Array, viewer.base.length, stamp, (out) =>
    sampleMap(mask, width, cellsFor(viewer, width, height), out));
}

// The extreme values as far away as a contour is thick: two points inside, one outside.
function neighbours(viewer, panel) {
  const { size, base } = viewer;
  const values = sampledMap(viewer, panel);
  const stamp = `${viewer.frame.stamp} ${panel.map.serial} ${viewer.density}`;
  const scratch = remember(viewer.layers, "filter", Uint8Array, base.length, "", () => {});
  const filtered = (name, flip, reach) =>
    remember(panel.layers, name, Uint8Array, base.length, stamp, (out) =>
      extremeFilter(values, size.width, size.height, reach, flip, scratch, out));
  const thick = Math.round(1.5 * viewer.density);
  const thin = Math.max(1, Math.round(viewer.density));
  return { lowest: filtered("lowest", 255, thick), highest: filtered("highest", 0, thin) };
}

// Draws one panel's map into its image; the threshold is the only thing read anew each time.
function paintPanel(viewer, panel) {
  const { settings, base } = viewer;
  const out = panel.pixels;
  const k = thresholdOf(viewer, panel);
  const values = sampledMap(viewer, panel);
  const colour = parseColour(colourOf(viewer, panel));
  const stamp = `${viewer.frame.stamp} ${packColour(colour)} ${settings.opacity}`;
  const shared = (name, mark, build) =>
    remember(viewer.layers, name, Uint32Array, base.length, `${viewer.frame.stamp} ${mark}`, build);
  const own = (name, mark, build) =>
    remember(panel.layers, name, Uint32Array, base.length, mark, build);
  const painters = {
    overlay() {
      const on = own("on", stamp, (to) => tintLayer(base, colour, settings.opacity, to));
      paintMask(values, k, on, base, out);
    },
    mask() {
      const on = shared("white", "", (to) => flatLayer(base, MASK_ON, to));
      const off = shared("black", "", (to) => flatLayer(base, MASK_OFF, to));
      paintMask(values, k, on, off, out);
    },
    heat() {
      const mark = `${stamp} ${panel.map.serial} ${Boolean(panel.stretched)}`;
      const ground = own("heat", mark, (to) =>
        heatLayer(base, values, rampOf(viewer, panel), settings.opacity, to));
      // Outside of the edge alone, so that narrow foreground keeps its colours.
      const halo = own("heatEdge", mark, (to) => tintLayer(ground, WHITE, 0.6, to));
      const { lowest, highest } = neighbours(viewer, panel);
      paintContour(values, lowest, highest, k, { line: ground, halo, ground }, out);
    },
    contour() {
      const line = own("line", stamp, (to) => flatLayer(base, packColour(colour), to));
      const halo = shared("halo", "", (to) => flatLayer(base, CONTOUR_HALO, to));
      const { lowest, highest } = neighbours(viewer, panel);
      paintContour(values, lowest, highest, k, { line, halo, ground: base }, out);
    },
    cutout() {
      const theme = viewer.dark ? "dark" : "light";
      const [light, dark] = CHEQUER[theme];
      const square = Math.round(8 * viewer.density);
      const off = shared("chequer", theme, (to) =>
        chequerLayer(base, viewer.size.width, square, light, dark, to));
      paintMask(values, k, base, off, out);
    },
    difference() { paintAgainstReference(viewer, panel, values, shared, own); },
  };
  if (settings.bare) out.set(base);
  else if (drawsClasses(viewer, panel)) paintWinners(viewer, panel);
  else painters[settings.mode]();
}

// The colour of every q, by what the panel's stretch makes of it.
function rampOf({ ramp }, { stretched, map }) {
  return stretched ? Uint32Array.from(stretchTable(map.tail), (q) => ramp[q]) : ramp;
}

function paintAgainstReference(viewer, panel, values, shared, own) {
  const { settings, frame, palette } = viewer;
  const reference = viewer.panels[settings.reference];
  // Colours on grey need more strength than over the picture itself.
  const strength = 0.4 + 0.6 * settings.opacity;
  const grey = shared("grey", "", (to) => greyLayer(viewer.base, 0.6, to));
  const tint = (name, owner, hex) => {
    const mark = `${frame.stamp} ${hex} ${strength}`;
    return owner(name, mark, (to) => tintLayer(grey, parseColour(hex), strength, to));
  };
  const truth = againstTruth(viewer) && sampledTruth(viewer, panel);
  if (truth) {
    const [hit, wrong, missed, unsaid] = ["hit", "wrong", "missed", "unsaid"].map((name) =>
      tint(name, shared, palette.truth[name]));
    const layers = { hit, wrong, missed, unsaid, rest: grey };
    paintErrors(values, thresholdOf(viewer, panel), truth, layers, panel.pixels);
    return;
  }
  const only = tint("only", own, colourOf(viewer, panel));
  if (!reference || !reference.map || reference === panel) {
    paintMask(values, thresholdOf(viewer, panel), only, grey, panel.pixels);
    return;
  }
  const both = shared("both", strength, (to) => tintLayer(grey, AGREED, strength, to));
  const missing = tint("missing", shared, colourOf(viewer, reference));
  const layers = { both, only, missing, neither: grey };
  const here = { values, k: thresholdOf(viewer, panel) };
  const there = { values: sampledMap(viewer, reference), k: thresholdOf(viewer, reference) };
  paintDifference(here, there, layers, panel.pixels);
}

// Gives the panel an image of the present size.
function fitImage(panel, { width, height }) {
  if (panel.image && panel.image.width === width && panel.image.height === height) return;
  panel.image = new ImageData(width, height);
  panel.pixels = new Uint32Array(panel.image.data.buffer);
}

// A canvas of exactly as many pixels as the screen has there.
function fitCanvas(canvas, { width, height }, density) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.style.width = `${width / density}px`;
  canvas.style.height = `${height / density}px`;
  return canvas.getContext("2d", { willReadFrequently: true });
}

// Every place where a picture is drawn.
function areasOf({ panels, stage, original }) {
  return [...panels.map((panel) => panel.card), stage, original];
}

// Draws everything that is seen of the pictures.
function drawPictures(viewer) {
  if (viewer.size.width < 1) return;
  if (!viewer.picture) {
    for (const { canvas } of areasOf(viewer)) canvas.width = 0;
    return;
  }
  refreshFrame(viewer);
  const ready = viewer.panels.filter((panel) => panel.map);
  const shown = viewer.settings.layout === "swipe" ? swipedPanels(viewer) : ready;
  for (const panel of shown) {
    fitImage(panel, viewer.size);
    paintPanel(viewer, panel);
  }
  if (viewer.settings.layout === "swipe") drawStage(viewer, shown);
  else drawCards(viewer);
}

function swipedPanels({ panels, settings }) {
  const pair = [panels[settings.left], panels[settings.right]];
  return pair.every((panel) => panel && panel.map) ? pair : [];
}

function drawCards(viewer) {
  for (const panel of viewer.panels) {
    const context = fitCanvas(panel.card.canvas, viewer.size, viewer.density);
    if (panel.map) context.putImageData(panel.image, 0, 0);
    else putPicture(viewer, context);
  }
  const { original } = viewer;
  if (original.view.offsetParent) {
    putPicture(viewer, fitCanvas(original.canvas, viewer.size, viewer.density));
  }
}

function drawStage(viewer, pair) {
  const { width, height } = viewer.size;
  const context = fitCanvas(viewer.stage.canvas, viewer.size, viewer.density);
  if (pair.length < 2) {
    putPicture(viewer, context);
    return;
  }
  const split = Math.round(viewer.settings.divider * width);
  context.putImageData(pair[0].image, 0, 0, 0, 0, split, height);
  context.putImageData(pair[1].image, 0, 0, split, 0, width - split, height);
}

function putPicture({ base, size }, context) {
  const bytes = new Uint8ClampedArray(base.buffer, 0, base.length * 4);
  context.putImageData(new ImageData(bytes, size.width, size.height), 0, 0);
}
