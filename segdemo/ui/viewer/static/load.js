// Loads the files that the latest payload points to.

import { CARD_PARTS } from "./cards/card_parts.js";
import { loadMap } from "./loading/panel_maps.js";
import { loadPicture } from "./loading/picture.js";
import { loadTruth } from "./loading/truth_mask.js";
import { schedule } from "./state/viewer_state.js";

// Leaves what is loaded already.
export function load(viewer) {
  const { signal } = viewer.controller;
  const done = () => schedule(viewer, "panels");
  loadPicture(viewer, signal, done);
  loadTruth(viewer, viewer.told, signal, done);
  for (const panel of viewer.panels) loadMap(panel, signal, done);
  for (const part of CARD_PARTS) {
    for (const panel of viewer.panels) part.load(viewer, panel, signal, done);
  }
  schedule(viewer, "panels");
}
