// Plans for painting a panel that shows the predicted class of each pixel (the argmax of several
// classes). No threshold cuts them.

import { packColour } from "../arithmetic/colours.js";
import { borderPixels } from "../arithmetic/edges.js";
import { paintLevels, withOpacity } from "../arithmetic/maps.js";
import { coloursOf } from "../state/class_choice.js";
import { cellsFor } from "./background.js";
import { boxOf } from "./plans.js";

// A plan whose image depends on `key` beside the classes, their colours and the screen.
export function classPlan(viewer, panel, key, paint) {
  const { mark } = coloursOf(viewer, panel);
  return { mark: [key, panel.classes.serial, mark, viewer.density].join(" "), thresholds: [], paint };
}

// The packed colour of each class at an opacity, `hidden` for those that are not shown.
export function classColours(viewer, panel, opacity, hidden) {
  return coloursOf(viewer, panel).colours.map((colour) =>
    (colour ? withOpacity(packColour(colour), opacity) : hidden));
}

// Paints each pixel in the colour of its class.
export function paintLabels(viewer, panel, colours) {
  const { labels, width, height } = panel.classes;
  return (box, out) =>
    paintLevels(labels, width, cellsFor(viewer, width, height), Uint32Array.from(colours), box, out);
}

// The pixels where classes meet.
export function classBorders(viewer, { classes: { labels, width, height } }, box) {
  const cells = cellsFor(viewer, width, height);
  const reach = Math.max(1, Math.round(viewer.density));
  return borderPixels({ q: labels, width }, cells, reach, box, boxOf(viewer.size));
}
