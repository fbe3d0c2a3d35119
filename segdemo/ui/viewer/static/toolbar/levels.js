// Below the threshold's slider: one threshold for all panels or one for each, and Otsu's.

import {
  buildChoice, make, markChoice, setAttribute, setText,
} from "../../../gradio_support/static/dom.js";
import { otsuOf, pooledCounts } from "../arithmetic/autothreshold.js";
import { fill, letterOf, thresholdText } from "../arithmetic/text.js";
import { activePanel, sliderCounts, sliderOf } from "../arithmetic/thresholds.js";
import { miniBadge } from "../cards/panels.js";
import { showsClasses } from "../state/class_choice.js";
import { colourOf } from "../state/viewer_state.js";

export function buildLevels(viewer) {
  const { parts, strings, actions } = viewer;
  const choices = ["linked", "unlinked"].map((value) => ({
    value, label: strings[value], hint: strings[`${value}_hint`],
  }));
  buildChoice(parts.linking, strings.linking, choices, (value) => actions.setLinked(value === "linked"));
  setText(parts.otsu, strings.otsu);
  parts.otsu.title = strings.otsu_hint;
  parts.otsu.setAttribute("aria-label", strings.otsu_hint);
  parts.otsu.addEventListener("click", () => chooseOtsu(viewer));
}

// The panels that show a thresholded map.
export function thresholdedPanels(viewer) {
  return viewer.panels.filter((panel) => panel.map && !showsClasses(panel));
}

// Sets Otsu's threshold: one for all from the pooled histograms, or one for each from its own.
function chooseOtsu(viewer) {
  const { settings, actions } = viewer;
  const panels = thresholdedPanels(viewer);
  if (settings.linked) {
    const k = otsuOf(pooledCounts(panels.map(sliderCounts)));
    if (k !== null) actions.setThreshold(k);
    return;
  }
  for (const panel of panels) {
    const k = otsuOf(sliderCounts(panel));
    if (k !== null) actions.setThreshold(k, panel);
  }
}

export function refreshLevels(viewer) {
  const { parts, settings, strings, panels, actions } = viewer;
  const apart = !settings.linked && panels.length > 1;
  parts.linking.hidden = panels.length < 2;
  markChoice(parts.linking, settings.linked ? "linked" : "unlinked");
  parts.otsu.disabled = thresholdedPanels(viewer).length === 0;
  setAttribute(viewer.root, "data-apart", String(apart));
  const signature = apart ? panels.map(({ entry }) => entry.id).join(" ") : "";
  if (parts.actives.dataset.signature !== signature) {
    parts.actives.dataset.signature = signature;
    const options = !apart ? [] : panels.map((_, index) => ({ value: String(index), label: "" }));
    buildChoice(parts.actives, strings.active, options, (index) => actions.setActive(viewer.panels[index]));
    parts.marks.replaceChildren(...options.map(() => make("i")));
  }
  const active = activePanel(viewer);
  [...parts.actives.children].forEach((option, index) => {
    option.replaceChildren(miniBadge(viewer, index), make("span", "sv-number"));
    parts.marks.children[index].style.backgroundColor = colourOf(viewer, panels[index]);
  });
  markChoice(parts.actives, panels.indexOf(active));
  for (const panel of panels) {
    setAttribute(panel.card.card, "data-active", String(apart && panel === active));
  }
}

// Runs at every step of the threshold.
export function stepLevels(viewer) {
  const { parts, panels, strings } = viewer;
  [...parts.actives.children].forEach((option, index) => {
    const panel = panels[index];
    const k = sliderOf(viewer, panel);
    const value = thresholdText(k);
    setText(option.lastChild, value);
    const name = { letter: letterOf(index), name: panel.entry.label, value };
    setAttribute(option, "aria-label", fill(strings.threshold_of, name));
    option.title = panel.entry.label;
    parts.marks.children[index].style.setProperty("--sv-share", (k - 1) / 254);
  });
}
