// Builds the viewer's elements: once, and again in another language around what it already holds.

import { make } from "../../gradio_support/static/dom.js";
import { CARD_PARTS } from "./cards/card_parts.js";
import { buildArea, buildCard } from "./cards/panels.js";
import { listenToDivider, listenToPointers } from "./gestures.js";
import { load } from "./load.js";
import { buildControls } from "./toolbar/controls.js";

export function buildViewer(viewer) {
  viewer.stage = buildStage(viewer);
  viewer.original = buildOriginal(viewer);
  buildControls(viewer);
  for (const surface of [viewer.parts.panels, viewer.parts.stage]) listenToPointers(viewer, surface);
}

export function buildPanel(viewer, panel) {
  panel.card = buildCard(viewer.strings, (hex) => viewer.actions.setColour(panel, hex));
  for (const part of CARD_PARTS) part.build(viewer, panel);
  panel.card.retry.addEventListener("click", () => {
    if (panel.loadFailed) panel.url = null;
    panel.loadFailed = false;
    viewer.pictureFailed = false;
    load(viewer);
  });
}

function buildStage(viewer) {
  const { parts, strings } = viewer;
  const stage = buildArea(strings);
  const divider = make("div", "sv-divider");
  divider.setAttribute("role", "slider");
  divider.setAttribute("aria-label", strings.divider);
  divider.setAttribute("aria-valuemin", "0");
  divider.setAttribute("aria-valuemax", "100");
  divider.tabIndex = 0;
  const names = [make("span", "sv-side sv-side-left"), make("span", "sv-side sv-side-right")];
  stage.view.append(divider, ...names);
  parts.stage.append(stage.view);
  listenToDivider(viewer, divider, stage.view);
  return { ...stage, divider, names };
}

// The image alone: it fills the fourth place when three panels stand two by two.
function buildOriginal({ strings }) {
  const card = make("article", "sv-panel sv-original");
  const head = make("header", "sv-head");
  const title = make("div", "sv-title");
  title.append(make("div", "sv-name", strings.original));
  head.append(title);
  const area = buildArea(strings);
  const upper = make("div", "sv-upper");
  upper.append(head, area.view);
  card.append(upper);
  return { card, ...area };
}
