// The toolbar's part for the ground truth: which curve is plotted, the best threshold and the notices.

import {
  buildChoice, icon, make, markChoice, setAttribute, setText,
} from "../../../gradio_support/static/dom.js";
import { bestOf } from "../arithmetic/counts.js";
import { scoresAlong } from "../state/evaluation.js";
import { schedule } from "../state/viewer_state.js";

// Sets the threshold with the best Dice: one for all by the mean, or one for each.
function chooseBest(viewer) {
  const { settings, actions } = viewer;
  const rows = viewer.panels.map((panel) => scoresAlong(viewer, panel, "dice"));
  if (settings.linked) {
    const best = bestOf(rows.filter(Boolean));
    if (best !== null) actions.setThreshold(best);
    return;
  }
  viewer.panels.forEach((panel, index) => {
    const best = rows[index] && bestOf([rows[index]]);
    if (best) actions.setThreshold(best, panel);
  });
}

export function buildTruth(viewer) {
  const { parts, strings } = viewer;
  const plots = ["histogram", "iou"].map((value) => ({
    value, label: strings[`plot_${value}`], hint: strings[`plot_${value}_hint`],
  }));
  buildChoice(parts.plots, strings.plots, plots, (value) => {
    viewer.settings.plot = value;
    schedule(viewer, "size");
  });
  setText(parts.best, strings.best);
  parts.best.title = strings.best_hint;
  parts.best.setAttribute("aria-label", strings.best_hint);
  parts.best.addEventListener("click", () => chooseBest(viewer));
}

export function refreshTruth(viewer) {
  const { parts, settings, truth, truthEntry, strings } = viewer;
  const rows = viewer.panels.map((panel) => scoresAlong(viewer, panel, "dice")).filter(Boolean);
  if (rows.length === 0) settings.plot = "histogram";
  parts.plots.hidden = rows.length === 0;
  parts.best.hidden = !truth;
  parts.best.disabled = bestOf(rows) === null;
  markChoice(parts.plots, settings.plot);
  setAttribute(viewer.root, "data-plot", settings.plot);
  const { problem, notices, hints } = truthEntry || { problem: "", notices: [] };
  const said = problem ? [problem] : truth ? notices : [];
  const doubts = truth && hints ? hints : [];
  parts.said.hidden = said.length + doubts.length === 0;
  const signature = JSON.stringify([said, doubts]);
  if (parts.said.dataset.signature === signature) return;
  parts.said.dataset.signature = signature;
  setAttribute(parts.said, "data-problem", String(Boolean(problem)));
  parts.said.replaceChildren(...(said.length === 0 ? [] : [
    ...(problem ? [icon("warning")] : []),
    make("span", "", `${strings.truth}: ${said.join(" ")}`),
  ]), ...doubts.flatMap((hint) => hintParts(viewer, hint)));
}

// A doubt beside what the networks found, and the button that has the mask read otherwise.
function hintParts(viewer, { sentence, reading, label }) {
  const said = make("span", "sv-doubt", sentence);
  if (!reading) return [said];
  const button = make("button", "sv-mend", label);
  button.type = "button";
  button.addEventListener("click", () => viewer.host.send("read_truth", { name: reading }));
  return [said, button];
}
