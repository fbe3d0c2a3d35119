// A place for files: what lies there as the server has decoded it, and the doors to replace it.

import { make, partsOf, setAttribute, setHidden, setText } from "../../gradio_support/static/dom.js";
import { giveFiles } from "../../gradio_support/static/files_given.js";
import { fill } from "../../viewer/static/arithmetic/text.js";
import { mountMaskPanel, showMaskPanel } from "./mask_panel.js";

export function mountPlace(root, host) {
  const place = { root, host, parts: partsOf(root), limits: host.limits() };
  const { file, remove } = place.parts;
  file.multiple = place.limits.kind.endsWith("s");
  file.addEventListener("change", () => {
    giveFiles(place.limits.kind, [...file.files]);
    // The same file may be chosen again.
    file.value = "";
  });
  remove.addEventListener("click", () => {
    host.send("clear", {});
    file.focus();
  });
  mountMaskPanel(place);
  host.onPayload(() => showPlace(place));
  host.onLanguage(() => showPlace(place));
  showPlace(place);
}

function showPlace(place) {
  const { root, host, parts, limits } = place;
  const strings = host.strings();
  const { kind } = limits;
  const value = host.payload();
  const placed = value && value.schema === "segdemo.place/1" && value.name ? value : null;
  const state = !placed ? "empty" : placed.problem ? "problem" : "filled";
  setAttribute(root, "data-kind", kind);
  setText(parts.title, strings[kind]);
  const touch = matchMedia("(pointer: coarse)").matches;
  setText(parts.name, placed ? placed.name : strings[`${kind}_${touch ? "tap" : "drop"}`]);
  const facts = placed ? placed.facts : state === "empty" && kind === "picture" ? [fill(strings.limits, limits)] : [];
  parts.facts.replaceChildren(...facts.map((fact) => make("span", "pl-fact", fact)));
  setHidden(parts.facts, facts.length === 0);
  setHidden(parts.problem, state !== "problem");
  setText(parts.problem, placed ? placed.problem : "");
  showThumbnail(parts.thumb, placed && placed.thumbnail);
  setText(parts.choose, state === "empty" ? strings.choose : strings.replace);
  setAttribute(parts.file, "aria-label", `${strings[kind]}: ${state === "empty" ? strings.choose : strings.replace}`);
  setHidden(parts.remove, state === "empty");
  setText(parts.remove, strings.remove);
  setAttribute(parts.remove, "aria-label", `${strings[kind]}: ${strings.remove}`);
  showMaskPanel(place, state === "filled" ? placed.panel : null);
  // Written last: whoever waits for it finds everything there.
  setAttribute(root, "data-state", state);
}

function showThumbnail(node, thumbnail) {
  setHidden(node, !thumbnail);
  if (thumbnail) setAttribute(node, "src", thumbnail.file.url);
  else node.removeAttribute("src");
}
