// Plots the IoU over the threshold for all panels, with the best threshold of each marked.

import { bestOf } from "../arithmetic/counts.js";
import { LEVELS } from "../arithmetic/histogram.js";
import { scoresAlong } from "../state/evaluation.js";
import { lineColourOf } from "../state/viewer_state.js";

export function drawScoreCurves(viewer, frame) {
  const { context, density, width, floor } = frame;
  const top = 5 * density;
  const bottom = floor - top;
  const height = (score) => bottom - score * (bottom - top);
  context.fillStyle = viewer.dark ? "rgb(255 255 255 / 14%)" : "rgb(0 0 0 / 10%)";
  for (const score of [0, 0.25, 0.5, 0.75, 1]) {
    context.fillRect(0, Math.round(height(score)), width, density);
  }
  context.fillStyle = viewer.dark ? "rgb(255 255 255 / 60%)" : "rgb(0 0 0 / 60%)";
  context.font = `${9 * density}px system-ui, sans-serif`;
  context.textBaseline = "top";
  for (const score of [0.5, 1]) {
    context.fillText(String(score), 0, Math.round(height(score)) + 2 * density);
  }
  for (const panel of viewer.panels) {
    const row = scoresAlong(viewer, panel, "iou");
    if (row) drawScoreCurve(row, lineColourOf(viewer, panel), height, frame);
  }
}

function drawScoreCurve(row, { r, g, b }, height, { context, density, x }) {
  const trace = new Path2D();
  for (let k = 1; k < LEVELS; k++) {
    if (Number.isFinite(row[k])) trace.lineTo(x(k), height(row[k]));
  }
  context.strokeStyle = `rgb(${r} ${g} ${b})`;
  context.lineWidth = 1.5 * density;
  context.lineJoin = "round";
  context.stroke(trace);
  const best = bestOf([row]);
  if (best === null) return;
  context.beginPath();
  context.arc(x(best), height(row[best]), 3.5 * density, 0, 2 * Math.PI);
  context.fillStyle = `rgb(${r} ${g} ${b})`;
  context.fill();
  context.strokeStyle = "#ffffff";
  context.stroke();
}
