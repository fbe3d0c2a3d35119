// Fetches files and decodes grey PNGs to their exact values.

import { readInWorker } from "./decoding.js";

export const DECODING = Object.freeze({ colorSpaceConversion: "none", premultiplyAlpha: "none" });

export async function fetchFile(url, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${response.status} for ${url}`);
  return response.blob();
}

// The values of a greyscale image, without colour management.
export async function fetchMap(url, signal, sorts = false) {
  const file = await fetchFile(url, signal);
  const map = await readInWorker(new Uint8Array(await file.arrayBuffer()), sorts);
  return map || readBitmap(await createImageBitmap(file, DECODING));
}

// The values of any other grey image, read from a canvas.
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
