// The plot behind the threshold's slider: histograms, and where the thresholds stand in it.

import { parseColour } from "../arithmetic/colours.js";
import { spanOf } from "../arithmetic/thresholds.js";
import { fitCanvas } from "../drawing/drawing.js";
import { colourOf, lineColourOf } from "../state/viewer_state.js";
import { thresholdedPanels } from "./levels.js";
import { drawScoreCurves } from "./score_plot.js";

// As wide as the thumb in viewer.css, so that curve and slider agree.
const THUMB_WIDTH = 14;

// What is needed to draw over the slider: x(k) is where the thumb's middle stands at k.
function plotFrame(viewer) {
  const { parts, density } = viewer;
  const box = parts.plot.getBoundingClientRect();
  const size = { width: Math.round(box.width * density), height: Math.round(box.height * density) };
  if (size.width < 1 || size.height < 1) return null;
  const context = fitCanvas(parts.curves, size, density);
  // The thumb's centre runs from half its width to half its width before the end.
  const inset = THUMB_WIDTH * density / 2;
  const step = (size.width - 2 * inset) / 254;
  return {
    context, density, width: size.width, floor: size.height, ceiling: 4 * density,
    x: (k) => inset + (k - 1) * step,
  };
}

export function drawPlot(viewer) {
  const frame = plotFrame(viewer);
  if (!frame) return;
  const { context, density, floor, x } = frame;
  context.clearRect(0, 0, frame.width, floor);
  context.fillStyle = viewer.dark ? "rgb(255 255 255 / 30%)" : "rgb(0 0 0 / 22%)";
  for (const quarter of [64, 128, 192]) {
    context.fillRect(Math.round(x(quarter)), floor - 4 * density, density, 4 * density);
  }
  if (viewer.settings.plot === "iou") drawScoreCurves(viewer, frame);
  else for (const panel of thresholdedPanels(viewer)) drawHistogram(viewer, panel, frame);
}

function drawHistogram(viewer, panel, { context, density, floor, ceiling, x }) {
  const colour = parseColour(colourOf(viewer, panel));
  const ink = lineColourOf(viewer, panel);
  const { from, to, place } = spanOf(panel);
  const trace = new Path2D();
  for (let q = from; q < to; q++) {
    const y = floor - panel.map.curve[q] * (floor - ceiling);
    trace.lineTo(x(place(q)), y);
    trace.lineTo(x(place(q + 1)), y);
  }
  const area = new Path2D(trace);
  area.lineTo(x(place(to)), floor);
  area.lineTo(x(place(from)), floor);
  context.fillStyle = `rgb(${colour.r} ${colour.g} ${colour.b} / 16%)`;
  context.fill(area);
  context.strokeStyle = `rgb(${ink.r} ${ink.g} ${ink.b})`;
  context.lineWidth = 1.25 * density;
  context.lineJoin = "round";
  context.stroke(trace);
}
