// Fetches pictures and maps; every map enters the viewer through setMap.

const DECODING = Object.freeze({ colorSpaceConversion: "none", premultiplyAlpha: "none" });

let nextSerial = 1;

// Gives a panel its probabilities: q in 0..255, row by row, as a Uint8Array of height x width.
function setMap(panel, q, height, width) {
  if (q.length !== height * width) throw new RangeError("A map needs height x width values.");
  const { counts, order, blocks } = summaryFor({ q, height, width });
  panel.map = {
    q, height, width, tail: tailSums(counts), curve: histogramCurve(counts),
    order, blocks, serial: nextSerial++,
  };
}

async function fetchFile(url, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${response.status} for ${url}`);
  return response.blob();
}

// The values of a grey PNG, untouched by colour management.
async function fetchMap(url, signal, sorts = false) {
  const file = await fetchFile(url, signal);
  const map = await readBeside(new Uint8Array(await file.arrayBuffer()), sorts);
  return map || readBitmap(await createImageBitmap(file, DECODING));
}

// The values of any other grey picture, by way of a canvas.
function readBitmap(bitmap) {
  const { width, height } = bitmap;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, width, height).data;
  return { q: Uint8Array.from({ length: width * height }, (_, i) => pixels[4 * i]), height, width };
}

// Loads what a panel's entry points to, unless it is there; `done()` follows success and failure.
async function loadMap(panel, signal, done) {
  const file = panel.entry.status === "ready" && panel.entry.map ? panel.entry.map.file : null;
  if (!file) {
    panel.map = null;
    panel.url = null;
    return;
  }
  if (panel.url === file.url) return;
  panel.url = file.url;
  panel.map = null;
  panel.loadFailed = false;
  try {
    const { q, height, width } = await fetchMap(file.url, signal, true);
    if (panel.url === file.url) takeMap(panel, q, height, width);
  } catch (error) {
    if (error.name === "AbortError") {
      if (panel.url === file.url) panel.url = null;
      return;
    }
    console.error("segdemo: a map could not be loaded", error);
    panel.loadFailed = panel.url === file.url;
  }
  done();
}

// Forgets the picture, so that none of it can be taken for that of a later run.
function dropPicture(viewer) {
  if (viewer.picture) viewer.picture.bitmap.close();
  viewer.picture = null;
  viewer.pictureUrl = null;
  viewer.pictureFailed = false;
}

async function loadPicture(viewer, signal, done) {
  if (!viewer.image) return;
  const { width, height, file: { url } } = viewer.image;
  if (viewer.pictureUrl === url) return;
  dropPicture(viewer);
  viewer.pictureUrl = url;
  try {
    const bitmap = await createImageBitmap(await fetchFile(url, signal), DECODING);
    if (viewer.pictureUrl !== url) {
      bitmap.close();
      return;
    }
    viewer.picture = { url, bitmap, width, height };
  } catch (error) {
    if (viewer.pictureUrl !== url) return;
    viewer.pictureUrl = null;
    if (error.name === "AbortError") return;
    console.error("segdemo: the picture could not be loaded", error);
    viewer.pictureFailed = true;
  }
  done();
}
