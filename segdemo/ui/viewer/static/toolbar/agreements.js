// The agreement of each pair of panels at the present thresholds.

import { make, setText } from "../../../gradio_support/static/dom.js";
import { agreement, jointTailSums } from "../arithmetic/histogram.js";
import { fill } from "../arithmetic/text.js";
import { thresholdOf } from "../arithmetic/thresholds.js";
import { miniBadge } from "../cards/panels.js";
import { sameClassShare } from "../state/class_choice.js";
import { schedule, statusNow } from "../state/viewer_state.js";

export function agreementAt(viewer, { first, second, joint }) {
  const k = (index) => thresholdOf(viewer, viewer.panels[index]);
  return joint ? agreement(joint, k(first), k(second)) : NaN;
}

// One chip for each pair of panels that have or will have a map; maps of different sizes cannot be
// compared.
export function refreshAgreements(viewer) {
  const { parts, panels, strings } = viewer;
  const items = [];
  viewer.pairCounted = viewer.pairsLeft = false;
  for (let i = 0; i < panels.length; i++) {
    for (let j = i + 1; j < panels.length; j++) {
      const failed = [panels[i], panels[j]].some((panel) => statusNow(viewer, panel) === "failed");
      if (!failed) items.push(agreementItem(viewer, i, j));
    }
  }
  if (viewer.pairsLeft) schedule(viewer, "panels");
  viewer.agreements = items;
  parts.agreement.replaceChildren(...items.map(({ first, second, output, joint, same }) => {
    const chip = make("li", "sv-chip");
    const names = { first: panels[first].entry.label, second: panels[second].entry.label };
    const hint = joint ? strings.agreement_of : strings.agreement_missing;
    chip.title = fill(same === null ? hint : strings.agreement_classes, names);
    chip.append(miniBadge(viewer, first), miniBadge(viewer, second), output);
    return chip;
  }));
  parts.foot.hidden = panels.length === 0;
  parts.agreementLabel.hidden = items.length === 0;
  setText(parts.agreementLabel, agreementName(items, strings));
}

// What the chips hold: the overlap of masks, the share of pixels of one class, or some of each.
function agreementName(items, strings) {
  const byClass = items.filter(({ same }) => same !== null).length;
  if (byClass === 0) return strings.agreement;
  return byClass === items.length ? strings.agreement_same : strings.agreement_mixed;
}

// Counts one pair in a frame: all six pairs of four large maps at once would block the page.
function countPair(viewer, key, a, b) {
  if (viewer.pairCounted) viewer.pairsLeft = true;
  else viewer.joints.set(key, jointTailSums(a.q, b.q));
  viewer.pairCounted = true;
}

function agreementItem(viewer, first, second) {
  const a = viewer.panels[first].map;
  const b = viewer.panels[second].map;
  const comparable = a && b && a.width === b.width && a.height === b.height;
  const key = comparable ? `${a.serial} ${b.serial}` : "";
  const same = comparable ? sameClassShare(viewer, viewer.panels[first], viewer.panels[second]) : null;
  if (comparable && !viewer.joints.has(key)) countPair(viewer, key, a, b);
  return { first, second, output: make("span", "sv-number"), joint: viewer.joints.get(key) || null, same };
}
