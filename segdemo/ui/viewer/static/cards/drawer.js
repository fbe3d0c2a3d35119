// A panel's drawer: statistics of its map, and the assumptions by which its network is run.

import { labelButton, make, setAttribute, setText } from "../../../gradio_support/static/dom.js";
import { fill, probabilityText, thresholdText } from "../arithmetic/text.js";
import { countsOf, extremesOf, thresholdOf } from "../arithmetic/thresholds.js";
import { pickOf, showsClasses } from "../state/class_choice.js";
import { lineColourOf } from "../state/viewer_state.js";

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, className) {
  const node = document.createElementNS(SVG, tag);
  if (className) node.setAttribute("class", className);
  return node;
}

// `say(event, values)` sends an event to Python; the drawer is empty until it is filled.
export function buildDrawer(viewer, panel, say) {
  const { strings } = viewer;
  const root = make("section", "sv-explain");
  root.tabIndex = -1;
  const badge = make("i", "sv-mini");
  const name = make("span", "sv-name");
  const attempt = textButton("sv-helper", strings.try, strings.try_hint, () => say("trials", {}));
  const reset = textButton("sv-helper", strings.reset, strings.reset_hint, () => say("reset", {}));
  const close = make("button", "sv-tool");
  close.type = "button";
  labelButton(close, "cross", strings.close);
  close.addEventListener("click", () => viewer.actions.inspect(null));
  const head = make("header", "sv-explain-head");
  head.append(badge, name, attempt, reset, close);

  const figures = buildFigures(viewer, panel);
  const reading = make("div", "sv-explain-reading");
  const rows = make("div", "sv-rows");
  reading.append(make("h2", "sv-label", strings.reading), rows);
  const notes = make("ul", "sv-notes");
  const trials = make("div", "sv-explain-trials");
  const strip = make("div", "sv-trials");
  trials.append(make("h2", "sv-label", strings.trials), strip);
  const body = make("div", "sv-explain-body");
  body.append(figures.root, reading);
  root.append(head, trials, body, notes);
  for (const part of [figures.root, reading, trials]) part.hidden = true;
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    viewer.actions.inspect(null);
  });
  return { root, badge, name, attempt, reset, reading, rows, notes, trials, strip, figures };
}

export function textButton(className, label, hint, onClick) {
  const button = make("button", className, label);
  button.type = "button";
  if (hint) button.title = hint;
  button.addEventListener("click", onClick);
  return button;
}

// --- Figures ---------------------------------------------------------------------------------

function buildFigures(viewer, panel) {
  const { strings } = viewer;
  const root = make("div", "sv-explain-figures");
  const list = make("dl", "sv-facts");
  const values = ["smallest", "mean", "largest"].map((name) => {
    const value = make("dd", "sv-number");
    const pair = make("div");
    pair.append(make("dt", "sv-label", strings[name]), value);
    list.append(pair);
    return value;
  });
  const plot = make("div", "sv-explain-plot");
  const curve = svg("svg");
  curve.setAttribute("viewBox", "0 0 256 100");
  curve.setAttribute("preserveAspectRatio", "none");
  curve.setAttribute("aria-hidden", "true");
  const trace = svg("path");
  curve.append(trace);
  const span = make("div", "sv-explain-span");
  const line = make("div", "sv-explain-line");
  plot.append(curve, span, line);
  const scale = make("div", "sv-explain-scale");
  const cut = make("output");
  scale.append(make("span", "", "0"), cut, make("span", "", "1"));
  const stretch = make("label", "sv-explain-stretch");
  const box = make("input");
  box.type = "checkbox";
  box.addEventListener("change", () => viewer.actions.setStretched(panel, box.checked));
  stretch.title = strings.stretch_hint;
  stretch.append(box, make("span", "", strings.stretch));
  const hint = make("p", "sv-label", strings.stretch_hint);
  root.append(make("h2", "sv-label", strings.figures), list, plot, scale, stretch, hint);
  return { root, values, trace, span, line, cut, box, hint };
}

export function fillFigures(viewer, panel) {
  const { figures } = panel.explain.drawer;
  figures.root.hidden = !panel.map;
  if (!panel.map) return;
  const { minimum, mean, maximum } = figuresOf(panel);
  [minimum, mean, maximum].forEach((p, at) => setText(figures.values[at], probabilityText(p)));
  const steps = Array.from(panel.map.curve, (height, q) =>
    `L${q} ${(100 - 92 * height).toFixed(2)}H${q + 1}`);
  setAttribute(figures.trace, "d", `M0 100${steps.join("")}V100`);
  const ink = lineColourOf(viewer, panel);
  figures.root.style.setProperty("--sv-own", `rgb(${ink.r} ${ink.g} ${ink.b})`);
  const { low, high } = extremesOf(panel.map.tail);
  figures.span.hidden = !panel.stretched || low === high;
  figures.span.style.insetInline = `${(low / 256) * 100}% ${((255 - high) / 256) * 100}%`;
  figures.box.checked = Boolean(panel.stretched);
  figures.hint.hidden = !panel.stretched;
}

// Runs at every step of the threshold.
export function stepFigures(viewer, panel) {
  const { line, cut } = panel.explain.drawer.figures;
  if (!panel.map) return;
  const k = thresholdOf(viewer, panel);
  line.style.left = `${(k / 256) * 100}%`;
  line.hidden = showsClasses(panel);
  setText(cut, showsClasses(panel) ? "" : fill(viewer.strings.cut, { value: thresholdText(k) }));
}

// Statistics of the probabilities shown: Python's exact ones, or those of the quantised map.
export function figuresOf(panel) {
  const known = ["all", "foreground"].includes(String(pickOf(panel)));
  if (known && panel.entry.figures) return panel.entry.figures;
  panel.map.figures = panel.map.figures || mapFigures(panel.map);
  return panel.map.figures;
}

function mapFigures({ tail }) {
  const { low, high } = extremesOf(tail);
  const sum = countsOf(tail).reduce((total, count, q) => total + count * (q + 0.5), 0);
  return { minimum: low / 256, mean: sum / tail[0] / 256, maximum: (high + 1) / 256 };
}

// --- How the picture was read ----------------------------------------------------------------

// Rebuilds the rows only where the assumptions to choose are others than before, so that a field that is
// being edited keeps the focus.
export function fillReading(viewer, panel, say) {
  const { drawer } = panel.explain;
  const assumed = panel.entry.assumed || [];
  drawer.reading.hidden = assumed.length === 0;
  drawer.reset.disabled = !assumed.some(({ changed }) => changed);
  drawer.attempt.hidden = assumed.length === 0;
  drawer.reset.hidden = assumed.length === 0;
  const shape = JSON.stringify(assumed.map(({ name, control, label, options }) => [name, control, label, options]));
  if (drawer.rows.dataset.shape !== shape) {
    drawer.rows.dataset.shape = shape;
    panel.explain.fields = assumed.map((assumption) => buildRow(assumption, say));
    drawer.rows.replaceChildren(...panel.explain.fields.map(({ row }) => row));
  }
  assumed.forEach((assumption, at) => fillRow(panel.explain.fields[at], assumption));
}

function buildRow(assumption, say) {
  const row = make("label", "sv-row");
  const field = buildField(assumption);
  field.className = "sv-field";
  const origin = make("span", "sv-origin");
  row.append(make("span", "sv-row-label", assumption.label), field, origin);
  field.addEventListener("change", () => say("reassume", { name: assumption.name, raw: field.value }));
  return { row, field, origin, raw: null };
}

function buildField({ control, options }) {
  if (control === "choice") {
    const select = make("select");
    select.append(...options.map(([value, label]) => {
      const option = make("option", "", label);
      option.value = value;
      return option;
    }));
    return select;
  }
  const input = make("input");
  input.type = "text";
  input.autocomplete = "off";
  input.spellcheck = false;
  if (control === "number") input.inputMode = "decimal";
  return input;
}

function fillRow(item, { raw, value, origin, changed }) {
  // A field that is being edited keeps its text until Python sends another value.
  if (item.raw !== raw || document.activeElement !== item.field) item.field.value = raw;
  item.raw = raw;
  item.field.title = value;
  setText(item.origin, origin);
  item.origin.title = origin;
  setAttribute(item.row, "data-changed", String(changed));
}
