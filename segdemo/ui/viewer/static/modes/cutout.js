// Cutout: the image where it is foreground, a chequerboard elsewhere.

import { BLACK, CLEAR } from "../arithmetic/colours.js";
import { classColours, classPlan, paintLabels } from "../drawing/class_plans.js";
import { maskPlan } from "../drawing/plans.js";

export const CUTOUT = Object.freeze({
  name: "cutout",
  usesOpacity: false,
  comparesWithReference: false,
  background: "picture",
  through: "chequer",
  plan: (viewer, panel) => maskPlan(viewer, panel, CLEAR, BLACK),
  // Only hidden classes are cut away.
  planClasses(viewer, panel) {
    const colours = classColours(viewer, panel, 1, null).map((colour) => (colour === null ? BLACK : CLEAR));
    return classPlan(viewer, panel, "cutout", paintLabels(viewer, panel, colours));
  },
  legend: () => [],
});
