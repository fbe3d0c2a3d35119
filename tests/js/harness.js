// A few lines that let plain JavaScript state claims: test(name, body), equal, close, throws.

export const tests = new Map();

export function test(name, body) {
  if (tests.has(name)) throw new Error(`Two tests are called "${name}".`);
  tests.set(name, body);
}

// Arrays of every kind become plain ones, so that contents are compared and not classes.
function plain(value) {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Set) return Array.from(value);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, plain(value[key])]));
  }
  return value;
}

function show(value) {
  return JSON.stringify(plain(value), (_, item) =>
    (typeof item === "number" && !Number.isFinite(item) ? String(item) : item));
}

export function equal(actual, expected) {
  if (show(actual) !== show(expected)) throw new Error(`${show(actual)} is not ${show(expected)}`);
}

export function close(actual, expected, tolerance = 1e-9) {
  if (!(Math.abs(actual - expected) <= tolerance)) throw new Error(`${actual} is not ${expected}`);
}

export function throws(body) {
  try {
    body();
  } catch {
    return;
  }
  throw new Error("Nothing was thrown.");
}

// The same numbers in 0..255 at every run.
export function noise(length, seed = 1) {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
