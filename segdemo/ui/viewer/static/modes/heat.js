// Heat map: the probability in a colour ramp, with a light line along the edge of the mask.

import { WHITE } from "../arithmetic/colours.js";
import { paintPixels } from "../arithmetic/edges.js";
import { composited, paintLevels, withOpacity } from "../arithmetic/maps.js";
import { stretchTable } from "../arithmetic/thresholds.js";
import { cellsFor } from "../drawing/background.js";
import { classBorders, classPlan } from "../drawing/class_plans.js";
import { clearBox, edgePlan } from "../drawing/plans.js";

const EDGE_TINT = withOpacity(WHITE, 0.6);

export const HEAT = Object.freeze({
  name: "heat",
  usesOpacity: true,
  comparesWithReference: false,
  background: "picture",
  through: null,
  plan(viewer, panel) {
    const { map, stretched } = panel;
    const { opacity } = viewer.settings;
    const cells = cellsFor(viewer, map.width, map.height);
    const heat = rampOf(viewer, panel).map((colour) => withOpacity(colour, opacity));
    const edge = heat.map((colour) => composited(colour, EDGE_TINT));
    return edgePlan(viewer, panel, `heat ${opacity} ${Boolean(stretched)}`, {
      paint: (box, out) => paintLevels(map.q, map.width, cells, heat, box, out),
      // Outside of the edge alone, so that narrow foreground keeps its colours.
      move(gone, come, out) {
        paintPixels(gone.outside, map, cells, heat, out);
        paintPixels(come.outside, map, cells, edge, out);
      },
    });
  },
  // The probability of the predicted class at each pixel; its map arrives last.
  planClasses(viewer, panel) {
    const { confidence, width, height } = panel.classes;
    const { opacity } = viewer.settings;
    return classPlan(viewer, panel, `heat ${opacity} ${Boolean(confidence)}`, (box, out) => {
      if (!confidence) {
        clearBox(viewer.size, box, out);
        return;
      }
      const cells = cellsFor(viewer, width, height);
      const heat = viewer.ramp.map((colour) => withOpacity(colour, opacity));
      paintLevels(confidence, width, cells, heat, box, out);
      const lines = heat.map((colour) => composited(colour, EDGE_TINT));
      paintPixels(classBorders(viewer, panel, box), { q: confidence, width }, cells, lines, out);
    });
  },
  legend: () => [],
});

// The colour of every q, by what the panel's stretch makes of it.
function rampOf({ ramp }, { stretched, map }) {
  return stretched ? Uint32Array.from(stretchTable(map.tail), (q) => ramp[q]) : ramp;
}
