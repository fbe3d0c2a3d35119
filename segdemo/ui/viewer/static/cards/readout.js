// What is shown over the images: legends, the crosshair and the values under it.

import { make, setAttribute, setHidden, setText } from "../../../gradio_support/static/dom.js";
import { fill, intervalText, letterOf } from "../arithmetic/text.js";
import { thresholdOf } from "../arithmetic/thresholds.js";
import { frameOf } from "../arithmetic/view.js";
import { areasOf, swipedPanels } from "../drawing/drawing.js";
import { modeOf } from "../modes/modes.js";
import { showsClasses } from "../state/class_choice.js";
import { readClass } from "./classes.js";
import { fillLegend, miniBadge } from "./panels.js";

export function refreshLegends(viewer) {
  const { panels, settings, stage } = viewer;
  const mode = modeOf(viewer);
  const legendOf = (panel) => (settings.bare ? [] : mode.legend(viewer, panel));
  for (const panel of panels) fillLegend(panel.card.legend, legendOf(panel));
  const pair = swipedPanels(viewer);
  const against = pair.find((panel) => panel !== panels[settings.reference]);
  fillLegend(stage.legend, against ? legendOf(against) : []);
  stage.names.forEach((node, side) => {
    const panel = panels[side === 0 ? settings.left : settings.right];
    node.hidden = !panel;
    if (!panel) return;
    const index = panels.indexOf(panel);
    node.replaceChildren(miniBadge(viewer, index), make("span", "", panel.entry.label));
  });
}

// Draws the crosshair on every panel, and the values there.
export function refreshProbe(viewer) {
  const { point, picture, panels, settings, parts, stage, root } = viewer;
  const swipe = settings.layout === "swipe";
  setAttribute(root, "data-zoomed", String(viewer.view.zoom > 1));
  stage.divider.style.left = `${settings.divider * 100}%`;
  setAttribute(stage.divider, "aria-valuenow", String(Math.round(settings.divider * 100)));
  const frame = picture ? frameOf(viewer.view, picture, viewer.size) : null;
  for (const area of areasOf(viewer)) {
    setHidden(area.cross, !point || !frame);
    if (!point || !frame) continue;
    const x = (frame.left + point.x * frame.width) / viewer.density;
    const y = (frame.top + point.y * frame.height) / viewer.density;
    area.cross.style.transform = `translate(${x}px, ${y}px)`;
  }
  for (const panel of panels) showProbe(panel.card.probe, [panel], viewer, [""]);
  const pair = swipe ? swipedPanels(viewer) : [];
  const letters = pair.map((panel) => letterOf(panels.indexOf(panel)));
  showProbe(stage.probe, pair, viewer, letters);
  setText(parts.where, point && picture ? fill(viewer.strings.where, {
    x: Math.floor(point.x * picture.width), y: Math.floor(point.y * picture.height),
  }) : "");
}

// q under the point, or -1.
function valueAt({ map }, point) {
  if (!map || !point) return -1;
  return map.q[Math.floor(point.y * map.height) * map.width + Math.floor(point.x * map.width)];
}

function showProbe(node, panels, viewer, letters) {
  const values = panels.map((panel) => valueAt(panel, viewer.point));
  setHidden(node, !values.some((q) => q >= 0));
  if (node.hidden) return;
  node.replaceChildren(...values.map((q, index) => {
    const item = make("span", "sv-reading");
    if (showsClasses(panels[index])) return readClass(viewer, panels[index], letters[index], item);
    item.dataset.foreground = String(q >= thresholdOf(viewer, panels[index]));
    const text = fill(viewer.strings.probability, { interval: intervalText(q) });
    item.append(make("i"), `${letters[index]} ${text}`.trim());
    return item;
  }));
}
