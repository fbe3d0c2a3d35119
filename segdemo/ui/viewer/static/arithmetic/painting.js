// Keeps each panel's image as it should be and paints no more of it than what has changed.

// The cells that may flip for each pixel of a box before painting all of it is sooner done.
const FEW_FLIPS = 1 / 16;

// What of a box lies outside of another one.
function boxesWithout(box, other) {
  const both = shared(box, other);
  if (isEmpty(both)) return [box];
  return [
    { ...box, bottom: both.top },
    { ...box, top: both.bottom },
    { left: box.left, top: both.top, right: both.left, bottom: both.bottom },
    { left: both.right, top: both.top, right: box.right, bottom: both.bottom },
  ].filter((part) => !isEmpty(part));
}

// Which thresholds a plan's maps are cut at.
function ksOf({ cuts }) {
  return cuts.map(({ k }) => k);
}

// Whether nothing but thresholds has changed. `before` and `after` are {mark, ks, box, left, top,
// scale}, of which `mark` stands for whatever else the image depends on.
function isStep(before, after) {
  return Boolean(before) && before.mark === after.mark && before.scale === after.scale
    && before.left === after.left && before.top === after.top && sameBox(before.box, after.box)
    && !sameThresholds(before, after);
}

function sameThresholds(before, after) {
  return before.ks.every((k, at) => k === after.ks[at]);
}

// Whether but few cells change sides between the thresholds before and those of the cuts.
function flipsFew({ ks }, cuts, { left, top, right, bottom }) {
  const flips = cuts.map(({ map: { tail }, k }, at) => Math.abs(tail[k] - tail[ks[at]]));
  return flips.reduce((sum, count) => sum + count, 0) <= FEW_FLIPS * (right - left) * (bottom - top);
}

// The parts of a box that have to be painted, after what can be kept has been moved in place.
function staleBoxes(before, after, { image, pixels }) {
  const { box } = after;
  if (!before || before.mark !== after.mark || before.scale !== after.scale) return [box];
  if (!sameThresholds(before, after)) return [box];
  const [dx, dy] = [Math.round(after.left - before.left), Math.round(after.top - before.top)];
  const off = Math.max(Math.abs(after.left - before.left - dx), Math.abs(after.top - before.top - dy));
  // Between whole pixels other cells lie under the middle of each.
  if (off > 1e-6) return [box];
  const { width, height } = image;
  if (Math.abs(dx) >= width || Math.abs(dy) >= height) return [box];
  if (dx !== 0 || dy !== 0) shiftPixels(pixels, width, height, dx, dy);
  const { left, top, right, bottom } = before.box;
  const there = { left: left + dx, top: top + dy, right: right + dx, bottom: bottom + dy };
  return boxesWithout(box, shared(there, { left: 0, top: 0, right: width, bottom: height }));
}

// Brings the box of a panel's image up to date.
function refreshImage(viewer, panel, plan, box) {
  const { size: { width, height }, frame } = viewer;
  if (!panel.image || panel.image.width !== width || panel.image.height !== height) {
    panel.image = new ImageData(width, height);
    panel.pixels = new Uint32Array(panel.image.data.buffer);
    panel.painted = null;
  }
  const { left, top } = frame;
  const before = panel.painted;
  const after = {
    mark: plan.mark, ks: ksOf(plan), box, left, top,
    scale: `${frame.width} ${frame.height}`, kept: null,
  };
  if (isStep(before, after) && flipsFew(before, plan.cuts, box)) {
    after.kept = plan.step(before, box, panel.pixels);
  } else {
    for (const part of staleBoxes(before, after, panel)) {
      const kept = plan.paint(part, panel.pixels);
      if (sameBox(part, box)) after.kept = kept;
      viewer.pixelsPainted += (part.right - part.left) * (part.bottom - part.top);
    }
  }
  panel.painted = after;
}
