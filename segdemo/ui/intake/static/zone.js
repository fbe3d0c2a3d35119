// Takes files from anywhere on the page, sends them to the server one request at a time, and shows
// how far they are and what was said of them.

import { icon, make, partsOf, setText } from "../../gradio_support/static/dom.js";
import { onFilesGiven } from "../../gradio_support/static/files_given.js";
import { keepKeyOfTab } from "../../gradio_support/static/tab_key.js";
import { fill, percentText } from "../../viewer/static/arithmetic/text.js";
import { labelTargets, listenToDrops } from "./drops.js";

// What Python's page dispatches where an `arrive` has failed; see DropZone.
const UNREAD_EVENT = "segdemo-unread";

export function mountZone(root, host) {
  const zone = { root, host, parts: partsOf(root), limits: host.limits(), serial: 0, pending: new Map() };
  listenToDrops(zone.parts.veil);
  labelTargets(zone.parts.veil, host.strings());
  onFilesGiven((target, files) => receive(zone, target, files));
  host.onPayload(() => takeTold(zone, host.payload()));
  window.addEventListener(UNREAD_EVENT, () => endUnread(zone));
  host.onLanguage(() => {
    labelTargets(zone.parts.veil, host.strings());
    for (const close of zone.parts.list.querySelectorAll(".dz-close")) labelClose(zone, close);
  });
}

// Every file at once: what was said before is out of date.
async function receive(zone, target, files) {
  const { host, pending } = zone;
  const serial = ++zone.serial;
  dismissAll(zone);
  const refused = files.map((file) => tooLarge(zone, file)).filter(Boolean);
  if (refused.length) {
    for (const sentence of refused) say(zone, "problem", sentence);
    return;
  }
  const job = beginJob(zone, files);
  pending.set(serial, job);
  try {
    const paths = [];
    const whole = files.reduce((sum, { size }) => sum + size, 0) || 1;
    let before = 0;
    for (const file of files) {
      paths.push(await host.uploadShowing(file, (sent) => showShare(zone, job, (before + sent) / whole), job.controller.signal));
      before += file.size;
    }
    setText(job.words, fill(host.strings().reading, { name: job.name }));
    // What is with the server is not taken back, but nobody has to look at it any longer.
    job.controller.signal.addEventListener("abort", () => endJob(zone, serial));
    job.sent = true;
    host.send("arrive", { target, paths, serial });
  } catch (error) {
    endJob(zone, serial);
    if (error.name === "AbortError") return;
    console.error("segdemo: files could not be sent", error);
    say(zone, "problem", error.sentence || fill(host.strings().not_sent, { name: job.name }));
  }
}

function tooLarge({ limits, host }, file) {
  const name = file.name.toLowerCase();
  const isNetwork = limits.endings.some((ending) => name.endsWith(ending));
  const most = isNetwork ? limits.network : name.endsWith(".zip") ? Math.max(limits.network, limits.picture) : limits.picture;
  if (file.size <= most * 1e6) return "";
  return fill(host.strings().too_large, { name: file.name, size: (file.size / 1e6).toFixed(1), limit: most });
}

function beginJob(zone, files) {
  const { strings } = { strings: zone.host.strings() };
  const name = files.length === 1 ? files[0].name : fill(strings.files, { count: files.length });
  const job = { name, controller: new AbortController() };
  job.node = make("li", "dz-item");
  job.node.dataset.kind = "sending";
  job.words = make("span", "dz-words", fill(strings.sending, { name, share: "0" }));
  job.share = make("div", "dz-share");
  const track = make("div", "dz-track");
  track.append(job.share);
  const cancel = make("button", "dz-close", strings.cancel);
  cancel.type = "button";
  cancel.addEventListener("click", () => job.controller.abort());
  job.node.append(job.words, cancel, track);
  zone.parts.list.append(job.node);
  return job;
}

function showShare({ host }, job, share) {
  job.share.style.width = `${100 * share}%`;
  setText(job.words, fill(host.strings().sending, { name: job.name, share: percentText(share).replace(/[.].*/, "") }));
}

function endJob({ pending }, serial) {
  const job = pending.get(serial);
  if (job) job.node.remove();
  pending.delete(serial);
}

// The server refused to look at files, or failed at it, and Gradio does not say at which: no row of
// files that are sent waits on. An answer that comes nevertheless is still told.
function endUnread(zone) {
  for (const job of zone.pending.values()) {
    if (!job.sent || !job.node.isConnected) continue;
    job.node.remove();
    say(zone, "problem", fill(zone.host.strings().not_read, { name: job.name }));
  }
}

function takeTold(zone, told) {
  if (!told || told.schema !== "segdemo.zone/1" || !zone.pending.has(told.serial)) return;
  endJob(zone, told.serial);
  if (told.key) keepKeyOfTab(told.key);
  for (const sentence of told.problems) say(zone, "problem", sentence);
  for (const sentence of told.sentences) say(zone, "done", sentence);
}

function say(zone, kind, sentence) {
  const node = make("li", "dz-item");
  node.dataset.kind = kind;
  const close = make("button", "dz-close");
  close.type = "button";
  labelClose(zone, close);
  close.addEventListener("click", () => node.remove());
  node.append(make("span", "dz-words", sentence), close);
  zone.parts.list.append(node);
  setText(zone.parts.live, sentence);
}

function labelClose({ host }, close) {
  if (close.closest("[data-kind=sending]")) return;
  close.replaceChildren(icon("cross"));
  close.setAttribute("aria-label", host.strings().close);
}

function dismissAll({ parts }) {
  for (const node of parts.list.querySelectorAll(".dz-item:not([data-kind=sending])")) node.remove();
}
