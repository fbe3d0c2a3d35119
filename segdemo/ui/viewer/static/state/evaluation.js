// Evaluates the panels against the ground truth mask: counts and scores at every threshold, cached.

import {
  classScores, confusionOf, curveOf, outlineScore, outlinesOf, scoresAt, truthFor,
} from "../arithmetic/counts.js";
import { SIDE } from "../arithmetic/histogram.js";
import { effectiveThreshold, thresholdOf } from "../arithmetic/thresholds.js";
import { pickOf, showsClasses } from "./class_choice.js";

// Whether the reference is the ground truth.
export function againstTruth({ settings, truth }) {
  return settings.reference === "truth" && Boolean(truth);
}

// Whether the ground truth is still loading.
export function awaitsTruth({ truth, truthUrl }) {
  return Boolean(truthUrl && !truth);
}

// Whether the panel's predicted classes are evaluated against a ground truth of several classes.
function evaluatesClasses({ truth }, panel) {
  return Boolean(truth && truth.several && showsClasses(panel) && panel.classes);
}

// 1, 0 or VOID_LABEL for each cell of the panel's map; null where sizes differ or nothing is there.
export function truthOf(viewer, panel) {
  const { truth } = viewer;
  if (!truth || !panel.map || panel.map.width !== truth.width || panel.map.height !== truth.height) {
    return null;
  }
  const pick = showsClasses(panel) ? "foreground" : pickOf(panel);
  const background = panel.entry.classes ? panel.entry.classes.background : 0;
  const key = `${pick} ${background}`;
  if (!truth.masks.has(key)) {
    truth.masks.set(key, truthFor(truth.labels, truth.several, pick, background));
  }
  return truth.masks.get(key);
}

// {curve, outlines} of the panel's map, or {classes} of its predicted classes; null without a ground
// truth of its size.
export function evaluationOf(viewer, panel) {
  const mask = truthOf(viewer, panel);
  if (!mask) return null;
  const { map, classes } = panel;
  const byClass = evaluatesClasses(viewer, panel);
  const stamp = `${viewer.truth.serial} ${map.serial} ${byClass} ${pickOf(panel)}`;
  if (panel.evaluation && panel.evaluation.stamp === stamp) return panel.evaluation;
  const count = byClass ? classes.names.length : 0;
  panel.evaluation = byClass
    ? { stamp, classes: classScores(confusionOf(classes.labels, viewer.truth.labels, count), count) }
    : { stamp, curve: curveOf(map.q, mask), outlines: outlinesOf(map.q, mask, map.width, map.height) };
  return panel.evaluation;
}

// One of the panel's scores at every position of the slider; null where there is none.
export function scoresAlong(viewer, panel, name) {
  const evaluation = evaluationOf(viewer, panel);
  if (!evaluation || !evaluation.curve || showsClasses(panel)) return null;
  return Float64Array.from({ length: SIDE }, (_, k) => scoresAt(evaluation.curve, effectiveThreshold(panel, k))[name]);
}

export function scoresNow(viewer, panel, { curve, outlines, classes }) {
  if (classes) return { mean_iou: classes.mean, accuracy: classes.accuracy };
  const k = thresholdOf(viewer, panel);
  return { ...scoresAt(curve, k), boundary_f: outlineScore(outlines, k) };
}
