// Loads the ground truth mask.

import { VOID_LABEL } from "../arithmetic/counts.js";
import { fetchMap } from "./files.js";

let nextTruthSerial = 1;

// Loads the payload's truth, unless it is there; `done()` follows success and failure.
export async function loadTruth(viewer, entry, signal, done) {
  const url = entry && entry.labels ? entry.labels.file.url : null;
  viewer.truthEntry = entry || null;
  // What was under way for the run before will not arrive.
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
    // What is right is what anybody wants to see the difference to.
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
