// The toolbar's menu for the whole comparison: the report, and a link that opens it again.

import { labelButton, make } from "../../../gradio_support/static/dom.js";
import { keyOfTab } from "../../../gradio_support/static/tab_key.js";
import { languageNow } from "../../../gradio_support/static/language.js";
import { buildMenu } from "../../../gradio_support/static/menus.js";
import { linkTo, namesComparison, withOthers } from "../arithmetic/links.js";
import { fill } from "../arithmetic/text.js";
import { sliderOf } from "../arithmetic/thresholds.js";
import { bring, save, takeSaved } from "../cards/saving.js";
import { changedClasses } from "../state/class_choice.js";
import { pictureOfView } from "./view_picture.js";

// Milliseconds after the last change.
const ADDRESS_AFTER = 400;
// Milliseconds that a browser has to begin to store a picture.
const KEPT_FOR = 60_000;

// The toolbar's menu: everything at once, and the link.
export function buildShare(viewer) {
  const { parts, strings } = viewer;
  labelButton(parts.share, "save", strings.share);
  const items = [
    { value: "report", label: strings.save_report, hint: strings.save_report_hint },
    { value: "view", label: strings.view_save, hint: strings.view_hint },
    { value: "view_copy", label: strings.view_copy, hint: strings.view_copy_hint },
    { value: "link", label: strings.link_copy, hint: strings.link_hint },
  ];
  const chosen = {
    report: () => save(viewer, null, "report"),
    view: () => saveView(viewer),
    view_copy: () => copyView(viewer),
    link: () => copyLink(viewer),
  };
  const menu = buildMenu(parts.share, strings.share, items, (value) => chosen[value]());
  viewer.share = { button: parts.share, menu };
  // Built again for another language.
  if (viewer.saving) return;
  viewer.saving = new Map();
  document.addEventListener("segdemo:saved", ({ detail }) => takeSaved(viewer, detail));
}

// Asks Python, which has the checkpoints, to open what the page's address names.
export function openLink({ host }) {
  const { search } = window.location;
  const query = namesComparison(search) ? search : "";
  const key = keyOfTab();
  if (query || key) host.send("open", { query, key, language: languageNow() });
}

// The address that opens what is seen.
function addressOf(viewer) {
  const thresholds = viewer.panels.map((panel) => sliderOf(viewer, panel));
  const looks = { ...viewer.settings, ...changedClasses(viewer), thresholds };
  return linkTo(window.location, viewer.host.payload().link, looks);
}

// Writes what is seen into the page's address once it rests, so that a reload shows it again. What
// the page itself has opened with is no reason to.
export function keepAddress(viewer) {
  if (!viewer.host.keepsAddress() || !viewer.run) return;
  viewer.firstRun ??= viewer.run;
  if (viewer.run === viewer.firstRun && viewer.chosen.size === 0) return;
  clearTimeout(viewer.addressTimer);
  viewer.addressTimer = setTimeout(() => {
    if (!viewer.run || viewer.panels.length === 0) return;
    history.replaceState(history.state, "", withOthers(addressOf(viewer), window.location.search));
  }, ADDRESS_AFTER);
}

async function saveView(viewer) {
  const { strings, share } = viewer;
  try {
    const url = URL.createObjectURL(await pictureOfView(viewer));
    bring(url, "segdemo.png");
    setTimeout(() => URL.revokeObjectURL(url), KEPT_FOR);
    share.menu.say(fill(strings.save_done, { name: "segdemo.png" }));
  } catch (error) {
    console.error("segdemo: the view could not be drawn", error);
    share.menu.say(strings.view_failed);
  }
}

async function copyView(viewer) {
  const { strings, share } = viewer;
  try {
    // A promise inside, for browsers that ask for the item while the press still counts.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": pictureOfView(viewer) })]);
    share.menu.say(strings.view_copied);
  } catch {
    // Only secure pages may write there, and only with permission.
    share.menu.say(strings.view_not_copied);
  }
}

async function copyLink(viewer) {
  const { strings, share } = viewer;
  const link = addressOf(viewer);
  try {
    await navigator.clipboard.writeText(link);
    share.menu.say(strings.link_copied);
  } catch {
    // Only secure pages may write there, and only with permission.
    const field = make("input", "sv-menu-link");
    field.readOnly = true;
    field.value = link;
    field.setAttribute("aria-label", strings.link_by_hand);
    share.menu.say(make("span", "", strings.link_by_hand), field);
    field.select();
  }
}
