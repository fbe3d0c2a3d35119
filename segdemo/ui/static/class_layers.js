// The winners of several classes as maps and layers. `labels` holds the number of the class that
// wins at each cell; what is painted from them does not depend on the threshold.

// How many cells each of `count` classes has won.
function classCounts(labels, count) {
  const counts = new Float64Array(count);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}

// A map that is the same mask at every threshold: whatever is won by another than the background.
function winnersMap(labels, background) {
  const q = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) q[i] = labels[i] === background ? 0 : 255;
  return q;
}

// One class's map, of the size of the labels; `atlas` is {q, width, height} with all maps of
// `count` classes from top to bottom. Smaller ones are enlarged without inventing values.
function classMap(atlas, count, number, width, height) {
  const rows = atlas.height / count;
  const cells = atlas.q.subarray(number * rows * atlas.width, (number + 1) * rows * atlas.width);
  if (atlas.width === width && rows === height) return cells;
  const out = new Uint8Array(width * height);
  const cell = { columns: cellsAlong(width, 0, width, atlas.width), rows: cellsAlong(height, 0, height, rows) };
  sampleMap(cells, atlas.width, cell, out);
  return out;
}

// The q of whichever class has won.
function winningMap(atlas, count, labels, width, height) {
  const rows = atlas.height / count;
  const columns = cellsAlong(width, 0, width, atlas.width);
  const lines = cellsAlong(height, 0, height, rows);
  const out = new Uint8Array(labels.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      out[i] = atlas.q[(labels[i] * rows + lines[y]) * atlas.width + columns[x]];
    }
  }
  return out;
}

// For each of `names` its number among `others`, or -1; one set of classes is never translated.
function matchClasses(names, others) {
  const plain = (list) => list.map((name) => name.trim().toLowerCase());
  const [own, there] = [plain(names), plain(others)];
  if (own.length === there.length && own.every((name, i) => name === there[i])) return own.map((_, i) => i);
  return own.map((name) => there.indexOf(name));
}

// The share of cells that two networks give the same class; `match` as matchClasses says.
function sameShare(labels, others, match) {
  let same = 0;
  for (let i = 0; i < labels.length; i++) if (match[labels[i]] === others[i]) same++;
  return same / labels.length;
}

// For each class the layer that shows it, or `rest` where the class is hidden.
function paintClasses(labels, layers, out) {
  for (let i = 0; i < out.length; i++) out[i] = layers[labels[i]][i];
}

// The ground with the colour of each class laid over it; a class without a colour leaves it.
function classLayer(ground, labels, colours, opacity, out) {
  const rest = 1 - opacity;
  const part = colours.map((colour) => colour
    && { r: colour.r * opacity, g: colour.g * opacity, b: colour.b * opacity });
  for (let i = 0; i < out.length; i++) {
    const pixel = ground[i];
    const over = part[labels[i]];
    if (pixel === CLEAR || !over) { out[i] = pixel; continue; }
    const r = Math.round((pixel & 255) * rest + over.r);
    const g = Math.round(((pixel >> 8) & 255) * rest + over.g);
    const b = Math.round(((pixel >> 16) & 255) * rest + over.b);
    out[i] = (OPAQUE | (b << 16) | (g << 8) | r) >>> 0;
  }
}

// `inside` where the winners around a pixel are not all the same, `ground` elsewhere.
function classEdges(lowest, highest, inside, ground, out) {
  for (let i = 0; i < out.length; i++) out[i] = lowest[i] === highest[i] ? ground[i] : inside[i];
}

// The labels without those that agree: `same` in their place. `there` are the other's labels in
// its own numbers, of which `match` names the same class here.
function differingLabels(labels, there, match, same, out) {
  for (let i = 0; i < out.length; i++) out[i] = match[labels[i]] === there[i] ? same : labels[i];
}
