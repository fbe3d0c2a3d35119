// The part of a card with the mask's scores against the ground truth.

import { make, setAttribute, setText } from "../../../gradio_support/static/dom.js";
import { bestOf } from "../arithmetic/counts.js";
import { agreementText, fill, thresholdText } from "../arithmetic/text.js";
import { sliderOf } from "../arithmetic/thresholds.js";
import { evaluationOf, scoresAlong, scoresNow } from "../state/evaluation.js";

// A score in [0, 1], or a dash where it is not defined; never "1.000" unless it is exactly that.
function scoreText(value) {
  return agreementText(value);
}

function buildScores(viewer, panel) {
  const section = make("section", "sv-scores");
  section.hidden = true;
  section.setAttribute("aria-label", viewer.strings.truth);
  const list = make("dl", "sv-score-list");
  const best = make("button", "sv-helper sv-best");
  best.type = "button";
  best.addEventListener("click", () => {
    if (panel.scores.best) viewer.actions.setThreshold(panel.scores.best, panel);
  });
  section.append(list, best);
  panel.card.below.prepend(section);
  panel.scores = { section, list, button: best, best: null, names: "", values: new Map() };
}

function refreshScores(viewer, panel) {
  const { scores, card } = panel;
  const evaluation = evaluationOf(viewer, panel);
  scores.section.hidden = !evaluation;
  const byClass = Boolean(evaluation && evaluation.classes);
  for (const { score, number } of card.classes.items) {
    setText(score, byClass ? scoreText(evaluation.classes.ious[number]) : "");
    score.title = byClass ? viewer.strings.score_iou : "";
  }
  if (!evaluation) return;
  fillScores(viewer, panel, byClass ? viewer.scores.classes : viewer.scores.mask);
  const row = scoresAlong(viewer, panel, "dice");
  scores.best = row && bestOf([row]);
  scores.button.hidden = !scores.best;
  if (!scores.best) return;
  const facts = { score: scoreText(row[scores.best]), value: thresholdText(scores.best) };
  setText(scores.button, fill(viewer.strings.best_own, facts));
  scores.button.title = viewer.strings.best_own_hint;
}

// Builds the list of scores, which depends on the ground truth alone; their values change with every step.
function fillScores({ strings }, { scores }, names) {
  if (scores.names === names.join()) return;
  scores.names = names.join();
  scores.values = new Map();
  scores.list.replaceChildren(...names.map((name) => {
    const item = make("div", "sv-score");
    const value = make("dd", "sv-score-value");
    item.title = strings[`score_${name}_hint`];
    item.append(make("dt", "sv-label", strings[`score_${name}`]), value);
    scores.values.set(name, value);
    return item;
  }));
}

function stepScores(viewer, panel) {
  const evaluation = evaluationOf(viewer, panel);
  if (!evaluation) return;
  const numbers = scoresNow(viewer, panel, evaluation);
  for (const [name, node] of panel.scores.values) setText(node, scoreText(numbers[name]));
  const { best, button } = panel.scores;
  if (best) setAttribute(button, "data-reached", String(sliderOf(viewer, panel) === best));
}

export const SCORE_PART = Object.freeze({
  build: buildScores,
  load() {},
  refresh: refreshScores,
  step: stepScores,
});
