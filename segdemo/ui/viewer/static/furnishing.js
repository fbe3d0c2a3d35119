// What is built once for a language: controls, stage and cards. Another language builds it anew
// around what the viewer holds, so that nothing is fetched, computed or lost.

function furnish(viewer) {
  viewer.stage = buildStage(viewer);
  viewer.original = buildOriginal(viewer);
  buildControls(viewer);
  for (const surface of [viewer.parts.panels, viewer.parts.stage]) listenToPointers(viewer, surface);
}

function furnishPanel(viewer, panel) {
  panel.card = buildCard(viewer.strings, (hex) => viewer.actions.setColour(panel, hex));
  for (const part of CARD_PARTS) part.build(viewer, panel);
  panel.card.retry.addEventListener("click", () => {
    if (panel.loadFailed) panel.url = null;
    panel.loadFailed = false;
    viewer.pictureFailed = false;
    load(viewer);
  });
}

function speakAnew(viewer) {
  const { root, panels, inspected } = viewer;
  viewer.strings = viewer.host.strings();
  root.replaceChildren(...viewer.template.cloneNode(true).childNodes);
  viewer.parts = partsOf(root);
  viewer.inspected = null;
  viewer.announced = null;
  furnish(viewer);
  for (const panel of panels) furnishPanel(viewer, panel);
  reconcilePanels(viewer, panels.map(({ entry }) => entry));
  load(viewer);
  const focused = document.activeElement;
  if (inspected) viewer.actions.inspect(inspected);
  // Opening a drawer takes the focus, which stays where the language was chosen.
  if (focused) focused.focus({ preventScroll: true });
}
