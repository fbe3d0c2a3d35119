// Milliseconds from a file being chosen until the first and the last panel show their result.
(() => {
  const root = document.querySelector("#viewer .sv");
  const readyPanels = () => root.querySelectorAll(".sv-panel[data-status=ready]").length;

  window.benchmark = (panels, patience) => {
    const before = root.dataset.run;
    let start = 0;
    document.addEventListener("change", () => { start = performance.now(); },
      { capture: true, once: true });
    window.finished = new Promise((resolve, reject) => {
      let first = 0;
      setTimeout(() => reject(new Error("Not all panels show a result.")), patience);
      new MutationObserver((_, observer) => {
        if (root.dataset.run === before) return;
        if (root.querySelector(".sv-panel[data-status=failed]")) reject(new Error("A panel failed."));
        if (!first && readyPanels() > 0) first = performance.now() - start;
        if (readyPanels() < panels || root.dataset.state !== "ready") return;
        observer.disconnect();
        resolve({ first, last: performance.now() - start });
      }).observe(root, { attributes: true, subtree: true, attributeFilter: ["data-run", "data-state", "data-status"] });
    });
  };
})();
