// Mask: the foreground in white on black, or the classes in their colours.

import { BLACK, WHITE } from "../arithmetic/colours.js";
import { classColours, classPlan, paintLabels } from "../drawing/class_plans.js";
import { maskPlan } from "../drawing/plans.js";

export const MASK = Object.freeze({
  name: "mask",
  usesOpacity: false,
  comparesWithReference: false,
  background: null,
  through: null,
  plan: (viewer, panel) => maskPlan(viewer, panel, WHITE, BLACK),
  planClasses(viewer, panel) {
    const colours = classColours(viewer, panel, 1, BLACK);
    return classPlan(viewer, panel, "mask", paintLabels(viewer, panel, colours));
  },
  legend: () => [],
});
