// Loads the image that all panels share.

import { DECODING, fetchFile } from "./files.js";

// Releases the image, so that it is never shown for a later run.
export function dropPicture(viewer) {
  if (viewer.picture) viewer.picture.bitmap.close();
  viewer.picture = null;
  viewer.pictureUrl = null;
  viewer.pictureFailed = false;
}

export async function loadPicture(viewer, signal, done) {
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
