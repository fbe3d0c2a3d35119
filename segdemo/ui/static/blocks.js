// The extreme values of a map's blocks, 16 x 16 cells each: whatever lies in blocks that a threshold
// does not cut through need not be looked at cell by cell.

const BLOCK_BITS = 4;
// In pixels.
const SHORTEST_RUN = 16;

// The lowest and the highest value in each block of 16 x 16 cells.
function blocksOf({ q, width, height }) {
  const side = 1 << BLOCK_BITS;
  const across = Math.ceil(width / side);
  const lowest = new Uint8Array(across * Math.ceil(height / side)).fill(255);
  const highest = new Uint8Array(lowest.length);
  for (let y = 0, i = 0; y < height; y++) {
    const line = (y >> BLOCK_BITS) * across;
    for (let block = line, x = 0; x < width; block++) {
      let [low, high] = [lowest[block], highest[block]];
      for (const end = Math.min(x + side, width); x < end; x++, i++) {
        const value = q[i];
        if (value < low) low = value;
        if (value > high) high = value;
      }
      lowest[block] = low;
      highest[block] = high;
    }
  }
  return { across, lowest, highest };
}

// The pixels of [from, to) in runs that are over whole blocks, `first` to `last`, and not so short
// that handling them costs more than painting; pixels outside of the picture are left out.
function blockRuns(cells, from, to) {
  const runs = [];
  for (let x = from; x < to; x++) {
    if (cells[x] < 0) continue;
    const block = cells[x] >> BLOCK_BITS;
    const run = runs[runs.length - 1];
    if (run && (run.last === block || run.to - run.from < SHORTEST_RUN)) {
      run.last = block;
      run.to = x + 1;
    } else {
      runs.push({ first: block, last: block, from: x, to: x + 1 });
    }
  }
  return runs;
}

// The parts of a box in which a value may lie in [low, high).
function changedBoxes(blocks, { columns, rows }, low, high, box) {
  const boxes = [];
  const runs = blockRuns(columns, box.left, box.right);
  for (const line of blockRuns(rows, box.top, box.bottom)) {
    let open = null;
    for (const run of runs) {
      if (!mayHave(blocks, line, run, low, high)) open = null;
      else if (open) open.right = run.to;
      else {
        open = { left: run.from, top: line.from, right: run.to, bottom: line.to };
        boxes.push(open);
      }
    }
  }
  return boxes;
}

function mayHave({ across, lowest, highest }, line, run, low, high) {
  for (let y = line.first; y <= line.last; y++) {
    for (let x = run.first, at = y * across + x; x <= run.last; x++, at++) {
      if (lowest[at] < high && highest[at] >= low) return true;
    }
  }
  return false;
}
