// One card per model: name, figures, picture area, and what it says while waiting or failing.

import { icon, make, setText } from "../../../gradio_support/static/dom.js";
import { parseColour, textColourOn } from "../arithmetic/colours.js";
import { durationText, fill, letterOf } from "../arithmetic/text.js";
import { colourOf } from "../state/viewer_state.js";

// Builds an empty card; `onColour(hex)` is called while its colour is being chosen.
export function buildCard(strings, onColour) {
  const card = make("article", "sv-panel");
  const head = make("header", "sv-head");
  const badge = make("label", "sv-badge");
  const letter = make("span", "sv-letter");
  const colour = make("input", "sv-colour");
  colour.type = "color";
  colour.addEventListener("input", () => onColour(colour.value));
  badge.append(letter, colour);

  const title = make("div", "sv-title");
  const name = make("div", "sv-name");
  const detail = make("div", "sv-detail");
  title.append(name, detail);

  const info = make("button", "sv-info");
  info.type = "button";
  info.append(icon("info"));
  info.setAttribute("aria-expanded", "false");

  const figure = make("div", "sv-cover");
  const percent = make("span", "sv-percent");
  const share = make("span", "sv-label", strings.foreground);
  figure.append(percent, share);
  head.append(badge, title, info, figure);

  const area = buildArea(strings);
  // What stands under the pictures may differ in height; the pictures stay side by side.
  const upper = make("div", "sv-upper");
  upper.append(head, area.view);
  const below = make("div", "sv-below");
  // Outside of the picture, because it stands under it where the picture is small.
  card.append(upper, area.legend, below);
  return { card, below, letter, colour, badge, name, detail, info, percent, share, ...area };
}

// The picture area of a card or of the swipe stage.
export function buildArea(strings) {
  const view = make("div", "sv-view");
  const canvas = make("canvas", "sv-canvas");
  canvas.setAttribute("aria-hidden", "true");
  const cross = make("div", "sv-cross");
  const legend = make("ul", "sv-legend");
  const probe = make("div", "sv-probe");
  const wait = make("div", "sv-wait");
  const track = make("div", "sv-track");
  track.append(make("div", "sv-runner"));
  const waitText = make("span", "sv-wait-text");
  wait.append(track, waitText);
  const failure = make("div", "sv-failure");
  const failureTitle = make("p", "sv-failure-title");
  const failureText = make("p", "sv-failure-text");
  failure.append(icon("warning"), failureTitle, failureText);
  const retry = make("button", "sv-retry", strings.retry);
  retry.type = "button";
  failure.append(retry);
  view.append(canvas, cross, legend, probe, wait, failure);
  return { view, canvas, cross, legend, probe, wait, waitText, failure, failureTitle, failureText, retry };
}

// Writes what the entry says into the card.
export function fillCard(card, entry, index, status, strings) {
  const letter = letterOf(index);
  card.card.dataset.status = status;
  card.card.dataset.panel = entry.id;
  card.card.setAttribute("aria-label", fill(strings.panel_label, { letter, name: entry.label }));
  card.card.setAttribute("aria-busy", String(status === "waiting" || status === "running"));
  setText(card.letter, letter);
  card.colour.setAttribute("aria-label", fill(strings.colour_of, { name: entry.label }));
  card.badge.title = fill(strings.colour_of, { name: entry.label });
  setText(card.name, entry.label);
  card.name.title = entry.label;
  const facts = factsOf(entry, strings);
  card.detail.replaceChildren(...facts.map(([kind, fact]) => make("span", `sv-fact sv-${kind}`, fact)));
  card.detail.title = facts.map(([, fact]) => fact).join(" · ");
  setText(card.waitText, status === "running" ? strings.running : strings.waiting);
}

// What is known of a panel in a few words, as [kind, text].
function factsOf(entry, strings) {
  const time = Number.isFinite(entry.milliseconds) ? durationText(entry.milliseconds, strings) : "";
  return [["time", time], ["device", entry.device], ["network", entry.detail]].filter(([, fact]) => fact);
}

export function fillFailure(card, title, message, canRetry) {
  setText(card.failureTitle, title || "");
  setText(card.failureText, message || "");
  card.retry.hidden = !canRetry;
}

export function paintBadge(card, hex) {
  if (card.colour.value !== hex) card.colour.value = hex;
  card.badge.style.backgroundColor = hex;
  card.badge.style.color = textColourOn(parseColour(hex));
}

export function miniBadge(viewer, index) {
  const badge = make("i", "sv-mini", letterOf(index));
  const hex = colourOf(viewer, viewer.panels[index]);
  badge.style.backgroundColor = hex;
  badge.style.color = textColourOn(parseColour(hex));
  return badge;
}

// [{hex, text}] as a small key in the picture's corner.
export function fillLegend(legend, items) {
  legend.replaceChildren(...items.map(({ hex, text }) => {
    const item = make("li");
    const swatch = make("i");
    swatch.style.backgroundColor = hex;
    item.append(swatch, make("span", "", text));
    return item;
  }));
}
