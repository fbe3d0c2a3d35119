// Heat map: the probability in a colour ramp, with a light line along the edge of the mask.

import { WHITE } from "../arithmetic/colours.js";
import { paintPlaces } from "../arithmetic/edges.js";
import { overlaid, paintLevels, veiled } from "../arithmetic/maps.js";
import { stretchTable } from "../arithmetic/thresholds.js";
import { classBorders, classPlan } from "../drawing/class_plans.js";
import { cellsFor } from "../drawing/ground.js";
import { clearBox, edgePlan } from "../drawing/plans.js";

const EDGE_VEIL = veiled(WHITE, 0.6);

export const HEAT = Object.freeze({
  name: "heat",
  usesOpacity: true,
  comparesWithReference: false,
  ground: "picture",
  through: null,
  plan(viewer, panel) {
    const { map, stretched } = panel;
    const { opacity } = viewer.settings;
    const cells = cellsFor(viewer, map.width, map.height);
    const heat = rampOf(viewer, panel).map((colour) => veiled(colour, opacity));
    const edge = heat.map((colour) => overlaid(colour, EDGE_VEIL));
    return edgePlan(viewer, panel, `heat ${opacity} ${Boolean(stretched)}`, {
      paint: (box, out) => paintLevels(map.q, map.width, cells, heat, box, out),
      // Outside of the edge alone, so that narrow foreground keeps its colours.
      move(gone, come, out) {
        paintPlaces(gone.outside, map, cells, heat, out);
        paintPlaces(come.outside, map, cells, edge, out);
      },
    });
  },
  // The probability of the predicted class at each pixel; its map arrives last.
  planClasses(viewer, panel) {
    const { winning, width, height } = panel.classes;
    const { opacity } = viewer.settings;
    return classPlan(viewer, panel, `heat ${opacity} ${Boolean(winning)}`, (box, out) => {
      if (!winning) {
        clearBox(viewer.size, box, out);
        return;
      }
      const cells = cellsFor(viewer, width, height);
      const heat = viewer.ramp.map((colour) => veiled(colour, opacity));
      paintLevels(winning, width, cells, heat, box, out);
      const lines = heat.map((colour) => overlaid(colour, EDGE_VEIL));
      paintPlaces(classBorders(viewer, panel, box), { q: winning, width }, cells, lines, out);
    });
  },
  legend: () => [],
});

// The colour of every q, by what the panel's stretch makes of it.
function rampOf({ ramp }, { stretched, map }) {
  return stretched ? Uint32Array.from(stretchTable(map.tail), (q) => ramp[q]) : ramp;
}
