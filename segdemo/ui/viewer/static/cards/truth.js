// What a person says is right: the mask, how well each panel matches it, and what Python said of it.

let nextTruthSerial = 1;

// Loads the payload's truth, unless it is there; `done()` follows success and failure.
async function loadTruth(viewer, entry, signal, done) {
  const url = entry && entry.labels ? entry.labels.file.url : null;
  viewer.truthEntry = entry || null;
  // What was under way for the run before will not arrive.
  const stopped = viewer.truthSignal && viewer.truthSignal.aborted && !viewer.truth;
  if (viewer.truthUrl === url && !stopped) return;
  viewer.truthUrl = url;
  viewer.truthSignal = signal;
  viewer.truth = null;
  if (!url) {
    leaveTruth(viewer);
    return;
  }
  try {
    const { q, height, width } = await fetchMap(url, signal);
    if (viewer.truthSignal !== signal || viewer.truthUrl !== url) return;
    viewer.truth = {
      labels: q, height, width, several: entry.several, serial: nextTruthSerial++,
      void: q.includes(VOID_LABEL), masks: new Map(),
    };
    // What is right is what anybody wants to see the difference to.
    viewer.settings.reference = "truth";
  } catch (error) {
    if (error.name === "AbortError" || viewer.truthUrl !== url) return;
    console.error("segdemo: the ground truth could not be loaded", error);
    viewer.truthUrl = null;
    viewer.truthEntry = { notices: [], problem: viewer.strings.load_failed };
  }
  done();
}

// Whether the mask is still to come.
function awaitsTruth({ truth, truthUrl }) {
  return Boolean(truthUrl && !truth);
}

function leaveTruth({ settings }) {
  if (settings.reference === "truth") settings.reference = 0;
  settings.plot = "histogram";
}

// Whether the difference shows what is right and wrong.
function againstTruth({ settings, truth }) {
  return settings.reference === "truth" && Boolean(truth);
}

// Whether the winners of several classes are to be compared with classes.
function judgesClasses({ truth }, panel) {
  return Boolean(truth && truth.several && showsClasses(panel) && panel.classes);
}

// 1, 0 or VOID_LABEL for each cell of the panel's map; null where sizes differ or nothing is there.
function truthOf(viewer, panel) {
  const { truth } = viewer;
  if (!truth || !panel.map || panel.map.width !== truth.width || panel.map.height !== truth.height) {
    return null;
  }
  const pick = showsClasses(panel) ? "foreground" : pickOf(panel);
  const background = panel.entry.classes ? panel.entry.classes.background : 0;
  const key = `${pick} ${background}`;
  if (!truth.masks.has(key)) {
    truth.masks.set(key, truthFor(truth.labels, truth.several, pick, background));
  }
  return truth.masks.get(key);
}

// {curve, outlines} of the panel's map, or {classes} of its winners; null without a truth for it.
function judgementOf(viewer, panel) {
  const mask = truthOf(viewer, panel);
  if (!mask) return null;
  const { map, classes } = panel;
  const byClass = judgesClasses(viewer, panel);
  const stamp = `${viewer.truth.serial} ${map.serial} ${byClass} ${pickOf(panel)}`;
  if (panel.judgement && panel.judgement.stamp === stamp) return panel.judgement;
  const count = byClass ? classes.names.length : 0;
  panel.judgement = byClass
    ? { stamp, classes: classScores(confusionOf(classes.labels, viewer.truth.labels, count), count) }
    : { stamp, curve: curveOf(map.q, mask), outlines: outlinesOf(map.q, mask, map.width, map.height) };
  return panel.judgement;
}

// One of the scores at every place of the slider, as it cuts this panel; null where there is none.
function scoresAlong(viewer, panel, name) {
  const judgement = judgementOf(viewer, panel);
  if (!judgement || !judgement.curve || showsClasses(panel)) return null;
  return Float64Array.from({ length: SIDE }, (_, k) => scoresAt(judgement.curve, cutAt(panel, k))[name]);
}

// --- Best Dice --------------------------------------------------------------------------------

// One threshold for all with the best mean Dice, or one for each with its own best.
function chooseBest(viewer) {
  const { settings, actions } = viewer;
  const rows = viewer.panels.map((panel) => scoresAlong(viewer, panel, "dice"));
  if (settings.linked) {
    const best = bestOf(rows.filter(Boolean));
    if (best !== null) actions.setThreshold(best);
    return;
  }
  viewer.panels.forEach((panel, index) => {
    const best = rows[index] && bestOf([rows[index]]);
    if (best) actions.setThreshold(best, panel);
  });
}

// --- Controls ---------------------------------------------------------------------------------

function buildTruth(viewer) {
  const { parts, strings } = viewer;
  const plots = ["histogram", "iou"].map((value) => ({
    value, label: strings[`plot_${value}`], hint: strings[`plot_${value}_hint`],
  }));
  buildChoice(parts.plots, strings.plots, plots, (value) => {
    viewer.settings.plot = value;
    schedule(viewer, "size");
  });
  setText(parts.best, strings.best);
  parts.best.title = strings.best_hint;
  parts.best.setAttribute("aria-label", strings.best_hint);
  parts.best.addEventListener("click", () => chooseBest(viewer));
}

function refreshTruth(viewer) {
  const { parts, settings, truth, truthEntry, strings } = viewer;
  const rows = viewer.panels.map((panel) => scoresAlong(viewer, panel, "dice")).filter(Boolean);
  if (rows.length === 0) settings.plot = "histogram";
  parts.plots.hidden = rows.length === 0;
  parts.best.hidden = !truth;
  parts.best.disabled = bestOf(rows) === null;
  markChoice(parts.plots, settings.plot);
  setAttribute(viewer.root, "data-plot", settings.plot);
  const { problem, notices } = truthEntry || { problem: "", notices: [] };
  const said = problem ? [problem] : truth ? notices : [];
  parts.said.hidden = said.length === 0;
  const signature = JSON.stringify(said);
  if (parts.said.dataset.signature === signature) return;
  parts.said.dataset.signature = signature;
  setAttribute(parts.said, "data-problem", String(Boolean(problem)));
  parts.said.replaceChildren(...(said.length === 0 ? [] : [
    ...(problem ? [icon("warning")] : []),
    make("span", "", `${strings.truth}: ${said.join(" ")}`),
  ]));
}

// What the colours of the difference against the truth mean.
function truthLegend({ palette, strings, truth }) {
  const names = ["hit", "wrong", "missed", ...(truth.void ? ["unsaid"] : [])];
  return names.map((name) => ({ hex: palette.truth[name], text: strings[`truth_${name}`] }));
}
