// All networks against the ground truth in one table, the best of each score in bold, sorted at a press.

import { make, setAttribute, setText } from "../../../gradio_support/static/dom.js";
import { agreementText, fill } from "../arithmetic/text.js";
import { miniBadge } from "../cards/panels.js";
import { evaluationOf, scoresNow } from "../state/evaluation.js";
import { schedule } from "../state/viewer_state.js";

// The panels that are scored, each with its numbers of now.
function scored(viewer) {
  return viewer.panels.flatMap((panel, index) => {
    const evaluation = evaluationOf(viewer, panel);
    return evaluation ? [{ panel, index, numbers: scoresNow(viewer, panel, evaluation) }] : [];
  });
}

export function refreshScoreTable(viewer) {
  const { parts, strings } = viewer;
  const rows = viewer.truth ? scored(viewer) : [];
  parts.table.hidden = rows.length < 2;
  if (parts.table.hidden) return;
  setText(parts.tableTitle, strings.score_table);
  parts.table.ontoggle = () => schedule(viewer, "threshold");
  // What nobody sees costs nothing while a threshold moves.
  if (!parts.table.open) return;
  const known = new Set(rows.flatMap(({ numbers }) => Object.keys(numbers)));
  const names = [...new Set([...viewer.scores.mask, ...viewer.scores.classes])].filter((name) => known.has(name));
  const signature = JSON.stringify([names, rows.map(({ panel, index }) => [index, panel.entry.label])]);
  const unknown = rows.some(({ panel }) => !viewer.scoreRows?.has(panel));
  if (unknown || parts.tableBody.dataset.signature !== signature) build(viewer, rows, names, signature);
  step(viewer, rows, names);
}

function build(viewer, rows, names, signature) {
  const { parts, strings } = viewer;
  parts.tableBody.dataset.signature = signature;
  const heads = names.map((name) => {
    const head = make("th");
    head.scope = "col";
    const button = make("button", "sv-sort", strings[`score_${name}`]);
    button.type = "button";
    button.title = fill(strings.score_table_sort, { score: strings[`score_${name}`] });
    button.addEventListener("click", () => sortBy(viewer, name));
    head.append(button);
    return head;
  });
  const first = make("th", "", strings.score_table_network);
  first.scope = "col";
  const line = make("tr");
  line.append(first, ...heads);
  parts.tableHead.replaceChildren(line);
  viewer.scoreRows = new Map(rows.map(({ panel, index }) => {
    const row = make("tr");
    const name = make("th", "sv-row-name");
    name.scope = "row";
    name.append(miniBadge(viewer, index), make("span", "", panel.entry.label));
    const cells = new Map(names.map((score) => [score, make("td")]));
    row.append(name, ...cells.values());
    return [panel, { row, cells }];
  }));
  parts.tableBody.replaceChildren(...[...viewer.scoreRows.values()].map(({ row }) => row));
}

// The values of now; the best is bold wherever it is reached, as rounded figures are read.
function step(viewer, rows, names) {
  for (const name of names) {
    const texts = rows.map(({ numbers }) => (name in numbers ? agreementText(numbers[name]) : ""));
    const values = rows.map(({ numbers }) => numbers[name]).filter((value) => value >= 0);
    const best = values.length ? agreementText(Math.max(...values)) : null;
    rows.forEach(({ panel }, at) => {
      const cell = viewer.scoreRows.get(panel).cells.get(name);
      setText(cell, texts[at]);
      setAttribute(cell, "data-best", String(texts[at] === best));
    });
  }
}

// Rows keep their order while a threshold moves: they would jump under the eye.
function sortBy(viewer, name) {
  const { parts } = viewer;
  const value = ({ numbers }) => (numbers[name] >= 0 ? numbers[name] : -1);
  const order = scored(viewer).sort((one, other) => value(other) - value(one));
  parts.tableBody.replaceChildren(...order.map(({ panel }) => viewer.scoreRows.get(panel).row));
  for (const head of parts.tableHead.querySelectorAll("th")) head.removeAttribute("aria-sort");
  const names = [...viewer.scoreRows.values()][0].cells;
  const column = [...names.keys()].indexOf(name) + 1;
  parts.tableHead.querySelectorAll("th")[column].setAttribute("aria-sort", "descending");
}
