// What the viewer shows, for other components of the page.

export const COMPARISON_EVENT = "segdemo-comparison";
const NOTHING = Object.freeze({ run: "", state: "empty", stored: false, statuses: [], names: [] });

// Told whenever it changes, and kept for those who come later.
export function tellComparison(told) {
  const text = JSON.stringify(told);
  if (document.documentElement.dataset.comparison === text) return;
  document.documentElement.dataset.comparison = text;
  window.dispatchEvent(new CustomEvent(COMPARISON_EVENT, { detail: told }));
}

export function comparisonNow() {
  const { comparison } = document.documentElement.dataset;
  return comparison ? JSON.parse(comparison) : NOTHING;
}
