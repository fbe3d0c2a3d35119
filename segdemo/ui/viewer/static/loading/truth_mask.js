// Loads the ground truth mask.

import { VOID_LABEL } from "../arithmetic/counts.js";
import { fetchMap } from "./files.js";

let nextTruthSerial = 1;

// Loads the payload's ground truth, unless it is loaded already; `done()` follows success and failure.
export async function loadTruth(viewer, entry, signal, done) {
  const url = entry && entry.labels ? entry.labels.file.url : null;
  viewer.truthEntry = entry || null;
  // A request that was aborted with the run before will not be answered.
  const stopped = viewer.truthSignal && viewer.truthSignal.aborted && !viewer.truth;
  if (viewer.truthUrl === url && !stopped) return;
  viewer.truthUrl = url;
  viewer.truthSignal = signal;
  viewer.truth = null;
  if (!url) {
    leaveTruth(viewer);
    return;
  }
  try {
    const { q, height, width } = await fetchMap(url, signal);
    if (viewer.truthSignal !== signal || viewer.truthUrl !== url) return;
    viewer.truth = {
      labels: q, height, width, several: entry.several, serial: nextTruthSerial++,
      void: q.includes(VOID_LABEL), masks: new Map(),
    };
    // The difference is shown against the ground truth by default.
    viewer.settings.reference = "truth";
  } catch (error) {
    if (error.name === "AbortError" || viewer.truthUrl !== url) return;
    console.error("segdemo: the ground truth could not be loaded", error);
    viewer.truthUrl = null;
    viewer.truthEntry = { notices: [], problem: viewer.strings.load_failed };
  }
  done();
}

function leaveTruth({ settings }) {
  if (settings.reference === "truth") settings.reference = 0;
  settings.plot = "histogram";
}
