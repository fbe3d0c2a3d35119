// Draws one frame: only what the changes since the last one concern.

import { tellComparison } from "../../gradio_support/static/comparison_told.js";
import { setAttribute, setText, sweep } from "../../gradio_support/static/dom.js";
import { stateOf } from "./arithmetic/payload.js";
import { fill } from "./arithmetic/text.js";
import { clampView, isLargerSquare, panelHeight, rowLimit } from "./arithmetic/view.js";
import { CARD_PARTS } from "./cards/card_parts.js";
import { fillCard, fillFailure, paintBadge } from "./cards/panels.js";
import { refreshLegends, refreshProbe } from "./cards/readout.js";
import { drawPictures } from "./drawing/drawing.js";
import { modeOf } from "./modes/modes.js";
import { awaitsTruth } from "./state/evaluation.js";
import { isPresented } from "./state/present.js";
import { PARTS, colourOf, statusNow } from "./state/viewer_state.js";
import { refreshAgreements } from "./toolbar/agreements.js";
import { refreshControls, refreshThreshold } from "./toolbar/controls.js";
import { drawPlot } from "./toolbar/plot.js";
import { refreshScoreTable } from "./toolbar/score_table.js";
import { keepAddress } from "./toolbar/share.js";
import { refreshTruth } from "./toolbar/truth.js";

// The part of a screen's height that a row of pictures may take.
const SCREEN_SHARE = 0.7;
const STAGE_SHARE = 0.62;
// With the large names and scores around it.
const PRESENTED_SHARE = 0.55;

export function drawFrame(viewer) {
  const asked = PARTS.indexOf(viewer.scheduled);
  const concerns = (part) => asked >= PARTS.indexOf(part);
  viewer.scheduled = null;
  if (concerns("panels")) refreshPanels(viewer);
  if (concerns("size")) {
    refreshTruth(viewer);
    showState(viewer);
    measure(viewer);
    drawPlot(viewer);
  }
  if (concerns("view")) refreshControls(viewer);
  else if (concerns("threshold")) refreshThreshold(viewer);
  if (concerns("threshold")) drawPictures(viewer, modeOf(viewer));
  if (concerns("controls")) refreshLegends(viewer);
  if (concerns("threshold")) refreshScoreTable(viewer);
  refreshProbe(viewer);
  // Written last: who waits for them finds everything drawn.
  setAttribute(viewer.root, "data-run", viewer.run);
  setAttribute(viewer.root, "data-state", stateNow(viewer));
  keepAddress(viewer);
  tellComparison({
    run: viewer.run, state: stateNow(viewer), stored: viewer.stored,
    statuses: viewer.panels.map((panel) => statusNow(viewer, panel)),
    names: viewer.panels.map(({ entry }) => entry.label),
  });
}

function stateNow(viewer) {
  const state = stateOf(viewer.panels.map((panel) => statusNow(viewer, panel)));
  const awaits = !viewer.picture || awaitsTruth(viewer) || viewer.pairsLeft;
  return state === "ready" && awaits ? "loading" : state;
}

function refreshPanels(viewer) {
  const { strings } = viewer;
  viewer.panels.forEach((panel, index) => {
    const { card, entry } = panel;
    const status = statusNow(viewer, panel);
    fillCard(card, entry, index, status, strings);
    paintBadge(card, colourOf(viewer, panel));
    const unfetched = entry.status === "ready";
    if (unfetched) fillFailure(card, strings.load_failed_title, strings.load_failed, true);
    else fillFailure(card, entry.title, entry.message, false);
    runAnimation(card, status === "running");
    for (const part of CARD_PARTS) part.refresh(viewer, panel);
  });
  const serials = new Set(viewer.panels.filter(({ map }) => map).map(({ map }) => map.serial));
  for (const key of viewer.joints.keys()) {
    if (!key.split(" ").every((serial) => serials.has(Number(serial)))) viewer.joints.delete(key);
  }
  refreshAgreements(viewer);
}

// Moves a bar while a network runs, unless the visitor prefers reduced motion.
function runAnimation(card, runs) {
  const wanted = runs && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!wanted && card.animation) {
    card.animation.cancel();
    card.animation = null;
  } else if (wanted && !card.animation) {
    card.animation = sweep(card.wait.querySelector(".sv-runner"));
  }
}

function showState(viewer) {
  const { root, parts, settings, strings } = viewer;
  const state = stateNow(viewer);
  parts.empty.hidden = state !== "empty";
  setAttribute(root, "data-layout", settings.layout);
  if (state === viewer.announced) return;
  viewer.announced = state;
  const failures = viewer.panels.filter((panel) => statusNow(viewer, panel) === "failed");
  const texts = { loading: strings.announce_running, ready: strings.announce_ready };
  const failed = failures.map(({ entry }) => fill(strings.announce_failed, { name: entry.label }));
  setText(parts.live, [texts[state] || "", ...(state === "loading" ? [] : failed)].join(" ").trim());
}

// The size of the picture areas, which all panels of a layout share.
function measure(viewer) {
  const { root, parts, settings, stage, original, panels, image } = viewer;
  viewer.density = Math.min(window.devicePixelRatio || 1, 2);
  viewer.dark = Boolean(root.closest(".dark"));
  original.shown = Boolean(original.view.offsetParent);
  if (panels.length === 0) return;
  const screen = Math.min(window.innerHeight, window.screen.availHeight || Infinity);
  const square = panels.length === 4 && settings.layout === "side"
    && isLargerSquare(parts.panels.clientWidth, image, SCREEN_SHARE * screen);
  setAttribute(root, "data-square", String(square));
  const area = settings.layout === "swipe" ? stage.view : panels[0].card.view;
  const width = Math.ceil(area.getBoundingClientRect().width);
  const usual = settings.layout === "swipe" ? STAGE_SHARE : SCREEN_SHARE;
  const share = isPresented(viewer) ? PRESENTED_SHARE : usual;
  const height = panelHeight(width, image, square ? rowLimit(share * screen) : share * screen);
  root.style.setProperty("--sv-height", `${height}px`);
  viewer.size = {
    width: Math.round(width * viewer.density),
    height: Math.round(height * viewer.density),
  };
  viewer.view = clampView(viewer.view, image, viewer.size);
}
