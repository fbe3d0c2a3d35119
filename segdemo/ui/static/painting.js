// Keeps each panel's image as it should be and paints no more of it than what has changed.

// Of a box, beyond which it is painted as a whole.
const WHOLE_FROM = 0.85;

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

// The parts of a box that have to be painted, after what can be kept has been moved in place.
// `before` and `after` are {mark, ks, box, left, top, scale}: the thresholds, and `mark` for whatever
// else the image depends on. `changed(ks, box)` are the parts that thresholds moving from `ks` change.
function staleBoxes(before, after, { image, pixels }, changed) {
  const { box } = after;
  if (!before || before.mark !== after.mark || before.scale !== after.scale) return [box];
  const [dx, dy] = [Math.round(after.left - before.left), Math.round(after.top - before.top)];
  const off = Math.max(Math.abs(after.left - before.left - dx), Math.abs(after.top - before.top - dy));
  // Between whole pixels other cells lie under the middle of each.
  if (off > 1e-6) return [box];
  const moved = dx !== 0 || dy !== 0;
  if (after.ks.some((k, at) => k !== before.ks[at])) {
    const same = !moved && boxesWithout(box, before.box).length === 0;
    return same ? changed(before.ks, box) : [box];
  }
  const { width, height } = image;
  if (Math.abs(dx) >= width || Math.abs(dy) >= height) return [box];
  if (moved) shiftPixels(pixels, width, height, dx, dy);
  const { left, top, right, bottom } = before.box;
  const there = { left: left + dx, top: top + dy, right: right + dx, bottom: bottom + dy };
  return boxesWithout(box, shared(there, { left: 0, top: 0, right: width, bottom: height }));
}

// The parts of a box that thresholds change when they move from `before` to those of the cuts
// {blocks, cells, k}; a mask's edge is drawn up to `reach` pixels away from it.
function boxesBetween(before, cuts, reach, box) {
  const moves = new Map();
  cuts.forEach(({ blocks, cells, k }, at) => {
    if (k === before[at]) return;
    const move = { blocks, low: Math.min(k, before[at]), high: Math.max(k, before[at]) };
    moves.set(cells, [...(moves.get(cells) || []), move]);
  });
  const boxes = [...moves].flatMap(([cells, some]) => changedBoxes(some, cells, box))
    .map((part) => shared(grown(part, reach), box));
  // So many that one is quicker.
  const much = WHOLE_FROM * pixelsOf(box);
  return boxes.reduce((sum, part) => sum + pixelsOf(part), 0) > much ? [box] : boxes;
}

function pixelsOf({ left, top, right, bottom }) {
  return (right - left) * (bottom - top);
}

// Brings the box of a panel's image up to date; the parts of it that were painted.
function refreshImage(viewer, panel, plan, box) {
  const { size: { width, height }, frame } = viewer;
  if (!panel.image || panel.image.width !== width || panel.image.height !== height) {
    panel.image = new ImageData(width, height);
    panel.pixels = new Uint32Array(panel.image.data.buffer);
    panel.painted = null;
  }
  const { left, top } = frame;
  const { mark, cuts, reach } = plan;
  const ks = cuts.map(({ k }) => k);
  const after = { mark, ks, box, left, top, scale: `${frame.width} ${frame.height}` };
  const changed = (before, within) => boxesBetween(before, cuts, reach, within);
  const stale = staleBoxes(panel.painted, after, panel, changed);
  for (const part of stale) {
    plan.paint(part, panel.pixels);
    viewer.pixelsPainted += pixelsOf(part);
  }
  panel.painted = after;
  return stale;
}
