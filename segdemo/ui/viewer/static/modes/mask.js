// Mask: the foreground in white on black, or the classes in their colours.

import { BLACK, WHITE } from "../arithmetic/colours.js";
import { classColours, classPlan, paintLabels } from "../drawing/class_plans.js";
import { cutPlan } from "../drawing/plans.js";

export const MASK = Object.freeze({
  name: "mask",
  usesOpacity: false,
  comparesWithReference: false,
  ground: null,
  through: null,
  plan: (viewer, panel) => cutPlan(viewer, panel, WHITE, BLACK),
  planClasses(viewer, panel) {
    const colours = classColours(viewer, panel, 1, BLACK);
    return classPlan(viewer, panel, "mask", paintLabels(viewer, panel, colours));
  },
  legend: () => [],
});
