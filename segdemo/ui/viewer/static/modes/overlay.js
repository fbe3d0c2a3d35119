// Overlay: the foreground in the panel's colour over the image.

import { CLEAR, packColour, parseColour } from "../arithmetic/colours.js";
import { withOpacity } from "../arithmetic/maps.js";
import { classColours, classPlan, paintLabels } from "../drawing/class_plans.js";
import { maskPlan } from "../drawing/plans.js";
import { colourOf } from "../state/viewer_state.js";

export const OVERLAY = Object.freeze({
  name: "overlay",
  usesOpacity: true,
  comparesWithReference: false,
  background: "picture",
  through: null,
  plan(viewer, panel) {
    const { opacity } = viewer.settings;
    const on = withOpacity(packColour(parseColour(colourOf(viewer, panel))), opacity);
    return maskPlan(viewer, panel, on, CLEAR);
  },
  planClasses(viewer, panel) {
    const { opacity } = viewer.settings;
    const colours = classColours(viewer, panel, opacity, CLEAR);
    return classPlan(viewer, panel, `overlay ${opacity}`, paintLabels(viewer, panel, colours));
  },
  legend: () => [],
});
