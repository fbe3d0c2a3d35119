// Draws a panel that shows the winners of several classes; the threshold has no say in it.

// Stands for "the same class as the reference"; no class has this number.
const SAME_CLASS = 255;

// Whether there are winners to draw, and in the difference another panel's to draw them against.
function drawsClasses(viewer, panel) {
  const { settings, panels } = viewer;
  if (!showsClasses(panel) || !panel.classes) return false;
  if (settings.mode !== "difference") return true;
  if (againstTruth(viewer)) return viewer.truth.several;
  const reference = panels[settings.reference];
  return Boolean(reference && showsClasses(reference) && reference.classes);
}

// The number of the winner at this view's pixels.
function sampledLabels(viewer, panel) {
  const { labels, width, height, serial } = panel.classes;
  const stamp = `${viewer.frame.stamp} ${serial}`;
  return remember(panel.layers, "labels", Uint8Array, viewer.base.length, stamp, (out) =>
    sampleMap(labels, width, cellsFor(viewer, width, height), out));
}

// The extreme numbers around each pixel: where they differ, classes meet.
function labelExtremes(viewer, panel) {
  const { size, base } = viewer;
  const labels = sampledLabels(viewer, panel);
  const stamp = `${viewer.frame.stamp} ${panel.classes.serial} ${viewer.density}`;
  const scratch = remember(viewer.layers, "filter", Uint8Array, base.length, "", () => {});
  const reach = Math.max(1, Math.round(viewer.density));
  const filtered = (name, flip) =>
    remember(panel.layers, name, Uint8Array, base.length, stamp, (out) =>
      extremeFilter(labels, size.width, size.height, reach, flip, scratch, out));
  return [filtered("lowestLabel", 255), filtered("highestLabel", 0)];
}

// Everything is one layer that is made anew only when view, colours or mode change.
function paintWinners(viewer, panel) {
  const { settings, base, frame } = viewer;
  const { mode, opacity } = settings;
  const labels = sampledLabels(viewer, panel);
  const { colours, mark } = coloursOf(viewer, panel);
  const { serial } = panel.classes;
  const painters = {
    overlay: (out) => classLayer(base, labels, colours, opacity, out),
    mask(out) {
      flatLayer(base, MASK_OFF, out);
      classLayer(out, labels, colours, 1, out);
    },
    heat(out) {
      const values = sampledWinning(viewer, panel);
      if (!values) { out.set(base); return; }
      heatLayer(base, values, viewer.ramp, opacity, out);
      const line = new Uint32Array(out.length);
      tintLayer(out, WHITE, 0.6, line);
      classEdges(...labelExtremes(viewer, panel), line, out, out);
    },
    contour(out) {
      classLayer(base, labels, colours, 1, out);
      classEdges(...labelExtremes(viewer, panel), out, base, out);
    },
    cutout(out) {
      const [light, dark] = CHEQUER[viewer.dark ? "dark" : "light"];
      chequerLayer(base, viewer.size.width, Math.round(8 * viewer.density), light, dark, out);
      const chequer = out.slice();
      paintClasses(labels, colours.map((colour) => (colour ? base : chequer)), out);
    },
    difference(out) {
      greyLayer(base, 0.6, out);
      const strength = 0.4 + 0.6 * opacity;
      classLayer(out, differences(viewer, panel, labels), colours, strength, out);
    },
  };
  const reference = mode !== "difference" ? ""
    : againstTruth(viewer) ? `truth ${viewer.truth.serial}` : viewer.panels[settings.reference].classes.serial;
  const stamp = [frame.stamp, mode, opacity, serial, mark, viewer.dark, reference,
    Boolean(panel.classes.winning)].join(" ");
  panel.pixels.set(remember(panel.layers, "winners", Uint32Array, base.length, stamp, painters[mode]));
}

// The panel's labels where the reference's are others; all of them in the reference itself.
function differences(viewer, panel, labels) {
  if (againstTruth(viewer)) return wrongLabels(viewer, panel, labels);
  const reference = viewer.panels[viewer.settings.reference];
  if (reference === panel) return labels;
  const match = matchClasses(panel.classes.names, reference.classes.names);
  const out = new Uint8Array(labels.length);
  differingLabels(labels, sampledLabels(viewer, reference), match, SAME_CLASS, out);
  return out;
}

// The panel's labels where the truth says otherwise.
function wrongLabels(viewer, panel, labels) {
  const { truth, frame, base } = viewer;
  const right = remember(viewer.layers, "right", Uint8Array, base.length, `${frame.stamp} ${truth.serial}`,
    (out) => sampleMap(truth.labels, truth.width, cellsFor(viewer, truth.width, truth.height), out));
  return labels.map((label, i) => (label === right[i] || right[i] === VOID_LABEL ? SAME_CLASS : label));
}

// The winners' q at this view's pixels, or null until all classes' maps are here.
function sampledWinning(viewer, panel) {
  const { winning, width, height, serial } = panel.classes;
  if (!winning) return null;
  const stamp = `${viewer.frame.stamp} ${serial}`;
  return remember(panel.layers, "winning", Uint8Array, viewer.base.length, stamp, (out) =>
    sampleMap(winning, width, cellsFor(viewer, width, height), out));
}
