// The part of a card that saves the panel's outputs: Python makes the file, the page fetches it.

import { icon, make, setAttribute } from "../../../gradio_support/static/dom.js";
import { buildMenu } from "../../../gradio_support/static/menus.js";
import { fill } from "../arithmetic/text.js";
import { colourOf, stateFor, statusNow } from "../state/viewer_state.js";

const SAVED_KINDS = Object.freeze(["mask", "probability", "overlay", "cutout"]);
let nextSave = 1;
export const SAVE_PART = Object.freeze({
  build(viewer, panel) {
    const { strings } = viewer;
    const button = make("button", "sv-save");
    button.type = "button";
    button.append(icon("save"));
    const items = SAVED_KINDS.map((kind) => ({ value: kind, label: strings[`save_${kind}`] }));
    panel.card.info.before(button);
    const menu = buildMenu(button, strings.save, items, (kind) => save(viewer, panel, kind));
    panel.card.save = { button, menu };
  },
  load() {},
  refresh(viewer, panel) {
    const { button } = panel.card.save;
    const label = fill(viewer.strings.save_of, { name: panel.entry.label });
    setAttribute(button, "aria-label", label);
    button.title = `${label} · ${viewer.strings.save_hint}`;
    button.hidden = statusNow(viewer, panel) !== "ready";
  },
  step() {},
});

// Asks for a file of a panel, or of all of them.
export function save(viewer, panel, kind) {
  const { strings, host } = viewer;
  const place = panel ? panel.card.save : viewer.share;
  const serial = nextSave++;
  viewer.saving.set(serial, place);
  setAttribute(place.button, "aria-busy", "true");
  place.menu.say(strings.save_preparing);
  host.send("save", {
    serial, kind, panel: panel ? panel.entry.id : "", state: stateFor(viewer),
    colours: viewer.panels.map((each) => colourOf(viewer, each)),
  });
}

export function takeSaved(viewer, saved) {
  const place = saved && viewer.saving.get(saved.serial);
  if (!place) return;
  viewer.saving.delete(saved.serial);
  if (![...viewer.saving.values()].includes(place)) setAttribute(place.button, "aria-busy", "false");
  if (saved.file) bring(saved.file.url, saved.name);
  const words = saved.file ? fill(viewer.strings.save_done, { name: saved.name }) : saved.message;
  place.menu.say(words);
  // A menu that was closed meanwhile opens again to say why there is no file.
  if (!saved.file && !place.menu.menu.matches(":popover-open")) place.menu.menu.showPopover();
}

// Lets the browser store a file under a name.
export function bring(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}
