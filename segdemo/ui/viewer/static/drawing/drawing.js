// Draws the panels' images over the background that they share, and no more of them than has changed.

import { isEmpty, sameBox } from "../arithmetic/edges.js";
import { flipsFew, isStep, staleBoxes, thresholdsOf } from "../arithmetic/painting.js";
import { showsClasses } from "../state/class_choice.js";
import { backgroundOf, refreshFrame } from "./background.js";
import { boxOf } from "./plans.js";

// Every element that shows the image.
export function areasOf({ panels, stage, original }) {
  return [...panels.map((panel) => panel.card), stage, original];
}

// The two panels of a swipe, none unless both have a map.
export function swipedPanels({ panels, settings }) {
  const pair = [panels[settings.left], panels[settings.right]];
  return pair.every((panel) => panel && panel.map) ? pair : [];
}

// Draws all that is visible, in a mode (see modes/modes.js).
export function drawPictures(viewer, mode) {
  if (viewer.size.width < 1) return;
  if (!viewer.picture) {
    for (const area of areasOf(viewer)) {
      area.canvas.width = 0;
      area.drawn = "";
    }
    return;
  }
  refreshFrame(viewer);
  if (viewer.settings.layout === "swipe") drawStage(viewer, mode);
  else drawCards(viewer, mode);
}

function drawCards(viewer, mode) {
  const whole = boxOf(viewer.size);
  for (const panel of viewer.panels) {
    drawArea(viewer, mode, panel.card, panel.map ? [{ panel, box: whole }] : []);
  }
  if (viewer.original.shown) drawArea(viewer, mode, viewer.original, []);
}

// Paints each panel on its side of the divider only.
function drawStage(viewer, mode) {
  const whole = boxOf(viewer.size);
  const split = Math.round(viewer.settings.divider * whole.right);
  const [left, right] = swipedPanels(viewer);
  drawArea(viewer, mode, viewer.stage, !left ? [] : [
    { panel: left, box: { ...whole, right: split } },
    { panel: right, box: { ...whole, left: split } },
  ].filter(({ box }) => !isEmpty(box)));
}

// How the panel's image is painted in a mode: by its predicted classes where it shows them and the mode
// can, else by its thresholded map.
function planFor(viewer, mode, panel) {
  const byClass = showsClasses(panel) && panel.classes ? mode.planClasses(viewer, panel) : null;
  return byClass || mode.plan(viewer, panel);
}

// Draws parts of panels' images over their background, or the image alone; nothing where all of it is on
// the screen already.
function drawArea(viewer, mode, area, parts) {
  const { frame, size, density, dark, settings: { bare } } = viewer;
  const planned = bare ? [] : parts.map((part) => ({ ...part, plan: planFor(viewer, mode, part.panel) }));
  const beneath = planned.length > 0 ? mode.background : "picture";
  const drawn = [frame.stamp, density, dark, beneath, ...planned.map(({ plan, box }) =>
    `${plan.mark} ${thresholdsOf(plan)} ${box.left} ${box.right}`)].join("; ");
  if (area.drawn === drawn) return;
  area.drawn = drawn;
  const context = fitCanvas(area.canvas, size, density);
  for (const { panel, plan, box } of planned) {
    refreshImage(viewer, panel, plan, box);
    const { left, top, right, bottom } = box;
    context.putImageData(panel.image, 0, 0, left, top, right - left, bottom - top);
  }
  if (planned.length > 0 && mode.through) compose(context, "source-in", backgroundOf(viewer, mode.through));
  if (beneath) {
    const below = planned.length > 0 ? "destination-over" : "copy";
    compose(context, below, backgroundOf(viewer, beneath));
  }
}

// Repaints what has changed in a box of a panel's image.
function refreshImage(viewer, panel, plan, box) {
  const { size: { width, height }, frame } = viewer;
  if (!panel.image || panel.image.width !== width || panel.image.height !== height) {
    panel.image = new ImageData(width, height);
    panel.pixels = new Uint32Array(panel.image.data.buffer);
    panel.painted = null;
  }
  const { left, top } = frame;
  const before = panel.painted;
  const after = {
    mark: plan.mark, ks: thresholdsOf(plan), box, left, top,
    scale: `${frame.width} ${frame.height}`, kept: null,
  };
  if (isStep(before, after) && flipsFew(before, plan.thresholds, box)) {
    after.kept = plan.step(before, box, panel.pixels);
  } else {
    for (const part of staleBoxes(before, after, panel)) {
      const kept = plan.paint(part, panel.pixels);
      if (sameBox(part, box)) after.kept = kept;
      viewer.pixelsPainted += (part.right - part.left) * (part.bottom - part.top);
    }
  }
  panel.painted = after;
}

// Gives a canvas exactly as many pixels as the screen has there; returns its context.
export function fitCanvas(canvas, { width, height }, density) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const [wide, high] = [`${width / density}px`, `${height / density}px`];
  if (canvas.style.width !== wide) canvas.style.width = wide;
  if (canvas.style.height !== high) canvas.style.height = high;
  return canvas.getContext("2d", { willReadFrequently: true });
}

function compose(context, operation, canvas) {
  context.globalCompositeOperation = operation;
  context.drawImage(canvas, 0, 0);
  context.globalCompositeOperation = "source-over";
}
