// Formats texts and numbers: templates, probabilities, shares, times; and the languages.

export const LANGUAGE_TAGS = Object.freeze({ en: "en", zh: "zh-CN" });

// Replaces {name} by values[name]; a name without a value stays as it is written.
export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) =>
    Object.prototype.hasOwnProperty.call(values, name) ? String(values[name]) : whole);
}

// The threshold k stands for k/256; three decimals tell all 255 apart.
export function thresholdText(k) {
  return (k / 256).toFixed(3);
}

// What is known of a probability whose quantised value is q: q/256 <= p < (q + 1)/256.
export function intervalText(q) {
  return `${(q / 256).toFixed(3)}–${((q + 1) / 256).toFixed(3)}`;
}

// A probability; never "0.000" or "1.000" unless it is exactly that.
export function probabilityText(p) {
  const text = p.toFixed(3);
  if (text === "0.000" && p > 0) return "<0.001";
  if (text === "1.000" && p < 1) return ">0.999";
  return text;
}

// A share in [0, 1] as a percentage; never "0.00" or "100.00" unless it is exactly that.
export function percentText(share) {
  const text = (share * 100).toFixed(2);
  if (text === "0.00" && share > 0) return "<0.01";
  if (text === "100.00" && share < 1) return ">99.99";
  return text;
}

// An agreement in [0, 1], or a dash where it is not defined.
export function agreementText(value) {
  if (!Number.isFinite(value)) return "–";
  return value < 1 && value >= 0.9995 ? ">0.999" : value.toFixed(3);
}

// The unit is chosen so that at most four digits are shown.
export function durationText(milliseconds, strings) {
  if (milliseconds < 999.5) {
    const digits = milliseconds < 9.95 ? 1 : 0;
    return fill(strings.milliseconds, { value: milliseconds.toFixed(digits) });
  }
  const seconds = milliseconds / 1000;
  return fill(strings.seconds, { value: seconds.toFixed(seconds < 99.5 ? 1 : 0) });
}

export function zoomText(zoom) {
  return `${zoom < 9.95 ? zoom.toFixed(1) : zoom.toFixed(0)}×`;
}

// Panels are called A, B, C, D wherever there is no room for a name.
export function letterOf(index) {
  return String.fromCharCode(65 + index);
}

// The first of a browser's tags whose language is spoken here, else English.
export function nearestLanguage(tags) {
  const names = tags.map((tag) => tag.toLowerCase().split("-")[0]);
  return names.find((name) => Object.hasOwn(LANGUAGE_TAGS, name)) || "en";
}
