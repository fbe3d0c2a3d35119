// Maps to pixels. Everything that does not depend on the threshold is made once per view; one step
// of the threshold is then one comparison per pixel shown. Pixels are packed 0xAABBGGRR; outside of
// the picture they are clear. `cells` is {columns, rows}: the map's cell under each panel pixel.

// The map's values at panel pixels, the nearest one: what is shown is q itself, never an average.
function sampleMap(map, mapWidth, { columns, rows }, out) {
  const width = columns.length;
  out.fill(0);
  for (let y = 0; y < rows.length; y++) {
    if (rows[y] < 0) continue;
    const from = rows[y] * mapWidth;
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (columns[x] >= 0) out[i] = map[from + columns[x]];
    }
  }
}

// The largest value within `radius` pixels in x and y; with flip 255 the smallest one.
function extremeFilter(values, width, height, radius, flip, scratch, out) {
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      const last = row + Math.min(x + radius, width - 1);
      let best = 0;
      for (let near = row + Math.max(x - radius, 0); near <= last; near++) {
        const value = values[near] ^ flip;
        if (value > best) best = value;
      }
      scratch[row + x] = best;
    }
  }
  for (let y = 0; y < height; y++) {
    const first = Math.max(y - radius, 0) * width;
    const last = Math.min(y + radius, height - 1) * width;
    for (let x = 0; x < width; x++) {
      let best = 0;
      for (let near = first + x; near <= last + x; near += width) {
        if (scratch[near] > best) best = scratch[near];
      }
      out[y * width + x] = best ^ flip;
    }
  }
}

// Makes the picture opaque and its surroundings clear, whatever smoothing left at its edges.
function sealPicture(pixels, { columns, rows }) {
  const width = columns.length;
  for (let y = 0; y < rows.length; y++) {
    for (let x = 0, i = y * width; x < width; x++, i++) {
      pixels[i] = rows[y] >= 0 && columns[x] >= 0 ? (pixels[i] | OPAQUE) >>> 0 : CLEAR;
    }
  }
}

// The picture with a colour laid over it.
function tintLayer(picture, colour, opacity, out) {
  const table = (target, shift) => Uint32Array.from({ length: 256 }, (_, value) =>
    Math.round(value + (target - value) * opacity) << shift);
  const red = table(colour.r, 0);
  const green = table(colour.g, 8);
  const blue = table(colour.b, 16);
  for (let i = 0; i < out.length; i++) {
    const pixel = picture[i];
    out[i] = pixel === CLEAR ? CLEAR
      : OPAQUE | blue[(pixel >> 16) & 255] | green[(pixel >> 8) & 255] | red[pixel & 255];
  }
}

// One colour wherever there is picture.
function flatLayer(picture, packed, out) {
  for (let i = 0; i < out.length; i++) out[i] = picture[i] === CLEAR ? CLEAR : packed;
}

// The picture in darkened grey, on which any two colours can be told apart.
function greyLayer(picture, brightness, out) {
  for (let i = 0; i < out.length; i++) {
    const pixel = picture[i];
    if (pixel === CLEAR) { out[i] = CLEAR; continue; }
    const grey = ((pixel & 255) * 0.299 + ((pixel >> 8) & 255) * 0.587
      + ((pixel >> 16) & 255) * 0.114) * brightness;
    out[i] = (OPAQUE | (grey << 16) | (grey << 8) | grey) >>> 0;
  }
}

// The picture with each probability's colour laid over it.
function heatLayer(picture, values, ramp, opacity, out) {
  const rest = 1 - opacity;
  for (let i = 0; i < out.length; i++) {
    const pixel = picture[i];
    if (pixel === CLEAR) { out[i] = CLEAR; continue; }
    const heat = ramp[values[i]];
    const r = (pixel & 255) * rest + (heat & 255) * opacity;
    const g = ((pixel >> 8) & 255) * rest + ((heat >> 8) & 255) * opacity;
    const b = ((pixel >> 16) & 255) * rest + ((heat >> 16) & 255) * opacity;
    out[i] = (OPAQUE | (b << 16) | (g << 8) | r) >>> 0;
  }
}

// A chequered ground, the sign for "cut away".
function chequerLayer(picture, width, square, light, dark, out) {
  for (let i = 0; i < out.length; i++) {
    const x = Math.floor((i % width) / square);
    const y = Math.floor(Math.floor(i / width) / square);
    out[i] = picture[i] === CLEAR ? CLEAR : (x + y) % 2 ? dark : light;
  }
}

// Foreground shows `on`, everything else `off`.
function paintMask(values, k, on, off, out) {
  for (let i = 0; i < out.length; i++) out[i] = values[i] >= k ? on[i] : off[i];
}

// The foreground's edge on a ground that does not depend on the threshold: `line` just inside of
// it and `halo` just outside. `lowest` and `highest` are the extreme values around each pixel.
function paintContour(values, lowest, highest, k, { line, halo, ground }, out) {
  for (let i = 0; i < out.length; i++) {
    if (values[i] >= k) out[i] = lowest[i] < k ? line[i] : ground[i];
    else out[i] = highest[i] >= k ? halo[i] : ground[i];
  }
}

// What a mask gets right and wrong; `truth` has 1, 0 and, where nothing is said, any other value.
function paintErrors(values, k, truth, { hit, wrong, missed, rest, unsaid }, out) {
  for (let i = 0; i < out.length; i++) {
    const here = values[i] >= k;
    if (truth[i] > 1) out[i] = unsaid[i];
    else if (truth[i] === 1) out[i] = here ? hit[i] : missed[i];
    else out[i] = here ? wrong[i] : rest[i];
  }
}

// Two masks {values, k} against each other: layers for both, this one alone, the reference alone,
// neither.
function paintDifference(mask, reference, { both, only, missing, neither }, out) {
  for (let i = 0; i < out.length; i++) {
    const here = mask.values[i] >= mask.k;
    const there = reference.values[i] >= reference.k;
    out[i] = here ? (there ? both[i] : only[i]) : (there ? missing[i] : neither[i]);
  }
}
