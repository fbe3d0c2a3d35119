// The extreme values of a map's blocks, 16 x 16 cells each: a block whose values all lie on one side of
// a threshold need not be read cell by cell.

export const BLOCK_BITS = 4;

// The lowest and the highest value in each block of 16 x 16 cells.
export function blocksOf({ q, width, height }) {
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
