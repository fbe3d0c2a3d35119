// Which threshold holds for which panel.

// The k at which this panel's map is cut: q >= k is foreground.
function thresholdOf(viewer, panel) {
  return viewer.settings.threshold;
}
