// The viewer's modes, in the order of their buttons and keys. A mode is one object:
//   name         how settings, links and strings (`mode_<name>`) call it
//   usesOpacity  whether the opacity slider changes it
//   comparesWithReference  whether a reference is chosen for it: another panel or the ground truth
//   background   what the panel's image lies over: "picture", "grey", or null for nothing
//   through      what shows through where the image is opaque: "chequer", or null for the image itself
//   plan(viewer, panel)         how the panel's thresholded map is painted; see drawing/plans.js
//   planClasses(viewer, panel)  the same for the predicted classes, null where the map is painted
//   legend(viewer, panel)       what its colours mean: [{hex, text}]

import { CONTOUR } from "./contour.js";
import { CUTOUT } from "./cutout.js";
import { DIFFERENCE } from "./difference.js";
import { HEAT } from "./heat.js";
import { MASK } from "./mask.js";
import { OVERLAY } from "./overlay.js";

const MODES = Object.freeze([OVERLAY, MASK, HEAT, CONTOUR, CUTOUT, DIFFERENCE]);

export const MODE_NAMES = Object.freeze(MODES.map(({ name }) => name));

export function modeOf({ settings }) {
  return MODES.find(({ name }) => name === settings.mode);
}
