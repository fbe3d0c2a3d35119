// Reads an image's table of counts at every threshold k in 0..256, and computes scores from it.

const COUNTED = 257;

// The rows that Tables.to_bytes writes: the foreground of each network, what each two share and,
// with a truth, the right and the wrong foreground of each network.
export function readTable(buffer, networks, scored) {
  const pairs = (networks * (networks - 1)) / 2;
  const wanted = networks + pairs + (scored ? 2 * networks : 0);
  if (buffer.byteLength !== wanted * COUNTED * 4) throw new RangeError("A table of another size.");
  const view = new DataView(buffer);
  const rows = Array.from({ length: wanted }, (_, row) =>
    Float64Array.from({ length: COUNTED }, (_, k) => view.getUint32(4 * (row * COUNTED + k), true)));
  const truths = rows.slice(networks + pairs);
  return {
    tails: rows.slice(0, networks),
    shared: rows.slice(networks, networks + pairs),
    right: truths.filter((_, at) => at % 2 === 0),
    wrong: truths.filter((_, at) => at % 2 === 1),
  };
}

// What is 0/0 is NaN, and means leave it out.
export function meanOf(values) {
  const known = values.filter(Number.isFinite);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : NaN;
}

export function shareIn(table, place, k) {
  return table.tails[place][k] / table.tails[place][0];
}

// 1 less the mean IoU of all pairs of networks.
export function disagreementIn({ tails, shared }, k) {
  const ious = [];
  let at = 0;
  for (let first = 0; first < tails.length; first++) {
    for (let second = first + 1; second < tails.length; second++) {
      const both = shared[at++][k];
      ious.push(both / (tails[first][k] + tails[second][k] - both));
    }
  }
  return 1 - meanOf(ious);
}

export function diceIn({ right, wrong }, place, k) {
  if (place >= right.length) return NaN;
  const found = right[place][k];
  const missed = right[place][0] - found;
  return (2 * found) / (2 * found + wrong[place][k] + missed);
}

export function meanDiceIn(table, k) {
  return meanOf(table.right.map((_, place) => diceIn(table, place, k)));
}

// Rows in the chosen order: first the largest disagreement, or the lowest score. Rows without such a
// figure come last; equal ones keep their order.
export function sortedRows(rows, order, k) {
  const key = {
    disagreement: ({ table }) => (table ? disagreementIn(table, k) : NaN),
    dice: ({ table }) => (table ? -meanDiceIn(table, k) : NaN),
    given: () => 0,
  }[order];
  const keyed = rows.map((row) => ({ row, value: key(row) }));
  const rank = (value) => (Number.isNaN(value) ? -Infinity : value);
  keyed.sort((a, b) => (rank(a.value) === rank(b.value)
    ? a.row.number - b.row.number : rank(b.value) - rank(a.value)));
  return keyed.map(({ row }) => row);
}
