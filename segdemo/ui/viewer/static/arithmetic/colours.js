// Colours as numbers: #rrggbb, and pixels packed as canvases hold them (0xAABBGGRR).

export const OPAQUE = 0xff000000;
export const CLEAR = 0;
export const WHITE = 0xffffffff;
export const BLACK = 0xff000000;

// "#rrggbb" to {r, g, b} in 0..255, or null when it is not written like that.
export function parseColour(hex) {
  if (!/^#[0-9a-f]{6}$/i.test(hex)) return null;
  const value = parseInt(hex.slice(1), 16);
  return { r: value >> 16, g: (value >> 8) & 255, b: value & 255 };
}

export function packColour({ r, g, b }) {
  return (OPAQUE | (b << 16) | (g << 8) | r) >>> 0;
}

// Between a (share 0) and b (share 1).
export function mixColours(a, b, share) {
  const mix = (from, to) => Math.round(from + (to - from) * share);
  return { r: mix(a.r, b.r), g: mix(a.g, b.g), b: mix(a.b, b.b) };
}

// Relative luminance as WCAG 2 defines it, in [0, 1].
function luminance({ r, g, b }) {
  const linear = (value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

// Black or white, whichever reads better on the colour.
export function textColourOn(colour) {
  return luminance(colour) > 0.179 ? "#000000" : "#ffffff";
}

// 256 packed colours along equally spaced stops.
export function colourRamp(stops) {
  const colours = stops.map(parseColour);
  const ramp = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (colours.length - 1);
    const left = Math.min(Math.floor(at), colours.length - 2);
    ramp[i] = packColour(mixColours(colours[left], colours[left + 1], at - left));
  }
  return ramp;
}
