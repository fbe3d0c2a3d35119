// Explains a mask: a warning on the card with what can be done about it, and a drawer with the rest.

import { icon, make, setAttribute, setText } from "../../../gradio_support/static/dom.js";
import { parseColour, textColourOn } from "../arithmetic/colours.js";
import { fill, letterOf, probabilityText } from "../arithmetic/text.js";
import { thresholdOf } from "../arithmetic/thresholds.js";
import { warningsOf } from "../arithmetic/warnings.js";
import { pickOf } from "../state/class_choice.js";
import { colourOf, schedule, statusNow } from "../state/viewer_state.js";
import {
  buildDrawer, figuresOf, fillFigures, fillReading, stepFigures, textButton,
} from "./drawer.js";
import { fillTrials, loadTrials, stepTrials } from "./trials.js";

export const EXPLAIN_PART = Object.freeze({
  build(viewer, panel) {
    const say = (event, values) => askPython(viewer, panel, event, values);
    const alert = make("div", "sv-alert");
    alert.setAttribute("role", "status");
    // Beside the picture and never on it.
    panel.card.below.prepend(alert);
    panel.explain = {
      alert, warning: "", pending: "", fields: [], thumbnails: [], trials: new Map(), say,
      drawer: buildDrawer(viewer, panel, say),
    };
    panel.card.info.hidden = true;
    panel.card.info.setAttribute("aria-expanded", "false");
    panel.card.info.setAttribute("aria-label", viewer.strings.explain);
    panel.card.info.title = viewer.strings.explain;
    panel.card.info.addEventListener("click", () =>
      viewer.actions.inspect(viewer.inspected === panel ? null : panel));
    for (const name of ["pointerdown", "focusin"]) {
      panel.card.card.addEventListener(name, () => viewer.actions.setActive(panel));
    }
  },

  load(viewer, panel, signal, done) {
    panel.explain.pending = "";
    loadTrials(panel, signal, done);
    if (viewer.inspected && !viewer.panels.includes(viewer.inspected)) inspect(viewer, null);
  },

  refresh(viewer, panel) {
    const { entry, card, explain } = panel;
    const { drawer } = explain;
    const runs = ["waiting", "running"].includes(statusNow(viewer, panel));
    setAttribute(drawer.root, "aria-busy", String(runs));
    const index = viewer.panels.indexOf(panel);
    setText(drawer.badge, letterOf(index));
    drawer.badge.style.backgroundColor = colourOf(viewer, panel);
    drawer.badge.style.color = textColourOn(parseColour(colourOf(viewer, panel)));
    setText(drawer.name, entry.label);
    drawer.root.setAttribute("aria-label", `${viewer.strings.explain}: ${entry.label}`);
    setText(drawer.attempt, explain.pending === "trials" ? viewer.strings.trying : viewer.strings.try);
    // The notes of a network come with its result: until then the last ones stay.
    if (!runs) {
      fillReading(viewer, panel, explain.say);
      fillTrials(viewer, panel, explain.say);
      const notes = entry.notes || [];
      drawer.notes.replaceChildren(...notes.map((note) => make("li", "", note)));
      card.info.hidden = notes.length + (entry.assumed || []).length === 0 && !panel.map;
      if (card.info.hidden && viewer.inspected === panel) inspect(viewer, null);
    }
    fillFigures(viewer, panel);
  },

  step(viewer, panel) {
    stepWarning(viewer, panel);
    if (viewer.inspected !== panel) return;
    fillFigures(viewer, panel);
    stepFigures(viewer, panel);
    if (!["waiting", "running"].includes(statusNow(viewer, panel))) stepTrials(viewer, panel);
  },
});

// The four events that Python handles; its answer is a payload.
function askPython(viewer, panel, event, values) {
  const send = {
    reassume: () => viewer.host.send("reassume", { panel: panel.entry.id, ...values }),
    reset: () => viewer.host.send("reset", { panel: panel.entry.id }),
    trials: () => viewer.host.send("trials", { panel: panel.entry.id }),
    choose: () => viewer.host.send("choose", { panel: panel.entry.id, ...values }),
  };
  send[event]();
  panel.explain.pending = event;
  schedule(viewer, "panels");
}

// Opens one panel's drawer, or closes the one that is open.
export function inspect(viewer, panel) {
  const before = viewer.inspected || null;
  viewer.inspected = panel;
  for (const { card, explain } of viewer.panels) {
    card.info.setAttribute("aria-expanded", String(panel !== null && panel.explain === explain));
  }
  viewer.parts.drawer.replaceChildren(...(panel ? [panel.explain.drawer.root] : []));
  if (panel) {
    stepFigures(viewer, panel);
    panel.explain.drawer.root.focus({ preventScroll: true });
    panel.explain.drawer.root.scrollIntoView({ block: "nearest" });
  } else if (before && viewer.panels.includes(before)) {
    before.card.info.focus({ preventScroll: true });
  }
  schedule(viewer, "panels");
}

// --- The warning -----------------------------------------------------------------------------

function stepWarning(viewer, panel) {
  const { alert } = panel.explain;
  const warning = warningOf(viewer, panel);
  const signature = warning ? JSON.stringify(warning) : "";
  if (panel.explain.warning === signature) return;
  panel.explain.warning = signature;
  if (!warning) {
    alert.replaceChildren();
    return;
  }
  const { strings } = viewer;
  const box = make("div", "sv-warning");
  const value = probabilityText(warning.value);
  const line = make("p");
  line.append(icon("warning"), fill(strings[`warn_${warning.key}`], { value }));
  const ways = make("span", "sv-ways");
  ways.append(...warning.actions.map((action) => textButton(
    "sv-way", strings[`do_${action.key || action.do}`], "", () => takeWay(viewer, panel, action))));
  box.append(line, ways);
  alert.replaceChildren(box);
}

// The most serious warning about the foreground, with the actions that are possible.
function warningOf(viewer, panel) {
  const { entry, map } = panel;
  if (!map || entry.status !== "ready" || pickOf(panel) !== "foreground") return null;
  const [worst] = warningsOf(figuresOf(panel), entry.activation, map.tail, thresholdOf(viewer, panel));
  if (!worst) return null;
  const open = { threshold: true, plain: Boolean(activationOf(entry)), try: (entry.assumed || []).length > 0 };
  return { ...worst, actions: worst.actions.filter((action) => open[action.do]) };
}

// The assumption that can be changed to use the network's output as it is.
function activationOf({ assumed = [] }) {
  return assumed.find(({ name, options }) =>
    name === "postprocessing.activation" && options.some(([value]) => value === "none"));
}

function takeWay(viewer, panel, action) {
  const ways = {
    threshold: () => viewer.actions.setThreshold(action.k, panel),
    plain: () => panel.explain.say("reassume", { name: activationOf(panel.entry).name, raw: "none" }),
    try: () => {
      if (viewer.inspected !== panel) inspect(viewer, panel);
      panel.explain.say("trials", {});
    },
  };
  ways[action.do]();
}
