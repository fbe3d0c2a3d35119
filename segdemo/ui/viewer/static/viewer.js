// Mounts one viewer: its state, its actions and its listeners.

import { partsOf } from "../../gradio_support/static/dom.js";
import { actionsOf } from "./actions.js";
import { colourRamp } from "./arithmetic/colours.js";
import { FITTED } from "./arithmetic/view.js";
import { buildViewer } from "./building.js";
import { drawFrame } from "./frame.js";
import { listenToKeys } from "./gestures.js";
import { hooksOf } from "./hooks.js";
import { rebuild, takePayload } from "./payloads.js";
import { listenToFullScreen } from "./state/present.js";
import { schedule } from "./state/viewer_state.js";
import { openLink } from "./toolbar/share.js";

// Two pictures beside each other are too small on a phone.
function usualLayout() {
  return matchMedia("(max-width: 560px) and (pointer: coarse)").matches ? "swipe" : "side";
}

export function mountViewer(root, host) {
  const viewer = {
    root, host, strings: host.strings(), palette: host.palette(), scores: host.scores(), parts: partsOf(root),
    settings: {
      threshold: 128, mode: "overlay", layout: usualLayout(), opacity: 0.6, bare: false,
      reference: 0, left: 0, right: 1, divider: 0.5, linked: true, active: null,
      plot: "histogram",
    },
    chosen: new Set(), colours: new Map(), run: "", stored: false,
    image: null, picture: null, pictureUrl: null, pictureFailed: false,
    panels: [], inspected: null, agreements: [], joints: new Map(), pairsLeft: false, view: FITTED, point: null,
    size: { width: 0, height: 0 }, density: 1, dark: false, frame: null,
    backgrounds: new Map(), pixelsPainted: 0,
    controller: new AbortController(), scheduled: null, settleTimer: 0,
  };
  viewer.classStyles = new Map();
  viewer.sameShares = new Map();
  viewer.ramp = colourRamp(viewer.palette.heat);
  viewer.actions = actionsOf(viewer);
  viewer.template = root.cloneNode(true);
  viewer.draw = () => drawFrame(viewer);
  buildViewer(viewer);
  listenToKeys(viewer, root);
  listenToFullScreen(viewer);
  new ResizeObserver(() => schedule(viewer, "size")).observe(root);
  new MutationObserver(() => schedule(viewer, "size"))
    .observe(document.body, { attributes: true, attributeFilter: ["class"] });
  host.onPayload(() => takePayload(viewer, host.payload()));
  host.onLanguage(() => rebuild(viewer));
  root.segdemo = hooksOf(viewer);
  takePayload(viewer, host.payload());
  openLink(viewer);
}
