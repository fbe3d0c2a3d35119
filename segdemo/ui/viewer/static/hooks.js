// What tests read from a viewer: its state, its numbers, and the mask as it is drawn.

import { coverage } from "./arithmetic/histogram.js";
import { thresholdOf } from "./arithmetic/thresholds.js";
import { cellsFor } from "./drawing/background.js";
import { evaluationOf, scoresNow } from "./state/evaluation.js";
import { stateFor } from "./state/viewer_state.js";
import { agreementAt } from "./toolbar/agreements.js";

export function hooksOf(viewer) {
  return {
    state: () => ({ ...stateFor(viewer), view: { ...viewer.view }, size: { ...viewer.size } }),
    actions: viewer.actions,
    // Resolves when all scheduled changes are on the screen.
    drawn: () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    coverage: (index) => coverage(viewer.panels[index].map.tail, thresholdOf(viewer, viewer.panels[index])),
    agreement: (first, second) => agreementAt(viewer,
      viewer.agreements.find((item) => item.first === first && item.second === second)),
    scores: (index) => scoresNow(viewer, viewer.panels[index], evaluationOf(viewer, viewer.panels[index])),
    values: (index) => viewer.panels[index].map.q,
    // How many pixels of masks have been painted so far.
    painted: () => viewer.pixelsPainted,
    maskPixels: (index) => maskPixels(viewer, viewer.panels[index]),
  };
}

// The drawn mask, one value per cell of the map, read back from the canvas at the cell's middle:
// 1 foreground, 0 background, 255 where no panel pixel shows the cell. Meant for the mask mode.
function maskPixels(viewer, panel) {
  const { width, height } = panel.map;
  const { columns, rows } = cellsFor(viewer, width, height);
  const { canvas } = panel.card;
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const mask = new Uint8Array(width * height).fill(255);
  const middle = (cells, count) => {
    const seen = Array.from({ length: count }, () => []);
    cells.forEach((cell, at) => { if (cell >= 0) seen[cell].push(at); });
    return seen.map((places) => (places.length ? places[places.length >> 1] : -1));
  };
  const xs = middle(columns, width);
  const ys = middle(rows, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (xs[x] < 0 || ys[y] < 0) continue;
      mask[y * width + x] = pixels[4 * (ys[y] * canvas.width + xs[x])] > 127 ? 1 : 0;
    }
  }
  return { width, height, mask };
}
