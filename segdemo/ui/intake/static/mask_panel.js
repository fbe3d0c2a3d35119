// How a mask was read, its values, and other readings to choose from: a choice goes to Python at once.

import { make, setAttribute, setHidden, setText } from "../../gradio_support/static/dom.js";

export function mountMaskPanel(place) {
  const { parts, host } = place;
  place.shownPanel = "";
  parts.panel.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) host.send("read_as", { name: button.dataset.reading });
  });
  parts.first.dataset.reading = "";
}

export function showMaskPanel(place, panel) {
  const { parts, host } = place;
  const strings = host.strings();
  setHidden(parts.panel, !panel);
  setText(parts.first, strings.first);
  setText(parts.summary, strings.other);
  setAttribute(parts.values, "aria-label", strings.values);
  const told = JSON.stringify(panel || null);
  if (told === place.shownPanel) return;
  place.shownPanel = told;
  const hadFocus = parts.panel.contains(document.activeElement);
  const { said, chips, more, choices, hints, chosen } = panel || EMPTY;
  setText(parts.said, said);
  parts.hints.replaceChildren(...hints.map(hintItem));
  setHidden(parts.hints, hints.length === 0);
  setHidden(parts.first, !chosen);
  parts.values.replaceChildren(...chips.map(chipItem), ...(more ? [make("li", "pl-more", more)] : []));
  const offered = chips.filter((chip) => chip.choices.length);
  parts.choices.replaceChildren(...offered.map(valueRow), ...choices.map((choice) => choiceButton(choice)));
  setHidden(parts.others, offered.length + choices.length === 0);
  // The button that was pressed may be gone: who uses the keyboard goes on from what undoes it.
  if (panel && hadFocus && !parts.panel.contains(document.activeElement)) {
    (chosen ? parts.first : parts.summary).focus();
  }
}

const EMPTY = Object.freeze({ said: "", chips: [], more: "", choices: [], hints: [], chosen: false });

function chipItem({ value, means, pixels, colour }) {
  const item = make("li", "pl-chip");
  const swatch = make("i", "pl-swatch");
  swatch.style.backgroundColor = colour;
  item.append(swatch, make("b", "pl-value", value), make("span", "", means), make("span", "pl-pixels", pixels));
  return item;
}

function hintItem({ sentence, choice }) {
  const item = make("li", "pl-hint");
  item.append(make("span", "", sentence), choiceButton(choice));
  return item;
}

function valueRow({ value, choices }) {
  const row = make("div", "pl-row");
  row.append(make("b", "pl-value", value), ...choices.map((choice) => choiceButton(choice)));
  return row;
}

function choiceButton({ name, label, said }) {
  const button = make("button", "pl-door", label);
  button.type = "button";
  button.dataset.reading = name;
  if (said !== label) button.setAttribute("aria-label", said);
  return button;
}
