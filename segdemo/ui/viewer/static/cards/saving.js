// What can be kept of a panel, and of the whole comparison: Python makes the file, we fetch it.

const SAVED_KINDS = Object.freeze(["mask", "probability", "overlay", "cutout"]);

let nextSave = 1;

const SAVE_PART = Object.freeze({
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

// The toolbar's menu: everything at once, and the link.
function buildShare(viewer) {
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
  // In another language everything is built anew.
  if (viewer.saving) return;
  viewer.saving = new Map();
  document.addEventListener("segdemo:saved", ({ detail }) => takeSaved(viewer, detail));
}

// Asks for a file of a panel, or of all of them.
function save(viewer, panel, kind) {
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

function takeSaved(viewer, saved) {
  const place = saved && viewer.saving.get(saved.serial);
  if (!place) return;
  viewer.saving.delete(saved.serial);
  if (![...viewer.saving.values()].includes(place)) setAttribute(place.button, "aria-busy", "false");
  if (saved.file) bring(saved.file.url, saved.name);
  const words = saved.file ? fill(viewer.strings.save_done, { name: saved.name }) : saved.message;
  place.menu.say(words);
  // Whoever has shut the menu meanwhile still has to hear why nothing came.
  if (!saved.file && !place.menu.menu.matches(":popover-open")) place.menu.menu.showPopover();
}

// Lets the browser store a file under a name.
function bring(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

// What a link says is up to Python, which has the checkpoints.
function openLink({ host }) {
  const { search } = window.location;
  if (namesComparison(search)) host.send("open", { query: search, language: languageNow() });
}

async function copyLink(viewer) {
  const { strings, share } = viewer;
  const thresholds = viewer.panels.map((panel) => sliderOf(viewer, panel));
  const looks = { ...viewer.settings, ...changedClasses(viewer), thresholds };
  const link = linkTo(window.location, viewer.host.payload().link, looks);
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
