// Pointers, wheel and keys to zoom, pan and probe. All positions are in the panel's device pixels.

import { sliderNow } from "./arithmetic/thresholds.js";
import { MODE_NAMES } from "./modes/modes.js";
import { isPresented } from "./state/present.js";

// The image area of an event, null on buttons and links in it.
function areaOf(event) {
  if (event.target.closest("button, a, .sv-divider")) return null;
  const area = event.target.closest(".sv-view");
  return area && !area.closest("[data-status=failed]") ? area : null;
}

function positionIn(viewer, area, event) {
  const box = area.getBoundingClientRect();
  return {
    x: (event.clientX - box.left) * viewer.density,
    y: (event.clientY - box.top) * viewer.density,
  };
}

export function listenToPointers(viewer, surface) {
  const held = new Map();
  const { actions } = viewer;

  const spread = () => {
    const [a, b] = [...held.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.hypot(a.x - b.x, a.y - b.y) };
  };

  surface.addEventListener("pointerdown", (event) => {
    const area = areaOf(event);
    if (!area || !viewer.picture || event.button > 0) return;
    if (held.size > 0 && viewer.heldArea !== area) return;
    viewer.heldArea = area;
    const at = positionIn(viewer, area, event);
    held.set(event.pointerId, at);
    area.setPointerCapture(event.pointerId);
    actions.probeAt(at.x, at.y);
  });

  surface.addEventListener("pointermove", (event) => {
    const area = held.has(event.pointerId) ? viewer.heldArea : areaOf(event);
    if (!area || !viewer.picture) return;
    const now = positionIn(viewer, area, event);
    const before = held.get(event.pointerId);
    if (held.size === 2 && before) {
      const old = spread();
      held.set(event.pointerId, now);
      const fresh = spread();
      actions.panBy(fresh.x - old.x, fresh.y - old.y);
      if (old.distance > 0) actions.zoomBy(fresh.distance / old.distance, fresh.x, fresh.y);
      return;
    }
    if (before) {
      held.set(event.pointerId, now);
      if (viewer.view.zoom > 1) actions.panBy(now.x - before.x, now.y - before.y);
    }
    actions.probeAt(now.x, now.y);
  });

  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    surface.addEventListener(name, (event) => held.delete(event.pointerId));
  }
  // The values stay after a touch and go with the mouse.
  surface.addEventListener("pointerleave", (event) => {
    if (held.size === 0 && event.pointerType === "mouse") actions.probe(null);
  });

  surface.addEventListener("dblclick", (event) => {
    const area = areaOf(event);
    if (!area || !viewer.picture) return;
    event.preventDefault();
    const { x, y } = positionIn(viewer, area, event);
    actions.zoomBy(event.shiftKey ? 0.5 : 2, x, y);
  });

  surface.addEventListener("wheel", (event) => {
    const area = areaOf(event);
    if (!area || !viewer.picture) return;
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
    const factor = Math.exp(-Math.max(-300, Math.min(300, pixels)) * (event.ctrlKey ? 0.01 : 0.002));
    // There is nothing to zoom out of, so the page may scroll.
    if (factor <= 1 && viewer.view.zoom === 1) return;
    event.preventDefault();
    const { x, y } = positionIn(viewer, area, event);
    actions.zoomBy(factor, x, y);
  }, { passive: false });
}

// The divider of the swipe: dragged, or moved by the arrow keys.
export function listenToDivider(viewer, divider, area) {
  const { actions } = viewer;
  divider.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    divider.focus();
    divider.setPointerCapture(event.pointerId);
  });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const box = area.getBoundingClientRect();
    actions.setDivider((event.clientX - box.left) / box.width);
  });
  divider.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    actions.setDivider(viewer.settings.divider + step);
  });
}

const PAN_STEP = 48;
const ARROWS = Object.freeze({
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
});

export function listenToKeys(viewer, root) {
  const { actions } = viewer;
  const simple = {
    "[": () => actions.setThreshold(sliderNow(viewer) - 1),
    "]": () => actions.setThreshold(sliderNow(viewer) + 1),
    "{": () => actions.setThreshold(sliderNow(viewer) - 16),
    "}": () => actions.setThreshold(sliderNow(viewer) + 16),
    "+": () => actions.zoomBy(1.5),
    "=": () => actions.zoomBy(1.5),
    "-": () => actions.zoomBy(1 / 1.5),
    "0": actions.fit,
    "h": () => actions.setBare(true),
    "H": () => actions.setBare(true),
    "f": actions.present,
    "F": actions.present,
    "Escape": () => (isPresented(viewer) ? actions.present() : actions.probe(null)),
  };
  MODE_NAMES.forEach((name, index) => { simple[String(index + 1)] = () => actions.setMode(name); });

  // From the start, and not only once something in the viewer has the focus.
  const concerns = ({ target }) =>
    root.contains(target) || (target === document.body && root.checkVisibility());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !viewer.picture || !concerns(event)) return;
    // In a text field keys are text.
    if (event.target.closest("select, textarea, input[type=text], input[type=number]")) return;
    const arrow = ARROWS[event.key];
    const onPicture = event.target.closest(".sv-panels, .sv-stage")
      && !event.target.closest("input, button");
    if (simple[event.key]) simple[event.key]();
    else if (arrow && onPicture && event.shiftKey) actions.moveProbe(...arrow);
    else if (arrow && onPicture && viewer.view.zoom > 1) actions.panBy(-arrow[0] * PAN_STEP, -arrow[1] * PAN_STEP);
    else return;
    event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === "h" || event.key === "H") actions.setBare(false);
  });
}
