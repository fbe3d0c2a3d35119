// The toolbar's menu for the whole comparison: the report, and a link that opens it again.

import { labelButton, make } from "../../../gradio_support/static/dom.js";
import { keyOfTab } from "../../../gradio_support/static/tab_key.js";
import { languageNow } from "../../../gradio_support/static/language.js";
import { buildMenu } from "../../../gradio_support/static/menus.js";
import { linkTo, namesComparison, withOthers } from "../arithmetic/links.js";
import { sliderOf } from "../arithmetic/thresholds.js";
import { save, takeSaved } from "../cards/saving.js";
import { changedClasses } from "../state/class_choice.js";

// Milliseconds after the last change.
const ADDRESS_AFTER = 400;

// The toolbar's menu: everything at once, and the link.
export function buildShare(viewer) {
  const { parts, strings } = viewer;
  labelButton(parts.share, "save", strings.share);
  const items = [
    { value: "report", label: strings.save_report, hint: strings.save_report_hint },
    { value: "link", label: strings.link_copy, hint: strings.link_hint },
  ];
  const menu = buildMenu(parts.share, strings.share, items, (value) => {
    if (value === "link") copyLink(viewer);
    else save(viewer, null, "report");
  });
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
