// The strip of trials: the network run under other assumptions, as small masks at the present threshold.

import { make, setAttribute, setText } from "../../../gradio_support/static/dom.js";
import { parseColour } from "../arithmetic/colours.js";
import { coverage, histogramOf, tailSums } from "../arithmetic/histogram.js";
import { greyLayer, paintMask, tintLayer } from "../arithmetic/maps.js";
import { fill, percentText } from "../arithmetic/text.js";
import { effectiveThreshold, sliderOf } from "../arithmetic/thresholds.js";
import { fetchMap } from "../loading/files.js";
import { colourOf } from "../state/viewer_state.js";

// Fetches the maps that are not loaded yet; `done()` follows each.
export function loadTrials(panel, signal, done) {
  const { trials } = panel.explain;
  const urls = new Map((panel.entry.trials || []).map(({ map }) => [map.file.url, map]));
  for (const url of trials.keys()) if (!urls.has(url)) trials.delete(url);
  for (const url of urls.keys()) {
    const known = trials.get(url);
    if (known && !known.signal.aborted) continue;
    const trial = { signal, map: null, layers: null };
    trials.set(url, trial);
    fetchMap(url, signal).then((map) => {
      trial.map = { ...map, tail: tailSums(histogramOf(map.q)) };
      done();
    }).catch((error) => {
      if (error.name !== "AbortError") console.error("segdemo: a trial could not be loaded", error);
    });
  }
}

export function fillTrials(viewer, panel, say) {
  const { drawer } = panel.explain;
  const entries = panel.entry.trials || [];
  drawer.trials.hidden = entries.length === 0;
  const shape = JSON.stringify(entries.map(({ id, title }) => [id, title]));
  if (drawer.strip.dataset.shape !== shape) {
    drawer.strip.dataset.shape = shape;
    panel.explain.thumbnails = entries.map(({ id, title }) => {
      const button = make("button", "sv-trial");
      button.type = "button";
      const canvas = make("canvas");
      const share = make("span", "sv-number");
      const caption = make("span", "sv-trial-title", title);
      button.append(canvas, caption, share);
      button.addEventListener("click", () => say("choose", { trial: id }));
      return { button, canvas, share };
    });
    drawer.strip.replaceChildren(...panel.explain.thumbnails.map(({ button }) => button));
  }
  entries.forEach(({ chosen }, at) =>
    setAttribute(panel.explain.thumbnails[at].button, "aria-pressed", String(Boolean(chosen))));
}

// Runs at every step of the threshold, for a drawer that is open.
export function stepTrials(viewer, panel) {
  (panel.entry.trials || []).forEach(({ title, map: { file } }, at) => {
    const trial = panel.explain.trials.get(file.url);
    if (!trial || !trial.map || !viewer.picture) return;
    const { button, canvas, share } = panel.explain.thumbnails[at];
    const k = effectiveThreshold(panel, sliderOf(viewer, panel), trial.map.tail);
    paintTrial(viewer, panel, trial, k, canvas);
    const text = `${percentText(coverage(trial.map.tail, k))}%`;
    setText(share, text);
    setAttribute(button, "aria-label", fill(viewer.strings.trial, { title, share: text }));
  });
}

function paintTrial(viewer, panel, trial, k, canvas) {
  const { q, width, height } = trial.map;
  const hex = colourOf(viewer, panel);
  const stamp = `${viewer.picture.url} ${hex}`;
  if (!trial.layers || trial.layers.stamp !== stamp) {
    trial.layers = { stamp, ...trialLayers(viewer.picture.bitmap, width, height, hex) };
  }
  const { image, on, off } = trial.layers;
  paintMask(q, k, on, off, new Uint32Array(image.data.buffer));
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// The small picture in grey, and with the panel's colour laid over it.
function trialLayers(bitmap, width, height, hex) {
  const canvas = make("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "medium";
  context.drawImage(bitmap, 0, 0, width, height);
  const image = context.getImageData(0, 0, width, height);
  const base = new Uint32Array(image.data.buffer.slice(0));
  const off = new Uint32Array(base.length);
  const on = new Uint32Array(base.length);
  greyLayer(base, 0.6, off);
  tintLayer(off, parseColour(hex), 0.75, on);
  return { image, on, off };
}
