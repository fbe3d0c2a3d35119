// The panel for adding checkpoints: sends what was entered to Python, shows its answers, and sends the choice.

import { icon, make, partsOf, setText, sweep } from "../../gradio_support/static/dom.js";
import { giveFiles } from "../../gradio_support/static/files_given.js";
import { fill } from "../../viewer/static/arithmetic/text.js";

export function mountAdding(root, host) {
  const place = {
    root, host, strings: host.strings(), limits: host.limits(), parts: partsOf(root),
    serial: 0, shown: null, found: null, animation: null,
  };
  labelPlace(place);
  const { parts } = place;
  parts.form.addEventListener("submit", (event) => {
    event.preventDefault();
    look(place, parts.text.value);
  });
  parts.file.addEventListener("change", () => {
    giveFiles("network", [...parts.file.files]);
    parts.file.value = "";
  });
  host.onPayload(() => takeAnswer(place, host.payload()));
  host.onLanguage(() => {
    place.strings = host.strings();
    labelPlace(place);
    // Python sends the rest again.
    if (place.shown && parts.busy.hidden) showAnswer(place, place.shown);
  });
}

function labelPlace({ parts, strings, limits }) {
  setText(parts.summary, strings.title);
  parts.text.placeholder = strings.placeholder;
  parts.text.setAttribute("aria-label", strings.text_label);
  setText(parts.look, strings.look);
  setText(parts.hint, limits.online ? strings.hint : strings.offline);
  parts.form.hidden = !limits.online;
  setText(parts.dropText, strings.drop);
  setText(parts.dropHint, fill(strings.drop_hint, { limit: limits.megabytes }));
  parts.file.setAttribute("aria-label", strings.drop);
  parts.drop.hidden = !limits.uploads;
  setText(parts.dropNote, limits.uploads ? "" : strings.uploads_off);
  parts.dropNote.hidden = limits.uploads;
}

function look(place, words) {
  const text = words.trim();
  if (!text) {
    place.parts.text.focus();
    return;
  }
  place.parts.text.value = text;
  begin(place, fill(place.strings.looking, { words: text }));
  place.host.send("look", { words: text, serial: place.serial });
}

// Begins a request, which makes earlier ones obsolete; returns its serial number.
function begin(place, sentence) {
  place.serial += 1;
  setText(place.parts.busyText, sentence);
  setBusy(place, true);
  return place.serial;
}

function setBusy(place, busy) {
  const { parts } = place;
  parts.busy.hidden = !busy;
  parts.answer.hidden = busy || !place.shown;
  place.root.setAttribute("aria-busy", String(busy));
  if (place.animation) place.animation.cancel();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  place.animation = busy && !still ? sweep(parts.runner) : null;
}

function takeAnswer(place, answer) {
  if (!answer || answer.schema !== "segdemo.adding/1") return;
  const { shown, parts } = place;
  // What is shown may come again in another language, though it has been used since.
  const again = Boolean(shown) && shown.serial === answer.serial && parts.busy.hidden;
  if (answer.serial !== place.serial && !again) return;
  if (again && JSON.stringify(shown) === JSON.stringify(answer)) return;
  if (answer.kind === "found") place.found = answer;
  showAnswer(place, answer);
}

function showAnswer(place, answer) {
  const { parts } = place;
  const inside = parts.answer.contains(document.activeElement) || document.activeElement === document.body;
  place.shown = answer;
  parts.answer.replaceChildren(...linesOf(place, answer));
  setBusy(place, false);
  // The focused element is gone: the focus moves to the new answer.
  if (inside) parts.answer.focus({ preventScroll: true });
  setText(parts.live, [answer.title, answer.note].filter(Boolean).join(". "));
}

function* linesOf(place, answer) {
  const { strings } = place;
  if (answer.kind !== "found" && place.found && answer.kind !== "problem") yield backButton(place);
  if (answer.kind === "problem") {
    const line = make("p", "ad-problem");
    line.append(icon("warning"), make("span", "", answer.note));
    yield line;
    return;
  }
  const head = make("div", "ad-head");
  head.append(make("h2", "ad-title", answer.title));
  if (answer.facts.length) head.append(make("p", "ad-soft", answer.facts.join(" · ")));
  if (answer.licence) head.append(make("p", `ad-soft${answer.warning ? " ad-warning" : ""}`, answer.licence));
  yield head;
  if (answer.items.length) {
    const list = make("ul", "ad-list");
    list.setAttribute("aria-label", answer.title);
    list.append(...answer.items.map((item, number) => {
      const row = make("li");
      row.append(answer.kind === "found" ? foundLine(place, item) : fileLine(place, item, number, strings));
      return row;
    }));
    yield list;
  }
  if (answer.note) yield make("p", "ad-soft", answer.note);
}

function backButton(place) {
  const back = make("button", "ad-back", place.strings.back);
  back.type = "button";
  back.addEventListener("click", () => showAnswer(place, place.found));
  return back;
}

// A repository: pressing it looks inside.
function foundLine(place, item) {
  const line = make("button", "ad-line");
  line.type = "button";
  line.append(make("span", "ad-name", item.title));
  if (item.mark) line.append(make("span", "ad-mark", item.mark));
  line.append(make("span", "ad-facts", item.facts));
  line.addEventListener("click", () => look(place, item.title));
  return line;
}

// A file with its verdict, and a way to use it if there is one.
function fileLine(place, item, number, strings) {
  const line = make("div", "ad-line");
  line.dataset.usable = String(item.usable);
  line.append(make("span", "ad-name", item.title), make("span", "ad-size", item.size));
  line.append(make("span", "ad-facts", item.facts));
  if (!item.usable) return line;
  const use = make("button", "ad-use", strings.use);
  use.type = "button";
  use.setAttribute("aria-label", fill(strings.use_file, { name: item.title }));
  use.addEventListener("click", () => place.host.send("use", { number, serial: ++place.serial }));
  line.append(use);
  return line;
}
