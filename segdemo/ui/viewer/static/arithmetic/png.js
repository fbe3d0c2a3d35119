// Decodes greyscale PNG files. A canvas would do, but in some browsers it does not give back the file's
// exact values: they add noise against fingerprinting.

export const PNG_SIGNATURE = Object.freeze([137, 80, 78, 71, 13, 10, 26, 10]);

// {width, height, packed} of a PNG of 8-bit grey without interlacing, or null for any other file.
// `packed` is its zlib stream.
export function readGreyPng(bytes) {
  if (PNG_SIGNATURE.some((value, at) => bytes[at] !== value)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts = [];
  let header = null;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const start = at + 8;
    if (start + length + 4 > bytes.length) return null;
    if (name === "IHDR") {
      const [depth, colour, , , interlace] = bytes.subarray(start + 8, start + 13);
      if (depth !== 8 || colour !== 0 || interlace !== 0) return null;
      header = { width: view.getUint32(start), height: view.getUint32(start + 4) };
    } else if (name === "IDAT") {
      parts.push(bytes.subarray(start, start + length));
    }
    at = start + length + 4;
  }
  return header && parts.length > 0 ? { ...header, packed: new Blob(parts) } : null;
}

// {q, width, height} of such a PNG's bytes, or null for any other file.
export async function readMap(bytes) {
  const png = readGreyPng(bytes);
  if (!png) return null;
  const { width, height, packed } = png;
  return { q: unfilterGrey(await inflate(packed), width, height), width, height };
}

export async function inflate(packed) {
  const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Undoes the PNG filters: each row of `raw` begins with the number of its filter.
export function unfilterGrey(raw, width, height) {
  if (raw.length !== height * (width + 1)) throw new RangeError("A PNG of another size.");
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = y * (width + 1);
    unfilterRow(raw[from], raw.subarray(from + 1, from + 1 + width), out, y * width, width, y > 0);
  }
  return out;
}

export function unfilterRow(filter, row, out, start, width, hasAbove) {
  for (let x = 0, i = start; x < width; x++, i++) {
    const left = x > 0 ? out[i - 1] : 0;
    const above = hasAbove ? out[i - width] : 0;
    const corner = hasAbove && x > 0 ? out[i - width - 1] : 0;
    let guess = 0;
    if (filter === 1) guess = left;
    else if (filter === 2) guess = above;
    else if (filter === 3) guess = (left + above) >> 1;
    else if (filter === 4) guess = paeth(left, above, corner);
    else if (filter !== 0) throw new RangeError("A filter that PNG does not know.");
    out[i] = row[x] + guess;
  }
}

// The neighbour that is nearest to left + above - corner.
export function paeth(left, above, corner) {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
