// Drops anywhere on the page, and pastes: the files are read at the event itself, when they are there.

import { setText } from "../../gradio_support/static/dom.js";
import { giveFiles } from "../../gradio_support/static/files_given.js";

const TARGETS = Object.freeze(["picture", "mask", "network"]);

export function labelTargets(veil, strings) {
  for (const node of veil.children) {
    const [title, hint] = node.children;
    setText(title, strings[`to_${node.dataset.target}`]);
    setText(hint, strings[`to_${node.dataset.target}_hint`]);
  }
}

// `veil` holds the targets, which cover the page while files are dragged over it.
export function listenToDrops(veil) {
  const bringsFiles = ({ dataTransfer }) => Boolean(dataTransfer) && [...dataTransfer.types].includes("Files");
  const show = (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = "copy";
    if (!veil.matches(":popover-open")) veil.showPopover();
    mark(targetOf(event));
  };
  const mark = (over) => {
    for (const node of veil.children) {
      if (node === over) node.dataset.over = "";
      else delete node.dataset.over;
    }
  };
  const targetOf = ({ target }) => (target instanceof Element ? target.closest(".dz-target") : null);
  const hide = () => {
    mark(null);
    if (veil.matches(":popover-open")) veil.hidePopover();
  };
  window.addEventListener("dragenter", show, true);
  window.addEventListener("dragover", show, true);
  window.addEventListener("dragleave", (event) => {
    // Not into another element, but out of the window.
    if (event.relatedTarget === null) hide();
  }, true);
  window.addEventListener("drop", (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    const files = [...event.dataTransfer.files];
    const target = meant(targetOf(event));
    hide();
    giveFiles(target, files);
  }, true);
  window.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    // Text that comes with a picture belongs into the field that has the focus.
    if (!files.length || (isField(event.target) && event.clipboardData.getData("text/plain"))) return;
    event.preventDefault();
    giveFiles(meant(null), files);
  });
}

function isField(node) {
  return node instanceof Element && Boolean(node.closest("input[type=text], textarea, [contenteditable]"));
}

// What a target stands for: in the tab of many pictures they go to these.
function meant(node) {
  const name = node && TARGETS.includes(node.dataset.target) ? node.dataset.target : "any";
  const places = document.querySelector("#batch-pictures");
  const many = Boolean(places) && places.checkVisibility();
  return many && name !== "network" ? { picture: "pictures", mask: "masks", any: "pictures" }[name] : name;
}
