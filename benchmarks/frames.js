// What one frame costs the page's main thread, in milliseconds: the change itself, all that is
// drawn for it, and the layout and painting that follow.
(() => {
  const root = document.querySelector("#viewer .sv");
  const { actions, state } = root.segdemo;
  const back = (step, span) => (step % span < span / 2 ? 1 : -1);

  function slide(step) {
    const slider = root.querySelector(".sv-threshold");
    slider.value = String(60 + (step * 7) % 140);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function point(step) {
    const view = root.querySelector(".sv-panel .sv-view");
    const { left, top, width, height } = view.getBoundingClientRect();
    const share = 0.2 + (step % 50) / 100;
    view.dispatchEvent(new PointerEvent("pointermove", {
      bubbles: true, clientX: left + share * width, clientY: top + share * height,
    }));
  }

  const CHANGES = Object.freeze({
    threshold: slide,
    pan: (step) => actions.panBy(13 * back(step, 20), 8 * back(step, 14)),
    zoom: (step) => actions.zoomBy(back(step, 20) > 0 ? 1.03 : 1 / 1.03),
    pointer: point,
    hide: () => root.querySelector(".sv-class").click(),
  });

  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  // A task that begins as soon as the frame that is being made is handed over.
  const afterFrame = () => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });

  function canvases() {
    return [...root.querySelectorAll(".sv-view canvas")].filter((canvas) => canvas.offsetParent);
  }

  async function prepare(mode, layout, zoomed) {
    actions.setMode(mode);
    actions.setLayout(layout);
    actions.fit();
    if (zoomed) actions.zoomBy(2);
    await nextFrame();
    await nextFrame();
  }

  // {work, seconds}: each frame's milliseconds, and how long all of them took.
  async function play(name, { mode, layout, zoomed, frames, warmUp }) {
    await prepare(mode, layout, zoomed);
    const shown = canvases();
    const work = [];
    let begun = 0;
    for (let step = 0; step < frames + warmUp; step++) {
      if (step === warmUp) begun = performance.now();
      // Callbacks of one frame run in the order in which they were asked for: this one before the
      // viewer's, the second one after it.
      const drawn = nextFrame().then(() => performance.now());
      const before = performance.now();
      CHANGES[name](step);
      const change = performance.now() - before;
      await nextFrame();
      // Reading a pixel back waits for everything that was drawn.
      for (const canvas of shown) canvas.getContext("2d").getImageData(0, 0, 1, 1);
      await afterFrame();
      if (step >= warmUp) work.push(change + performance.now() - (await drawn));
    }
    return { work, seconds: (performance.now() - begun) / 1000, panels: shown.length };
  }

  const size = () => state().size;
  window.frames2d = { play, size };
})();
