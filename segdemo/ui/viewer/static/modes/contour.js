// Contour: the edge of the mask in the panel's colour, or the borders between classes in theirs.

import { CLEAR, packColour, parseColour } from "../arithmetic/colours.js";
import { fillPixels, paintPixels } from "../arithmetic/edges.js";
import { cellsFor } from "../drawing/background.js";
import { classBorders, classColours, classPlan } from "../drawing/class_plans.js";
import { clearBox, edgePlan } from "../drawing/plans.js";
import { colourOf } from "../state/viewer_state.js";

const HALO = packColour({ r: 16, g: 18, b: 24 });

export const CONTOUR = Object.freeze({
  name: "contour",
  usesOpacity: false,
  comparesWithReference: false,
  background: "picture",
  through: null,
  plan(viewer, panel) {
    const colour = packColour(parseColour(colourOf(viewer, panel)));
    return edgePlan(viewer, panel, `contour ${colour}`, {
      paint: (box, out) => clearBox(viewer.size, box, out),
      move(gone, come, out) {
        fillPixels(gone.inside, CLEAR, out);
        fillPixels(gone.outside, CLEAR, out);
        fillPixels(come.inside, colour, out);
        fillPixels(come.outside, HALO, out);
      },
    });
  },
  planClasses(viewer, panel) {
    const { labels, width, height } = panel.classes;
    const colours = classColours(viewer, panel, 1, CLEAR);
    return classPlan(viewer, panel, "contour", (box, out) => {
      clearBox(viewer.size, box, out);
      const cells = cellsFor(viewer, width, height);
      paintPixels(classBorders(viewer, panel, box), { q: labels, width }, cells, colours, out);
    });
  },
  legend: () => [],
});
