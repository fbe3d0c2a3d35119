// The downloads in progress: a row each, with its progress and its actions.

import { make, partsOf, setAttribute, setText } from "../../gradio_support/static/dom.js";
import { fill } from "../../viewer/static/arithmetic/text.js";

const ACTIONS = Object.freeze({ running: ["cancel"], stopped: ["begin", "dismiss"], failed: ["begin", "dismiss"] });

export function mountTransfers(root, host) {
  const list = { root, host, strings: host.strings(), parts: partsOf(root), rows: new Map(), told: new Set(), serial: -1 };
  host.onPayload(() => takeRows(list, host.payload()));
  host.onLanguage(() => {
    list.strings = host.strings();
    for (const row of list.rows.values()) fillActions(list, row);
  });
}

// Answers of different requests may overtake each other: the latest state counts.
function takeRows(list, payload) {
  if (!payload || payload.schema !== "segdemo.transfers/1" || payload.serial <= list.serial) return;
  list.serial = payload.serial;
  const before = list.rows;
  const { host, parts } = list;
  const over = payload.rows.filter(({ state }) => state === "arrived" || state === "failed");
  const shown = payload.rows.filter(({ state }) => state !== "arrived");
  list.rows = new Map(shown.map((row) => [row.id, before.get(row.id) || buildRow(list, row)]));
  for (const row of shown) fillRow(list, list.rows.get(row.id), row);
  const nodes = [...list.rows.values()].map(({ node }) => node);
  if (nodes.length !== parts.rows.children.length || nodes.some((node, at) => node !== parts.rows.children[at])) {
    parts.rows.replaceChildren(...nodes);
  }
  setAttribute(list.root, "data-count", String(nodes.length));
  const news = over.filter(({ id }) => !list.told.has(id));
  list.told = new Set(over.map(({ id }) => id));
  if (news.length) {
    setText(parts.live, news.map(({ title, text }) => `${title}: ${text}`).join(" "));
    host.send("settled", {});
  }
  // Gradio would run an event again that is triggered while it runs.
  if (!payload.followed && shown.some(({ state }) => state === "running")) host.send("follow", {});
}

function buildRow(list, { id, title }) {
  const node = make("li", "tr-row");
  const bar = make("div", "tr-bar");
  const share = make("div", "tr-share");
  const text = make("p", "tr-text");
  const actions = make("div", "tr-actions");
  const name = make("span", "tr-title", title);
  name.title = title;
  bar.append(share);
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", title);
  node.append(name, actions, bar, text);
  return { node, bar, share, text, actions, id, title, state: "" };
}

function fillRow(list, row, { state, percent, text }) {
  setText(row.text, text);
  row.bar.hidden = state !== "running";
  row.share.style.width = `${percent || 0}%`;
  if (percent === null) row.bar.removeAttribute("aria-valuenow");
  else setAttribute(row.bar, "aria-valuenow", String(percent));
  setAttribute(row.bar, "aria-valuetext", text);
  if (row.state === state) return;
  row.state = state;
  setAttribute(row.node, "data-state", state);
  const focused = row.actions.contains(document.activeElement);
  fillActions(list, row);
  if (focused) row.actions.firstElementChild.focus();
  if (state === "stopped") setText(list.parts.live, `${row.title}: ${text}`);
}

function fillActions(list, row) {
  row.actions.replaceChildren(...ACTIONS[row.state].map((action) => buildAction(list, row, action)));
}

function buildAction({ host, strings }, { id, title }, action) {
  const button = make("button", "tr-action", strings[action]);
  button.type = "button";
  button.dataset.action = action;
  button.setAttribute("aria-label", fill(strings[`${action}_of`], { title }));
  button.addEventListener("click", () => host.send(action, { id }));
  return button;
}
