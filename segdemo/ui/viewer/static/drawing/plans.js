// Plans for painting a panel's image: what the image depends on and how a part of it is painted.
//
// A plan is {mark, thresholds, paint, step}: `thresholds` has each thresholded map with its k, as
// {map, k}, and `mark` stands for whatever else the image depends on. `paint(box, out)` paints a part
// of the image; `step(before, box, out)` repaints only the pixels that change sides between the
// thresholds `before.ks` and those of the plan. What either returns about all of a box is handed to the
// next step as `before.kept`.

import { CLEAR } from "../arithmetic/colours.js";
import { foregroundBits, grown, moveOutline, outlineOf } from "../arithmetic/edges.js";
import { flipBits, flippedRuns, paintPairRuns, paintRuns } from "../arithmetic/flips.js";
import { paintLevels, paintPair, thresholdTable } from "../arithmetic/maps.js";
import { thresholdOf } from "../arithmetic/thresholds.js";
import { cellsFor } from "./background.js";

// One colour for the foreground and one for the rest.
export function maskPlan(viewer, panel, on, off) {
  const { map } = panel;
  const k = thresholdOf(viewer, panel);
  const cells = cellsFor(viewer, map.width, map.height);
  const table = thresholdTable(k, on, off);
  return {
    mark: `${map.serial} cut ${on} ${off}`,
    thresholds: [{ map, k }],
    paint: (box, out) => paintLevels(map.q, map.width, cells, table, box, out),
    step({ ks }, box, out) {
      paintRuns(flippedRuns(map, cells, ks[0], k, box), map, cells, table, out);
    },
  };
}

// Paints along the edge of the panel's mask, which alone depends on the threshold: thicker inside of it
// than outside. `paint(box, out)` paints everything else, and `move(gone, come, out)` the pixels that are
// no longer part of the edge and those that have become part of it.
export function edgePlan(viewer, panel, mark, { paint, move }) {
  const { map } = panel;
  const { density, size } = viewer;
  const k = thresholdOf(viewer, panel);
  const cells = cellsFor(viewer, map.width, map.height);
  const reach = { thick: Math.round(1.5 * density), thin: Math.max(1, Math.round(density)) };
  const furthest = Math.max(reach.thick, reach.thin);
  const around = (box) => grown(box, furthest);
  const begin = (level, box) => {
    const outline = outlineOf(
      foregroundBits(map, cells.wide, level, around(box)), cells, reach, box, boxOf(size),
    );
    return { outline, ...moveOutline(outline) };
  };
  return {
    mark: `${map.serial} ${mark} ${density}`,
    thresholds: [{ map, k }],
    paint(box, out) {
      const { outline, gone, come } = begin(k, box);
      paint(box, out);
      move(gone, come, out);
      return outline;
    },
    step({ ks, kept }, box, out) {
      const outline = kept || begin(ks[0], box).outline;
      const runs = flippedRuns(map, cells.wide, ks[0], k, around(box));
      const { gone, come } = moveOutline(outline, flipBits(runs, outline.mask, furthest));
      move(gone, come, out);
      return outline;
    },
  };
}

// One side of a pair: a thresholded map whose foreground has this mark.
export function pairSide(viewer, map, k, mark) {
  const { q, width, height } = map;
  return { map, k, q, width, cells: cellsFor(viewer, width, height), marks: thresholdTable(k, mark, 0) };
}

// The panel's mask against another map: its mark is 1, and the other's are 2 and 4.
export function pairPlan(viewer, panel, other, colours, mark) {
  const own = pairSide(viewer, panel.map, thresholdOf(viewer, panel), 1);
  const thresholds = [own, other].filter(({ map }) => map);
  const table = Uint32Array.from(colours);
  return {
    mark: `${own.map.serial} pair ${mark} ${table}`,
    thresholds,
    paint: (box, out) => paintPair(own, other, table, box, out),
    step({ ks }, box, out) {
      thresholds.forEach(({ map, k, cells }, at) =>
        paintPairRuns(flippedRuns(map, cells, ks[at], k, box), own, other, table, out));
    },
  };
}

export function boxOf({ width, height }) {
  return { left: 0, top: 0, right: width, bottom: height };
}

export function clearBox({ width }, { left, top, right, bottom }, out) {
  for (let y = top; y < bottom; y++) out.fill(CLEAR, y * width + left, y * width + right);
}
