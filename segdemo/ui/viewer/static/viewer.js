// One viewer in the page: holds its state, takes payloads, and draws once per frame.

const SETTLE_AFTER = 180;
// The part of a screen's height that a row of pictures may take.
const SCREEN_SHARE = 0.7;
const STAGE_SHARE = 0.62;

function mountViewer(root, host) {
  const viewer = {
    root, host, strings: host.strings(), palette: host.palette(), parts: partsOf(root),
    settings: {
      threshold: 128, mode: "overlay", layout: "side", opacity: 0.6, bare: false,
      reference: 0, left: 0, right: 1, divider: 0.5, linked: true, active: null,
      plot: "histogram",
    },
    chosen: new Set(), colours: new Map(), run: "",
    image: null, picture: null, pictureUrl: null, pictureFailed: false,
    panels: [], inspected: null, agreements: [], joints: new Map(), pairsLeft: false, view: FITTED, point: null,
    size: { width: 0, height: 0 }, density: 1, dark: false, frame: null,
    grounds: new Map(), pixelsPainted: 0,
    controller: new AbortController(), scheduled: null, settleTimer: 0,
  };
  viewer.classStyles = new Map();
  viewer.sameShares = new Map();
  viewer.ramp = colourRamp(viewer.palette.heat);
  viewer.actions = actionsOf(viewer);
  viewer.template = root.cloneNode(true);
  furnish(viewer);
  listenToKeys(viewer, root);
  new ResizeObserver(() => schedule(viewer, "size")).observe(root);
  new MutationObserver(() => schedule(viewer, "size"))
    .observe(document.body, { attributes: true, attributeFilter: ["class"] });
  host.onPayload(() => takePayload(viewer, host.payload()));
  host.onLanguage(() => speakAnew(viewer));
  root.segdemo = hooksOf(viewer);
  takePayload(viewer, host.payload());
  openLink(viewer);
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

// The picture alone: it fills the fourth place when three panels stand two by two.
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

function colourOf(viewer, panel) {
  const own = viewer.colours.get(panel.entry.id);
  return own || viewer.palette.panels[viewer.panels.indexOf(panel) % viewer.palette.panels.length];
}

// Takes what Python sent: possibly the same run again, with one more panel ready.
function takePayload(viewer, payload) {
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
  Object.assign(viewer.settings, settingsAfter(viewer.settings, viewer.chosen, payload, isNewRun));
  viewer.run = payload.run;
  viewer.image = payload.image;
  viewer.told = payload.truth;
  reconcilePanels(viewer, payload.panels);
  if (isNewRun) restoreClasses(viewer, payload.state);
  if (isNewRun && payload.state) {
    restoreThresholds(viewer, payload.state);
    viewer.chosen.add("threshold");
  }
  load(viewer);
}

// Fetches what is not here yet.
function load(viewer) {
  const { signal } = viewer.controller;
  const done = () => schedule(viewer, "panels");
  loadPicture(viewer, signal, done);
  loadTruth(viewer, viewer.told, signal, done);
  for (const panel of viewer.panels) loadMap(panel, signal, done);
  for (const part of CARD_PARTS) {
    for (const panel of viewer.panels) part.load(viewer, panel, signal, done);
  }
  schedule(viewer, "panels");
}

// Back to the empty viewer; what was chosen stays.
function clear(viewer) {
  viewer.controller.abort();
  viewer.run = "";
  viewer.image = null;
  viewer.told = null;
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
  furnishPanel(viewer, panel);
  return panel;
}

// The parts that a change concerns, from the least to the most.
const PARTS = Object.freeze(["probe", "threshold", "view", "controls", "size", "panels"]);

// Asks for one drawing in the next frame, however many changes come before it.
function schedule(viewer, part) {
  if (viewer.scheduled === null) requestAnimationFrame(() => draw(viewer));
  else if (PARTS.indexOf(part) <= PARTS.indexOf(viewer.scheduled)) return;
  viewer.scheduled = part;
}

function draw(viewer) {
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
  if (concerns("threshold")) drawPictures(viewer);
  if (concerns("controls")) refreshLegends(viewer);
  refreshProbe(viewer);
  // Written last, so that whoever waits for them finds everything drawn.
  setAttribute(viewer.root, "data-run", viewer.run);
  setAttribute(viewer.root, "data-state", stateNow(viewer));
}

function statusNow(viewer, panel) {
  return statusOf(panel.entry, Boolean(panel.map), panel.loadFailed || viewer.pictureFailed);
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

// A bar that moves while a network runs; it stands still for those who want less motion.
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
  const { root, settings, stage, original, panels, image } = viewer;
  viewer.density = Math.min(window.devicePixelRatio || 1, 2);
  viewer.dark = Boolean(root.closest(".dark"));
  original.shown = Boolean(original.view.offsetParent);
  if (panels.length === 0) return;
  const area = settings.layout === "swipe" ? stage.view : panels[0].card.view;
  const width = Math.ceil(area.getBoundingClientRect().width);
  const share = settings.layout === "swipe" ? STAGE_SHARE : SCREEN_SHARE;
  const limit = share * Math.min(window.innerHeight, window.screen.availHeight || Infinity);
  const height = panelHeight(width, image, limit);
  root.style.setProperty("--sv-height", `${height}px`);
  viewer.size = {
    width: Math.round(width * viewer.density),
    height: Math.round(height * viewer.density),
  };
  viewer.view = clampView(viewer.view, image, viewer.size);
}

// Tells Python once things have come to rest, if anybody there wants to know.
function settle(viewer) {
  if (!viewer.host.mirrors()) return;
  clearTimeout(viewer.settleTimer);
  viewer.settleTimer = setTimeout(() => viewer.host.mirror(stateFor(viewer)), SETTLE_AFTER);
}

function stateFor(viewer) {
  const { run, settings: { threshold, mode, layout, opacity } } = viewer;
  const panels = viewer.panels.map((panel) => ({
    threshold: thresholdOf(viewer, panel), pick: pickOf(panel), palette: paletteOf(panel),
    hidden: hiddenOf(panel),
  }));
  return { run, threshold, mode, layout, opacity, panels };
}
