// Takes the payloads that Python sends, and updates the panels.

import { partsOf, setAttribute } from "../../gradio_support/static/dom.js";
import { isPayload, pairAfter, settingsAfter } from "./arithmetic/payload.js";
import { restoreThresholds } from "./arithmetic/thresholds.js";
import { FITTED } from "./arithmetic/view.js";
import { buildPanel, buildViewer } from "./building.js";
import { load } from "./load.js";
import { dropPicture } from "./loading/picture.js";
import { loadTruth } from "./loading/truth_mask.js";
import { MODE_NAMES } from "./modes/modes.js";
import { restoreClasses } from "./state/class_choice.js";
import { schedule } from "./state/viewer_state.js";

// Takes what Python sent: possibly the same run again, with one more panel ready.
export function takePayload(viewer, payload) {
  if (!isPayload(payload)) {
    clear(viewer);
    return;
  }
  const isNewRun = payload.run !== viewer.run;
  if (isNewRun) {
    viewer.controller.abort();
    viewer.controller = new AbortController();
    viewer.view = FITTED;
    viewer.point = null;
  }
  Object.assign(viewer.settings,
    settingsAfter(viewer.settings, viewer.chosen, payload, isNewRun, MODE_NAMES));
  viewer.run = payload.run;
  viewer.image = payload.image;
  viewer.told = payload.truth;
  viewer.stored = Boolean(payload.stored);
  reconcilePanels(viewer, payload.panels);
  if (isNewRun) restoreClasses(viewer, payload.state);
  if (isNewRun && payload.state) {
    restoreThresholds(viewer, payload.state);
    viewer.chosen.add("threshold");
  }
  load(viewer);
}

// Empties the viewer; what was chosen stays.
function clear(viewer) {
  viewer.controller.abort();
  viewer.run = "";
  viewer.image = null;
  viewer.told = null;
  viewer.stored = false;
  loadTruth(viewer, null);
  dropPicture(viewer);
  reconcilePanels(viewer, []);
  schedule(viewer, "panels");
}

// Keeps the panels that are still there, in the payload's order.
function reconcilePanels(viewer, entries) {
  const known = new Map(viewer.panels.map((panel) => [panel.entry.id, panel]));
  viewer.panels = entries.map((entry) => {
    const panel = known.get(entry.id) || newPanel(viewer);
    panel.entry = entry;
    return panel;
  });
  const { settings, panels, parts, original } = viewer;
  const cards = [...panels.map((panel) => panel.card.card), original.card];
  if (cards.some((card, index) => parts.panels.children[index] !== card)
    || parts.panels.children.length !== cards.length) parts.panels.replaceChildren(...cards);
  setAttribute(viewer.root, "data-count", String(panels.length));
  [settings.left, settings.right] = pairAfter(settings.left, settings.right, panels.length);
  if (settings.reference !== "truth") {
    settings.reference = Math.min(settings.reference, Math.max(panels.length - 1, 0));
  }
}

function newPanel(viewer) {
  const panel = { map: null, url: null, loadFailed: false, image: null, pixels: null, painted: null };
  buildPanel(viewer, panel);
  return panel;
}

// Builds all elements again in another language; what is loaded and chosen stays.
export function rebuild(viewer) {
  const { root, panels, inspected } = viewer;
  viewer.strings = viewer.host.strings();
  root.replaceChildren(...viewer.template.cloneNode(true).childNodes);
  viewer.parts = partsOf(root);
  viewer.inspected = null;
  viewer.announced = null;
  buildViewer(viewer);
  for (const panel of panels) buildPanel(viewer, panel);
  reconcilePanels(viewer, panels.map(({ entry }) => entry));
  load(viewer);
  const focused = document.activeElement;
  if (inspected) viewer.actions.inspect(inspected);
  // Opening a drawer moves the focus, which has to stay where the language was chosen.
  if (focused) focused.focus({ preventScroll: true });
}
