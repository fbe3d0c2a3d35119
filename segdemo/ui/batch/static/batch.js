// The batch gallery: many images at one threshold, sorted by disagreement or score.

import { icon, make, partsOf, setAttribute, setText } from "../../gradio_support/static/dom.js";
import { parseColour, textColourOn } from "../../viewer/static/arithmetic/colours.js";
import {
  agreementText, fill, letterOf, percentText, thresholdText,
} from "../../viewer/static/arithmetic/text.js";
import { fetchFile } from "../../viewer/static/loading/files.js";
import { buildCardOf, colourAt, fillCardOf, loadCard, paintCard } from "./batch_cards.js";
import { diceIn, meanOf, readTable, shareIn, sortedRows } from "./batch_counts.js";

const ORDERS = Object.freeze(["disagreement", "dice", "given"]);

export function mountBatch(root, host) {
  const batch = {
    root, host, strings: host.strings(), parts: partsOf(root), k: 128, order: "disagreement",
    serial: -1, run: -1, parcel: -1, payload: null, rows: new Map(), failed: new Map(),
    packing: "", scheduled: false, controller: new AbortController(),
    scratch: document.createElement("canvas").getContext("2d", { willReadFrequently: true }),
  };
  batch.sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = batch.rows.get(Number(target.dataset.number));
      if (!row) continue;
      row.seen = isIntersecting;
      if (isIntersecting) {
        loadCard(batch, row);
        paintCard(batch, row);
      }
    }
  }, { rootMargin: "200px" });
  listenToBatch(batch);
  labelBatch(batch);
  host.onLanguage(() => {
    batch.strings = host.strings();
    labelBatch(batch);
    refreshBatch(batch);
  });
  host.onPayload(() => takeBatch(batch, host.payload()));
  // A file that is there already was saved when it came.
  const payload = host.payload();
  if (payload && payload.parcel) batch.parcel = payload.parcel.serial;
  takeBatch(batch, payload);
}

function listenToBatch(batch) {
  const { host, parts } = batch;
  parts.threshold.addEventListener("input", () => {
    batch.k = Number(parts.threshold.value);
    schedule(batch);
  });
  // Cards are sorted again once the slider is released, not while it moves.
  parts.threshold.addEventListener("change", () => arrange(batch));
  parts.order.addEventListener("change", () => {
    batch.order = parts.order.value;
    arrange(batch);
  });
  parts.cancel.addEventListener("click", () => {
    parts.cancel.disabled = true;
    host.send("cancel", {});
  });
  // A gallery does not survive a reload.
  window.addEventListener("beforeunload", (event) => {
    if (batch.rows.size && batch.parcel < 0) event.preventDefault();
  });
  for (const kind of ["table", "archive"]) {
    parts[kind].addEventListener("click", () => {
      batch.packing = kind;
      refreshBatch(batch);
      host.send("pack", { kind, k: batch.k });
    });
  }
}

function labelBatch({ strings, parts, order }) {
  setText(parts.empty, strings.empty);
  setText(parts.cancel, strings.cancel);
  setText(parts.thresholdLabel, strings.threshold);
  setText(parts.orderLabel, strings.order);
  setAttribute(parts.threshold, "aria-label", strings.threshold);
  setAttribute(parts.order, "aria-label", strings.order);
  setAttribute(parts.gallery, "aria-label", strings.gallery);
  const texts = { disagreement: strings.by_disagreement, dice: strings.by_dice, given: strings.as_given };
  parts.order.replaceChildren(...ORDERS.map((value) => {
    const option = make("option", "", texts[value]);
    option.value = value;
    return option;
  }));
  parts.order.value = order;
}

// Answers of different requests may overtake each other: the latest counts.
function takeBatch(batch, payload) {
  if (!payload || payload.schema !== "segdemo.batch/1" || payload.serial <= batch.serial) return;
  batch.serial = payload.serial;
  batch.payload = payload;
  if (payload.run !== batch.run) forget(batch, payload.run);
  for (const entry of payload.rows) {
    if (entry.networks.length) takeRow(batch, entry);
    else if (!batch.failed.has(entry.number)) batch.failed.set(entry.number, buildFailure(entry));
  }
  if (payload.parcel && payload.parcel.serial > batch.parcel) save(batch, payload.parcel);
  if (payload.message) batch.packing = "";
  arrange(batch);
}

function forget(batch, run) {
  batch.controller.abort();
  batch.controller = new AbortController();
  batch.sight.disconnect();
  batch.run = run;
  batch.rows = new Map();
  batch.failed = new Map();
  batch.packing = "";
  batch.parts.cancel.disabled = false;
}

function takeRow(batch, entry) {
  const known = batch.rows.get(entry.number);
  if (known) {
    known.entry = entry;
    return;
  }
  const row = { number: entry.number, entry, card: buildCardOf(batch, entry), table: null };
  row.card.node.dataset.number = String(entry.number);
  batch.rows.set(entry.number, row);
  batch.sight.observe(row.card.node);
  loadTable(batch, row);
}

async function loadTable(batch, row) {
  const { networks, scored, table } = row.entry;
  try {
    const file = await fetchFile(table.url, batch.controller.signal);
    row.table = readTable(await file.arrayBuffer(), networks.length, scored);
  } catch (error) {
    if (error.name === "AbortError") return;
    console.error("segdemo: the counts of a picture could not be loaded", error);
    row.lost = true;
  }
  schedule(batch, true);
}

function buildFailure({ name, message }) {
  const node = make("li", "bt-failure");
  const words = make("p", "bt-sentence");
  words.append(make("span", "bt-name", name), make("span", "bt-why", message));
  node.append(icon("warning"), words);
  return node;
}

// The browser keeps the file; its address is nobody's but this visitor's.
function save(batch, { serial, name, file }) {
  batch.parcel = serial;
  batch.packing = "";
  const link = make("a");
  link.href = file.url;
  link.download = name;
  link.click();
}

// One drawing in the next frame, however many changes come before it.
function schedule(batch, moves = false) {
  batch.moves = batch.moves || moves;
  if (batch.scheduled) return;
  batch.scheduled = true;
  requestAnimationFrame(() => {
    batch.scheduled = false;
    if (batch.moves) arrange(batch);
    else refreshBatch(batch);
  });
}

// Puts the cards in order.
function arrange(batch) {
  batch.moves = false;
  const { gallery } = batch.parts;
  const nodes = sortedRows([...batch.rows.values()], batch.order, batch.k).map(({ card }) => card.node);
  if (nodes.length !== gallery.children.length || nodes.some((node, at) => node !== gallery.children[at])) {
    const focused = gallery.contains(document.activeElement) ? document.activeElement : null;
    gallery.replaceChildren(...nodes);
    if (focused) focused.focus({ preventScroll: true });
  }
  const failures = [...batch.failed.values()];
  if (failures.length !== batch.parts.failures.children.length) {
    batch.parts.failures.replaceChildren(...failures);
  }
  refreshBatch(batch);
}

function refreshBatch(batch) {
  const { root, parts, payload, rows, strings, k, packing } = batch;
  const rowList = [...rows.values()];
  setText(parts.value, thresholdText(k));
  setAttribute(parts.threshold, "aria-valuetext", thresholdText(k));
  for (const row of rowList) {
    fillCardOf(batch, row);
    if (row.seen) paintCard(batch, row);
  }
  if (payload) {
    showProgress(batch);
    showNetworks(batch, rowList);
  }
  parts.order.children[1].disabled = !rowList.some(({ entry }) => entry.scored);
  for (const [kind, label] of [["table", strings.table], ["archive", strings.archive]]) {
    setText(parts[kind], packing === kind ? strings.packing : label);
    parts[kind].disabled = Boolean(packing) || rows.size + batch.failed.size === 0;
  }
  const loaded = rowList.every(({ table, lost }) => table || lost);
  const state = !payload || payload.total === 0 ? "empty" : payload.state === "running" || !loaded ? "running" : "ready";
  setAttribute(root, "data-count", String(rows.size));
  // Written last, so that whoever waits for it finds everything there.
  setAttribute(root, "data-state", state);
}

function showProgress({ parts, payload, failed, strings }) {
  const { state, total, rows, message } = payload;
  const done = rows.length;
  const texts = { running: strings.running, done: strings.done, stopped: strings.stopped };
  // What could not be run is none of those that are done.
  const worked = state === "done" ? done - failed.size : done;
  const words = [fill(texts[state], { done: worked, total })];
  if (failed.size) words.push(fill(strings.failed, { count: failed.size }));
  if (message) words.push(message);
  setText(parts.status, words.join(" "));
  parts.cancel.hidden = state !== "running";
  parts.bar.hidden = state !== "running";
  parts.share.style.width = `${(100 * done) / Math.max(total, 1)}%`;
  setAttribute(parts.bar, "aria-valuemax", String(total));
  setAttribute(parts.bar, "aria-valuenow", String(done));
  setAttribute(parts.bar, "aria-label", fill(strings.running, { done, total }));
}

// Whose letter is which, with means over all pictures.
function showNetworks(batch, rows) {
  const { parts, payload, strings, k } = batch;
  parts.networks.replaceChildren(...payload.networks.map((title, network) => {
    const node = make("li", "bt-network");
    const letter = make("span", "bt-letter", letterOf(network));
    letter.style.setProperty("--bt-colour", colourAt(batch, network));
    letter.style.setProperty("--bt-ink", textColourOn(parseColour(colourAt(batch, network))));
    node.append(letter, make("span", "bt-title", title));
    const places = rows.filter(({ table }) => table)
      .map(({ table, entry }) => ({ table, place: entry.networks.indexOf(network) }))
      .filter(({ place }) => place >= 0);
    const facts = [];
    const share = meanOf(places.map(({ table, place }) => shareIn(table, place, k)));
    if (Number.isFinite(share)) facts.push(fill(strings.mean_coverage, { value: percentText(share) }));
    const dice = meanOf(places.map(({ table, place }) => diceIn(table, place, k)));
    if (Number.isFinite(dice)) facts.push(fill(strings.mean_dice, { value: agreementText(dice) }));
    if (facts.length) node.append(make("span", "bt-soft", facts.join(" · ")));
    return node;
  }));
}
