// Difference: where a panel's mask or classes differ from those of the reference panel or of the ground
// truth, over the image in grey.

import { differenceTable, matchClasses } from "../arithmetic/class_layers.js";
import { CLEAR, packColour, parseColour } from "../arithmetic/colours.js";
import { TRUTH_MARKS, errorTable } from "../arithmetic/counts.js";
import { paintPair, withOpacity } from "../arithmetic/maps.js";
import { fill, letterOf } from "../arithmetic/text.js";
import { thresholdOf } from "../arithmetic/thresholds.js";
import { cellsFor } from "../drawing/background.js";
import { classColours, classPlan, paintLabels } from "../drawing/class_plans.js";
import { maskPlan, pairPlan, pairSide } from "../drawing/plans.js";
import { pickOf, showsClasses } from "../state/class_choice.js";
import { againstTruth, truthOf } from "../state/evaluation.js";
import { colourOf } from "../state/viewer_state.js";

const AGREED = { r: 244, g: 246, b: 250 };

export const DIFFERENCE = Object.freeze({
  name: "difference",
  usesOpacity: true,
  comparesWithReference: true,
  background: "grey",
  through: null,

  plan(viewer, panel) {
    const { palette } = viewer;
    const reference = referenceOf(viewer);
    const tintHex = (hex) => tint(viewer, parseColour(hex));
    const truth = againstTruth(viewer) && truthOf(viewer, panel);
    if (truth) {
      const colours = Object.entries(palette.truth).map(([name, hex]) => [name, tintHex(hex)]);
      const { serial, width, height } = viewer.truth;
      const other = { q: truth, width, cells: cellsFor(viewer, width, height), marks: TRUTH_MARKS };
      const table = errorTable(Object.fromEntries(colours));
      return pairPlan(viewer, panel, other, table, `truth ${serial} ${pickOf(panel)}`);
    }
    const only = tintHex(colourOf(viewer, panel));
    if (!reference || !reference.map || reference === panel) return maskPlan(viewer, panel, only, CLEAR);
    const { map } = reference;
    const other = pairSide(viewer, map, thresholdOf(viewer, reference), 2);
    const table = [CLEAR, only, tintHex(colourOf(viewer, reference)), tint(viewer, AGREED)];
    return pairPlan(viewer, panel, other, table, map.serial);
  },

  planClasses(viewer, panel) {
    if (!comparesClasses(viewer, panel)) return null;
    const against = againstTruth(viewer) ? `truth ${viewer.truth.serial}` : referenceOf(viewer).classes.serial;
    const colours = classColours(viewer, panel, strengthOf(viewer), CLEAR);
    return classPlan(viewer, panel, `difference ${strengthOf(viewer)} ${against}`,
      paintDiffering(viewer, panel, colours));
  },

  legend(viewer, panel) {
    const { panels, strings } = viewer;
    const reference = referenceOf(viewer);
    if (comparesClasses(viewer, panel)) return classLegend(viewer, panel, reference);
    if (!panel.map) return [];
    if (againstTruth(viewer)) return truthLegend(viewer);
    if (!reference) return [];
    if (panel === reference) return [{ hex: colourOf(viewer, panel), text: strings.is_reference }];
    const name = (owner) => fill(strings.only, { name: letterOf(panels.indexOf(owner)) });
    return [
      { hex: "#f4f6fa", text: strings.both },
      { hex: colourOf(viewer, panel), text: name(panel) },
      { hex: colourOf(viewer, reference), text: name(reference) },
    ];
  },
});

// The reference panel, undefined where the ground truth is the reference.
function referenceOf({ panels, settings }) {
  return panels[settings.reference];
}

// Colours on grey need more strength than over the image itself.
function strengthOf({ settings }) {
  return 0.4 + 0.6 * settings.opacity;
}

function tint(viewer, colour) {
  return withOpacity(packColour(colour), strengthOf(viewer));
}

// Whether both sides have classes to compare.
function comparesClasses(viewer, panel) {
  if (!showsClasses(panel) || !panel.classes) return false;
  if (againstTruth(viewer)) return viewer.truth.several;
  const reference = referenceOf(viewer);
  return Boolean(reference && showsClasses(reference) && reference.classes);
}

// The classes where the reference's, or the ground truth's, are others; all of them in the reference
// itself.
function paintDiffering(viewer, panel, colours) {
  const { classes } = panel;
  const truth = againstTruth(viewer);
  const reference = referenceOf(viewer);
  if (!truth && reference === panel) return paintLabels(viewer, panel, colours);
  const names = classes.names;
  const other = truth ? viewer.truth : reference.classes;
  const match = truth ? names.map((_, label) => label) : matchClasses(names, other.names);
  const of = ({ labels, width, height }, shift) => ({
    q: labels, width, cells: cellsFor(viewer, width, height),
    marks: Uint16Array.from({ length: 256 }, (_, label) => label << shift),
  });
  return (box, out) =>
    paintPair(of(classes, 8), of(other, 0), differenceTable(colours, match), box, out);
}

// The colours of the classes themselves stand under the picture.
function classLegend({ strings }, panel, reference) {
  if (panel === reference) return [{ hex: "#9aa0a8", text: strings.is_reference }];
  return [{ hex: "#9aa0a8", text: strings.classes_same }, { hex: "", text: strings.classes_own }];
}

// What the colours against the ground truth mean.
function truthLegend({ palette, strings, truth }) {
  const names = ["hit", "wrong", "missed", ...(truth.void ? ["unsaid"] : [])];
  return names.map((name) => ({ hex: palette.truth[name], text: strings[`truth_${name}`] }));
}
