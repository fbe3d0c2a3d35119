// Loads a panel's maps: the foreground's probabilities, and of several classes the predicted labels and
// the probabilities of each class.

import {
  classCounts, classMap, confidenceMap, predictedForeground,
} from "../arithmetic/class_layers.js";
import { histogramCurve, tailSums } from "../arithmetic/histogram.js";
import { palettesFor, pickOf, styleOf } from "../state/class_choice.js";
import { summaryFor } from "./decoding.js";
import { fetchMap } from "./files.js";

let nextSerial = 1;
let nextClassSerial = 1;

// Gives a panel its probabilities: q in 0..255, row by row, as a Uint8Array of height x width.
function setMap(panel, q, height, width) {
  if (q.length !== height * width) throw new RangeError("A map needs height x width values.");
  const { counts, order, blocks } = summaryFor({ q, height, width });
  panel.map = {
    q, height, width, tail: tailSums(counts), curve: histogramCurve(counts),
    order, blocks, serial: nextSerial++,
  };
}

// Takes the foreground's map; a panel of several classes may show another one.
function takeMap(panel, q, height, width) {
  panel.foreground = { q, height, width };
  if (panel.entry.classes) showChosenMap(panel);
  else setMap(panel, q, height, width);
}

// Gives the panel the map of what it shows, or none until that is loaded.
export function showChosenMap(panel) {
  const { classes, kept } = panel;
  if (!classes) return;
  const pick = pickOf(panel);
  if (panel.map && kept.get(pick) === panel.map) return;
  panel.map = kept.get(pick) || null;
  if (panel.map) return;
  const made = mapFor(panel, pick);
  if (!made) return;
  setMap(panel, made.q, made.height, made.width);
  kept.set(pick, panel.map);
}

function mapFor({ classes, foreground }, pick) {
  const { labels, width, height, atlas, names, background } = classes;
  if (pick === "foreground") return foreground;
  if (pick === "all") return { q: predictedForeground(labels, background), width, height };
  return atlas && { q: classMap(atlas, names.length, Number(pick), width, height), width, height };
}

// Loads the map of a panel's entry, unless it is loaded already; `done()` follows success and failure.
export async function loadMap(panel, signal, done) {
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

// The predicted labels first, which are shown at once; then the probabilities of all classes.
export async function loadClasses(viewer, panel, signal, done) {
  const entry = panel.entry.status === "ready" ? panel.entry.classes : null;
  if (!entry) {
    panel.classes = null;
    panel.classesUrl = null;
    return;
  }
  takeStyle(viewer, panel, entry);
  const url = `${entry.labels.file.url} ${entry.atlas.file.url}`;
  if (panel.classesUrl === url) {
    showChosenMap(panel);
    return;
  }
  Object.assign(panel, { classesUrl: url, classes: null, kept: new Map(), map: null });
  const current = () => panel.classesUrl === url;
  try {
    const { q, height, width } = await fetchMap(entry.labels.file.url, signal);
    if (!current()) return;
    const { names, background } = entry;
    panel.classes = {
      names, background, labels: q, height, width, counts: classCounts(q, names.length),
      atlas: null, confidence: null, serial: nextClassSerial++,
    };
    showChosenMap(panel);
    done();
    const atlas = await fetchMap(entry.atlas.file.url, signal);
    if (!current()) return;
    panel.classes.atlas = atlas;
    panel.classes.confidence = confidenceMap(atlas, names.length, q, width, height);
    showChosenMap(panel);
  } catch (error) {
    if (!current()) return;
    panel.classesUrl = null;
    if (error.name === "AbortError") return;
    console.error("segdemo: the classes could not be loaded", error);
    panel.loadFailed = true;
  }
  done();
}

// Another network's classes are not those that were chosen from before.
function takeStyle(viewer, panel, entry) {
  const style = styleOf(viewer, entry);
  if (panel.style && panel.style !== style) panel.pick = undefined;
  if (panel.style !== style) panel.classColours = null;
  panel.style = style;
  const { pick, palette } = panel.restored || {};
  panel.restored = null;
  if (pick) panel.pick = pick;
  if (palettesFor(viewer, entry.names.length).includes(palette)) style.palette = palette;
}
