// Links that open a comparison again: its checkpoints and image, and the viewer's settings.

const OWN_WORDS = Object.freeze(["m", "ex", "t", "pick", "palette", "mode", "view"]);

// The address for `pairs`, [[name, value], ...] from Python, and what is set in the viewer.
export function linkTo({ origin, pathname }, pairs, { thresholds, picks, palettes, mode, layout }) {
  const words = new URLSearchParams(pairs);
  words.append("t", new Set(thresholds).size > 1 ? thresholds.join(",") : String(thresholds[0]));
  for (const [name, each] of [["pick", picks], ["palette", palettes]]) {
    if (each.some(Boolean)) words.append(name, each.join(","));
  }
  words.append("mode", mode);
  words.append("view", layout);
  // Readable where nothing forbids it.
  const query = words.toString().replace(/%(2F|3A|40|2C)/g, decodeURIComponent);
  return `${origin}${pathname}?${query}`;
}

// A link with what else an address says, such as the theme.
export function withOthers(link, search) {
  const others = new URLSearchParams(search);
  for (const name of OWN_WORDS) others.delete(name);
  return others.size ? `${link}&${others}` : link;
}

// Whether an address names something to open.
export function namesComparison(search) {
  const words = new URLSearchParams(search);
  return words.has("m") || words.has("ex");
}
