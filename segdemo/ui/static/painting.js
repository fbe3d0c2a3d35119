// Keeps each panel's image as it should be and paints no more of it than what has changed.

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
// `before` and `after` are {mark, k, box, left, top, scale}, of which `mark` stands for whatever
// else the image depends on.
function staleBoxes(before, after, { image, pixels }, changed) {
  const { box } = after;
  if (!before || before.mark !== after.mark || before.scale !== after.scale) return [box];
  const [dx, dy] = [Math.round(after.left - before.left), Math.round(after.top - before.top)];
  const off = Math.max(Math.abs(after.left - before.left - dx), Math.abs(after.top - before.top - dy));
  // Between whole pixels other cells lie under the middle of each.
  if (off > 1e-6) return [box];
  const moved = dx !== 0 || dy !== 0;
  if (before.k !== after.k) {
    const same = !moved && changed && boxesWithout(box, before.box).length === 0;
    return same ? changed(Math.min(before.k, after.k), Math.max(before.k, after.k), box) : [box];
  }
  const { width, height } = image;
  if (Math.abs(dx) >= width || Math.abs(dy) >= height) return [box];
  if (moved) shiftPixels(pixels, width, height, dx, dy);
  const { left, top, right, bottom } = before.box;
  const there = { left: left + dx, top: top + dy, right: right + dx, bottom: bottom + dy };
  return boxesWithout(box, shared(there, { left: 0, top: 0, right: width, bottom: height }));
}

// Brings the box of a panel's image up to date. `paint(part, pixels, stepped)` is told when nothing
// but the threshold has changed.
function refreshImage(viewer, panel, plan, box) {
  const { size: { width, height }, frame } = viewer;
  if (!panel.image || panel.image.width !== width || panel.image.height !== height) {
    panel.image = new ImageData(width, height);
    panel.pixels = new Uint32Array(panel.image.data.buffer);
    panel.painted = null;
  }
  const { left, top } = frame;
  const scale = `${frame.width} ${frame.height}`;
  const before = panel.painted;
  const after = { mark: plan.mark, k: plan.k, box, left, top, scale };
  const stepped = Boolean(before) && before.mark === plan.mark && before.scale === scale
    && before.left === left && before.top === top && sameBox(before.box, box);
  for (const part of staleBoxes(before, after, panel, plan.changed)) {
    plan.paint(part, panel.pixels, stepped);
    viewer.pixelsPainted += (part.right - part.left) * (part.bottom - part.top);
  }
  panel.painted = after;
}
