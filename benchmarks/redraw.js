// One threshold step, from the slider's event until the new pixels are there, in milliseconds.
(() => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  function move(slider, k) {
    // Frameworks watch the property, so it is set the way a browser does it.
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(slider, String(k));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async function viewerStep(k) {
    const root = document.querySelector("#viewer .sv");
    const canvases = [...root.querySelectorAll(".sv-panels canvas")]
      .filter((canvas) => canvas.offsetWidth > 0 && !canvas.closest(".sv-original"));
    const start = performance.now();
    // Callbacks of one frame run in the order in which they were asked for: this one before the
    // viewer's, the second one after it.
    const frameStart = frame().then(() => performance.now());
    move(root.querySelector(".sv-threshold"), k);
    await frame();
    // Reading a pixel back waits for everything that was drawn.
    for (const canvas of canvases) canvas.getContext("2d").getImageData(0, 0, 1, 1);
    const end = performance.now();
    if (root.segdemo.state().threshold !== k) throw new Error("The viewer did not move.");
    return { milliseconds: end - start, work: end - (await frameStart), panels: canvases.length };
  }

  async function naiveStep(k) {
    const panels = [...document.querySelectorAll(".naive-panel")];
    const images = () => panels.map((panel) => panel.querySelector("img"));
    const before = images().map((image) => image && image.src);
    const start = performance.now();
    move(document.querySelector("#naive-slider input[type=range]"), k);
    while (!images().every((image, index) => image && image.src !== before[index])) await frame();
    await Promise.all(images().map((image) => image.decode()));
    await frame();
    const milliseconds = performance.now() - start;
    return { milliseconds, work: milliseconds, panels: panels.length };
  }

  window.benchmark = { viewerStep, naiveStep };
})();
