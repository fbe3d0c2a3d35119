// Overlay: the foreground in the panel's colour over the image.

import { CLEAR, packColour, parseColour } from "../arithmetic/colours.js";
import { veiled } from "../arithmetic/maps.js";
import { classColours, classPlan, paintLabels } from "../drawing/class_plans.js";
import { cutPlan } from "../drawing/plans.js";
import { colourOf } from "../state/viewer_state.js";

export const OVERLAY = Object.freeze({
  name: "overlay",
  usesOpacity: true,
  comparesWithReference: false,
  ground: "picture",
  through: null,
  plan(viewer, panel) {
    const { opacity } = viewer.settings;
    const on = veiled(packColour(parseColour(colourOf(viewer, panel))), opacity);
    return cutPlan(viewer, panel, on, CLEAR);
  },
  planClasses(viewer, panel) {
    const { opacity } = viewer.settings;
    const colours = classColours(viewer, panel, opacity, CLEAR);
    return classPlan(viewer, panel, `overlay ${opacity}`, paintLabels(viewer, panel, colours));
  },
  legend: () => [],
});
