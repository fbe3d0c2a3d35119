// The actions of a viewer, whether by pointer, key, control or test.

import { clampThreshold } from "./arithmetic/payload.js";
import { activePanel, sliderNow, sliderOf } from "./arithmetic/thresholds.js";
import { FITTED, frameOf, panBy, pointAt, zoomAt } from "./arithmetic/view.js";
import { inspect } from "./cards/explain.js";
import { togglePresented } from "./state/present.js";
import { schedule, settle } from "./state/viewer_state.js";

// Each action changes the state and schedules one drawing.
export function actionsOf(viewer) {
  const { settings } = viewer;
  const choose = (name, value, part) => {
    if (settings[name] === value) return;
    settings[name] = value;
    viewer.chosen.add(name);
    schedule(viewer, part);
    settle(viewer);
  };
  const move = (view) => {
    viewer.view = view;
    schedule(viewer, "view");
  };
  return {
    // Of one panel where each has its own: of the active one unless a panel is given.
    setThreshold: (k, panel = activePanel(viewer)) => {
      if (settings.linked || !panel) choose("threshold", clampThreshold(k), "threshold");
      else setOwnThreshold(viewer, panel, clampThreshold(k));
    },
    setLinked: (linked) => {
      if (linked) settings.threshold = sliderNow(viewer);
      else for (const panel of viewer.panels) panel.threshold = settings.threshold;
      choose("linked", linked, "controls");
    },
    setActive: (panel) => {
      if (settings.active === panel.entry.id) return;
      settings.active = panel.entry.id;
      schedule(viewer, "controls");
    },
    setStretched: (panel, stretched) => {
      panel.stretched = stretched;
      schedule(viewer, "size");
      settle(viewer);
    },
    inspect: (panel) => inspect(viewer, panel),
    setMode: (mode) => choose("mode", mode, "controls"),
    setLayout: (layout) => choose("layout", layout, "size"),
    setOpacity: (opacity) => choose("opacity", opacity, "controls"),
    setBare: (bare) => {
      if (settings.bare === bare) return;
      settings.bare = bare;
      schedule(viewer, "controls");
    },
    present: () => togglePresented(viewer),
    setPanelChoice: (name, index) => {
      const other = { left: "right", right: "left" }[name];
      if (other && settings[other] === index) settings[other] = settings[name];
      settings[name] = index;
      schedule(viewer, "controls");
    },
    setColour: (panel, hex) => {
      viewer.colours.set(panel.entry.id, hex);
      schedule(viewer, "panels");
    },
    setDivider: (share) => {
      settings.divider = Math.min(Math.max(share, 0), 1);
      schedule(viewer, "view");
    },
    zoomBy: (factor, x = viewer.size.width / 2, y = viewer.size.height / 2) => {
      if (viewer.picture) move(zoomAt(viewer.view, factor, x, y, viewer.picture, viewer.size));
    },
    panBy: (dx, dy) => move(panBy(viewer.view, dx, dy, viewer.picture, viewer.size)),
    fit: () => move(FITTED),
    probe: (point) => {
      viewer.point = point;
      schedule(viewer, "probe");
    },
    probeAt: (x, y) => {
      const frame = frameOf(viewer.view, viewer.picture, viewer.size);
      viewer.point = pointAt(frame, x, y);
      schedule(viewer, "probe");
    },
    // By one pixel of the picture, from its middle at first.
    moveProbe: (dx, dy) => {
      const { x, y } = viewer.point || { x: viewer.view.x, y: viewer.view.y };
      const step = (at, delta, cells) =>
        (Math.min(Math.max(Math.floor(at * cells) + delta, 0), cells - 1) + 0.5) / cells;
      viewer.point = { x: step(x, dx, viewer.picture.width), y: step(y, dy, viewer.picture.height) };
      schedule(viewer, "probe");
    },
  };
}

function setOwnThreshold(viewer, panel, k) {
  if (sliderOf(viewer, panel) === k) return;
  panel.threshold = k;
  viewer.chosen.add("threshold");
  schedule(viewer, "threshold");
  settle(viewer);
}
