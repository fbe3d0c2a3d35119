// Draws the panels: for each mode a plan, which says what a panel's image depends on and how a part
// of it is painted. The image lies over a ground that all panels share.

const WHITE = { r: 255, g: 255, b: 255 };
const CONTOUR_HALO = packColour({ r: 16, g: 18, b: 24 });
const MASK_ON = packColour(WHITE);
const MASK_OFF = packColour({ r: 0, g: 0, b: 0 });
const AGREED = { r: 244, g: 246, b: 250 };
const EDGE_VEIL = veiled(MASK_ON, 0.6);
// What each mode lies over; a mask is all there is.
const BENEATH = Object.freeze({
  overlay: "picture", mask: null, heat: "picture", contour: "picture", cutout: "picture", difference: "grey",
});

const PLANS = Object.freeze({
  overlay(viewer, panel) {
    const { opacity } = viewer.settings;
    const on = veiled(packColour(parseColour(colourOf(viewer, panel))), opacity);
    return cutPlan(viewer, panel, on, CLEAR);
  },
  mask: (viewer, panel) => cutPlan(viewer, panel, MASK_ON, MASK_OFF),
  cutout: (viewer, panel) => cutPlan(viewer, panel, CLEAR, MASK_OFF),
  heat(viewer, panel) {
    const { map, stretched } = panel;
    const { opacity } = viewer.settings;
    const cells = cellsFor(viewer, map.width, map.height);
    const heat = rampOf(viewer, panel).map((colour) => veiled(colour, opacity));
    const edge = heat.map((colour) => overlaid(colour, EDGE_VEIL));
    return edgePlan(viewer, panel, `heat ${opacity} ${Boolean(stretched)}`, {
      paint: (box, out) => paintLevels(map.q, map.width, cells, heat, box, out),
      // Outside of the edge alone, so that narrow foreground keeps its colours.
      move(gone, come, out) {
        paintPlaces(gone.outside, map, cells, heat, out);
        paintPlaces(come.outside, map, cells, edge, out);
      },
    });
  },
  contour(viewer, panel) {
    const colour = packColour(parseColour(colourOf(viewer, panel)));
    return edgePlan(viewer, panel, `contour ${colour}`, {
      paint: (box, out) => clearBox(viewer.size, box, out),
      move(gone, come, out) {
        fillPlaces(gone.inside, CLEAR, out);
        fillPlaces(gone.outside, CLEAR, out);
        fillPlaces(come.inside, colour, out);
        fillPlaces(come.outside, CONTOUR_HALO, out);
      },
    });
  },
  difference: (viewer, panel) => planDifference(viewer, panel),
});

// A plan is {mark, cuts, paint, step}: `cuts` are the maps that a threshold cuts, each at its k, and
// `mark` stands for whatever else the image depends on. `paint(box, out)` paints a part of the image;
// `step(before, box, out)` only what other thresholds, `before.ks`, had painted otherwise. What
// either returns about all of a box is handed to the next step as `before.kept`.

// One colour for the foreground and one for the rest.
function cutPlan(viewer, panel, on, off) {
  const { map } = panel;
  const k = thresholdOf(viewer, panel);
  const cells = cellsFor(viewer, map.width, map.height);
  const table = cutTable(k, on, off);
  return {
    mark: `${map.serial} cut ${on} ${off}`,
    cuts: [{ map, k }],
    paint: (box, out) => paintLevels(map.q, map.width, cells, table, box, out),
    step({ ks }, box, out) {
      paintRuns(flippedRuns(map, cells, ks[0], k, box), map, cells, table, out);
    },
  };
}

// What lies along the edge of the panel's mask, which alone moves with the threshold: a contour's
// thickness inside of it and less outside. `paint(box, out)` paints what lies beneath, and
// `move(gone, come, out)` the places that the edge has left and those that it has reached.
function edgePlan(viewer, panel, mark, { paint, move }) {
  const { map } = panel;
  const { density, size } = viewer;
  const k = thresholdOf(viewer, panel);
  const cells = cellsFor(viewer, map.width, map.height);
  const reach = { thick: Math.round(1.5 * density), thin: Math.max(1, Math.round(density)) };
  const furthest = Math.max(reach.thick, reach.thin);
  const around = (box) => grown(box, furthest);
  const begin = (level, box) => {
    const outline = outlineOf(
      foregroundBits(map, cells.wide, level, around(box)), cells, reach, box, boxOf(size),
    );
    return { outline, ...moveOutline(outline) };
  };
  return {
    mark: `${map.serial} ${mark} ${density}`,
    cuts: [{ map, k }],
    paint(box, out) {
      const { outline, gone, come } = begin(k, box);
      paint(box, out);
      move(gone, come, out);
      return outline;
    },
    step({ ks, kept }, box, out) {
      const outline = kept || begin(ks[0], box).outline;
      const runs = flippedRuns(map, cells.wide, ks[0], k, around(box));
      const { gone, come } = moveOutline(outline, flipBits(runs, outline.mask, furthest));
      move(gone, come, out);
      return outline;
    },
  };
}

function boxOf({ width, height }) {
  return { left: 0, top: 0, right: width, bottom: height };
}

function clearBox({ width }, { left, top, right, bottom }, out) {
  for (let y = top; y < bottom; y++) out.fill(CLEAR, y * width + left, y * width + right);
}

// The colour of every q, by what the panel's stretch makes of it.
function rampOf({ ramp }, { stretched, map }) {
  return stretched ? Uint32Array.from(stretchTable(map.tail), (q) => ramp[q]) : ramp;
}

function planDifference(viewer, panel) {
  const { settings, palette } = viewer;
  const reference = viewer.panels[settings.reference];
  // Colours on grey need more strength than over the picture itself.
  const tint = (colour) => veiled(packColour(colour), 0.4 + 0.6 * settings.opacity);
  const tintHex = (hex) => tint(parseColour(hex));
  const truth = againstTruth(viewer) && truthOf(viewer, panel);
  if (truth) {
    const colours = Object.entries(palette.truth).map(([name, hex]) => [name, tintHex(hex)]);
    const { serial, width, height } = viewer.truth;
    const other = { q: truth, width, cells: cellsFor(viewer, width, height), marks: TRUTH_MARKS };
    const table = errorTable(Object.fromEntries(colours));
    return pairPlan(viewer, panel, other, table, `truth ${serial} ${pickOf(panel)}`);
  }
  const only = tintHex(colourOf(viewer, panel));
  if (!reference || !reference.map || reference === panel) return cutPlan(viewer, panel, only, CLEAR);
  const { map } = reference;
  const other = cutSide(viewer, map, thresholdOf(viewer, reference), 2);
  const table = [CLEAR, only, tintHex(colourOf(viewer, reference)), tint(AGREED)];
  return pairPlan(viewer, panel, other, table, map.serial);
}

// One side of a pair, whose foreground has this mark.
function cutSide(viewer, map, k, mark) {
  const { q, width, height } = map;
  return { map, k, q, width, cells: cellsFor(viewer, width, height), marks: cutTable(k, mark, 0) };
}

// The panel's mask against another map: its mark is 1, and the other's are 2 and 4.
function pairPlan(viewer, panel, other, colours, mark) {
  const own = cutSide(viewer, panel.map, thresholdOf(viewer, panel), 1);
  const cuts = [own, other].filter(({ map }) => map);
  const table = Uint32Array.from(colours);
  return {
    mark: `${own.map.serial} pair ${mark} ${table}`,
    cuts,
    paint: (box, out) => paintPair(own, other, table, box, out),
    step({ ks }, box, out) {
      cuts.forEach(({ map, k, cells }, at) =>
        paintPairRuns(flippedRuns(map, cells, ks[at], k, box), own, other, table, out));
    },
  };
}

function planOf(viewer, panel) {
  if (drawsClasses(viewer, panel)) return planWinners(viewer, panel);
  return PLANS[viewer.settings.mode](viewer, panel);
}

// A canvas of exactly as many pixels as the screen has there.
function fitCanvas(canvas, { width, height }, density) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const [wide, high] = [`${width / density}px`, `${height / density}px`];
  if (canvas.style.width !== wide) canvas.style.width = wide;
  if (canvas.style.height !== high) canvas.style.height = high;
  return canvas.getContext("2d", { willReadFrequently: true });
}

// Every place where a picture is drawn.
function areasOf({ panels, stage, original }) {
  return [...panels.map((panel) => panel.card), stage, original];
}

// Draws everything that is seen of the pictures.
function drawPictures(viewer) {
  if (viewer.size.width < 1) return;
  if (!viewer.picture) {
    for (const area of areasOf(viewer)) {
      area.canvas.width = 0;
      area.drawn = "";
    }
    return;
  }
  refreshFrame(viewer);
  if (viewer.settings.layout === "swipe") drawStage(viewer);
  else drawCards(viewer);
}

function swipedPanels({ panels, settings }) {
  const pair = [panels[settings.left], panels[settings.right]];
  return pair.every((panel) => panel && panel.map) ? pair : [];
}

function drawCards(viewer) {
  const whole = boxOf(viewer.size);
  for (const panel of viewer.panels) {
    drawArea(viewer, panel.card, panel.map ? [{ panel, box: whole }] : []);
  }
  if (viewer.original.shown) drawArea(viewer, viewer.original, []);
}

// Each side of the divider needs no more than its own part of a panel.
function drawStage(viewer) {
  const whole = boxOf(viewer.size);
  const split = Math.round(viewer.settings.divider * whole.right);
  const [left, right] = swipedPanels(viewer);
  drawArea(viewer, viewer.stage, !left ? [] : [
    { panel: left, box: { ...whole, right: split } },
    { panel: right, box: { ...whole, left: split } },
  ].filter(({ box }) => !isEmpty(box)));
}

// Draws parts of panels' images over their ground, or the picture alone; nothing where all of it is
// on the screen already.
function drawArea(viewer, area, parts) {
  const { frame, size, density, dark, settings: { mode, bare } } = viewer;
  const planned = bare ? [] : parts.map((part) => ({ ...part, plan: planOf(viewer, part.panel) }));
  const beneath = planned.length > 0 ? BENEATH[mode] : "picture";
  const drawn = [frame.stamp, density, dark, beneath, ...planned.map(({ plan, box }) =>
    `${plan.mark} ${ksOf(plan)} ${box.left} ${box.right}`)].join("; ");
  if (area.drawn === drawn) return;
  area.drawn = drawn;
  const context = fitCanvas(area.canvas, size, density);
  for (const { panel, plan, box } of planned) {
    refreshImage(viewer, panel, plan, box);
    const { left, top, right, bottom } = box;
    context.putImageData(panel.image, 0, 0, left, top, right - left, bottom - top);
  }
  if (planned.length > 0 && mode === "cutout") compose(context, "source-in", groundOf(viewer, "chequer"));
  if (beneath) {
    const below = planned.length > 0 ? "destination-over" : "copy";
    compose(context, below, groundOf(viewer, beneath));
  }
}

function compose(context, operation, canvas) {
  context.globalCompositeOperation = operation;
  context.drawImage(canvas, 0, 0);
  context.globalCompositeOperation = "source-over";
}
