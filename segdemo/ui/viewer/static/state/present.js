// Presenting: the viewer alone fills the screen, in letters that a room can read.

import { setAttribute } from "../../../gradio_support/static/dom.js";
import { schedule } from "./viewer_state.js";

export function isPresented({ root }) {
  return root.dataset.present === "true";
}

// Begins or ends it. Where a browser has no full screen, as on a phone, the page's own window is filled.
export function togglePresented(viewer) {
  if (isPresented(viewer)) leavePresented(viewer);
  else {
    show(viewer, true);
    viewer.root.requestFullscreen?.().catch(() => {});
  }
}

function leavePresented(viewer) {
  if (document.fullscreenElement === viewer.root) document.exitFullscreen();
  show(viewer, false);
}

// Escape ends a full screen without a word to the page.
export function listenToFullScreen(viewer) {
  document.addEventListener("fullscreenchange", () => {
    if (!document.fullscreenElement) show(viewer, false);
  });
}

function show(viewer, presented) {
  setAttribute(viewer.root, "data-present", String(presented));
  schedule(viewer, "size");
}
