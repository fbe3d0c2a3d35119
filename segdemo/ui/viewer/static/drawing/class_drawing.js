// Draws a panel that shows the winners of several classes; the threshold has no say in it.

// Whether there are winners to draw, and in the difference another panel's to draw them against.
function drawsClasses(viewer, panel) {
  const { settings, panels } = viewer;
  if (!showsClasses(panel) || !panel.classes) return false;
  if (settings.mode !== "difference") return true;
  if (againstTruth(viewer)) return viewer.truth.several;
  const reference = panels[settings.reference];
  return Boolean(reference && showsClasses(reference) && reference.classes);
}

// How a part of the winners is painted in each mode: painter(viewer, panel, colours)(box, out), of
// which `colours` has the colour of each class at an opacity, and another one for hidden classes.
const WINNER_PAINTERS = Object.freeze({
  overlay: (viewer, panel, colours) => paintLabels(viewer, panel, colours(viewer.settings.opacity, CLEAR)),
  mask: (viewer, panel, colours) => paintLabels(viewer, panel, colours(1, MASK_OFF)),
  cutout: (viewer, panel, colours) =>
    paintLabels(viewer, panel, colours(1, null).map((colour) => (colour === null ? MASK_OFF : CLEAR))),
  heat: (viewer, panel) => (box, out) => {
    const { winning, width, height } = panel.classes;
    if (!winning) {
      clearBox(viewer.size, box, out);
      return;
    }
    const cells = cellsFor(viewer, width, height);
    const heat = viewer.ramp.map((colour) => veiled(colour, viewer.settings.opacity));
    paintLevels(winning, width, cells, heat, box, out);
    const lines = heat.map((colour) => overlaid(colour, EDGE_VEIL));
    paintPlaces(classBorders(viewer, panel, box), { q: winning, width }, cells, lines, out);
  },
  contour: (viewer, panel, colours) => (box, out) => {
    const { labels, width, height } = panel.classes;
    clearBox(viewer.size, box, out);
    const cells = cellsFor(viewer, width, height);
    paintPlaces(classBorders(viewer, panel, box), { q: labels, width }, cells, colours(1, CLEAR), out);
  },
  difference: (viewer, panel, colours) => paintDiffering(viewer, panel, colours(0.4 + 0.6 * viewer.settings.opacity, CLEAR)),
});

function planWinners(viewer, panel) {
  const { mode, opacity } = viewer.settings;
  const { classes } = panel;
  const { colours, mark } = coloursOf(viewer, panel);
  const against = mode !== "difference" ? ""
    : againstTruth(viewer) ? `truth ${viewer.truth.serial}`
      : viewer.panels[viewer.settings.reference].classes.serial;
  // No other mode needs what comes last.
  const waits = mode === "heat" && !classes.winning;
  const at = (strength, hidden) => colours.map((colour) =>
    (colour ? veiled(packColour(colour), strength) : hidden));
  return {
    mark: [mode, opacity, classes.serial, mark, against, waits, viewer.density].join(" "),
    cuts: [],
    paint: WINNER_PAINTERS[mode](viewer, panel, at),
  };
}

// Each pixel in the colour of its winner.
function paintLabels(viewer, panel, colours) {
  const { labels, width, height } = panel.classes;
  return (box, out) =>
    paintLevels(labels, width, cellsFor(viewer, width, height), Uint32Array.from(colours), box, out);
}

// Where classes meet.
function classBorders(viewer, { classes: { labels, width, height } }, box) {
  const cells = cellsFor(viewer, width, height);
  const reach = Math.max(1, Math.round(viewer.density));
  return borderPlaces({ q: labels, width }, cells, reach, box, boxOf(viewer.size));
}

// The winners where the reference's, or the truth's, are others; all of them in the reference
// itself.
function paintDiffering(viewer, panel, colours) {
  const { classes } = panel;
  const right = againstTruth(viewer);
  const reference = viewer.panels[viewer.settings.reference];
  if (!right && reference === panel) return paintLabels(viewer, panel, colours);
  const names = classes.names;
  const other = right ? viewer.truth : reference.classes;
  const match = right ? names.map((_, label) => label) : matchClasses(names, other.names);
  const of = ({ labels, width, height }, shift) => ({
    q: labels, width, cells: cellsFor(viewer, width, height),
    marks: Uint16Array.from({ length: 256 }, (_, label) => label << shift),
  });
  return (box, out) =>
    paintPair(of(classes, 8), of(other, 0), differenceTable(colours, match), box, out);
}
