// What is seen as one picture: each panel with its name, its figures and its letter.

import { textColourOn, parseColour } from "../arithmetic/colours.js";
import { coverage } from "../arithmetic/histogram.js";
import { agreementText, fill, letterOf, percentText, thresholdText } from "../arithmetic/text.js";
import { thresholdOf } from "../arithmetic/thresholds.js";
import { evaluationOf, scoresNow } from "../state/evaluation.js";
import { showsClasses } from "../state/class_choice.js";
import { colourOf, statusNow } from "../state/viewer_state.js";

// In pixels of the page; a screen of more pixels has more of them.
const VIEW_PAD = 12;
const VIEW_LINE = 18;
const VIEW_HEAD = 2 * VIEW_PAD + 2 * VIEW_LINE;

// A promise of a PNG of all finished panels, beside and below each other as they stand.
export async function pictureOfView(viewer) {
  const shown = viewer.settings.layout === "swipe"
    ? viewer.panels.filter((_, index) => [viewer.settings.left, viewer.settings.right].includes(index))
    : viewer.panels;
  const panels = shown.filter((panel) => statusNow(viewer, panel) === "ready");
  const areas = viewer.settings.layout === "swipe" ? [viewer.stage] : panels.map(({ card }) => card);
  const columns = areas.length === 4 && viewer.root.dataset.square === "true" ? 2 : areas.length;
  const rows = Math.ceil(areas.length / columns);
  const { density } = viewer;
  const tile = { width: viewer.size.width / density + VIEW_PAD, height: viewer.size.height / density + VIEW_HEAD };
  const canvas = document.createElement("canvas");
  canvas.width = Math.round((columns * tile.width + VIEW_PAD) * density);
  canvas.height = Math.round((rows * tile.height + VIEW_PAD) * density);
  const context = canvas.getContext("2d");
  context.fillStyle = viewer.dark ? "#0b0f19" : "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(density, density);
  areas.forEach((area, at) => {
    const left = VIEW_PAD + (at % columns) * tile.width;
    const top = Math.floor(at / columns) * tile.height;
    const own = area === viewer.stage ? panels : [panels[at]];
    const width = (tile.width - VIEW_PAD) / own.length;
    own.forEach((panel, place) => drawViewHead(viewer, context, panel, { left: left + place * width, top, width }));
    context.drawImage(area.canvas, left, top + VIEW_HEAD, viewer.size.width / density, viewer.size.height / density);
  });
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large"))), "image/png");
  });
}

function drawViewHead(viewer, context, panel, { left, top, width }) {
  const ink = viewer.dark ? "#f3f4f6" : "#1f2937";
  const hex = colourOf(viewer, panel);
  const base = top + VIEW_PAD;
  context.fillStyle = hex;
  context.beginPath();
  context.roundRect(left, base, VIEW_LINE, VIEW_LINE, 5);
  context.fill();
  context.textBaseline = "middle";
  context.font = "700 12px system-ui, sans-serif";
  context.fillStyle = textColourOn(parseColour(hex));
  context.textAlign = "center";
  context.fillText(letterOf(viewer.panels.indexOf(panel)), left + VIEW_LINE / 2, base + VIEW_LINE / 2 + 1);
  context.textAlign = "start";
  context.fillStyle = ink;
  context.font = "600 14px system-ui, sans-serif";
  context.fillText(fittedText(context, panel.entry.label, width - VIEW_LINE - 14), left + VIEW_LINE + 8, base + VIEW_LINE / 2 + 1);
  context.font = "12px system-ui, sans-serif";
  context.fillText(fittedText(context, wordsOfPanel(viewer, panel), width), left, base + VIEW_LINE + 12);
}

// "0.500 · 31.86 % foreground · Dice 0.965 · IoU 0.933".
function wordsOfPanel(viewer, panel) {
  const { strings } = viewer;
  const words = [];
  if (!showsClasses(panel)) {
    const k = thresholdOf(viewer, panel);
    const share = `${percentText(coverage(panel.map.tail, k))}%`;
    words.push(`${strings.threshold} ${thresholdText(k)}`, fill(strings.view_share, { share }));
  }
  const evaluation = evaluationOf(viewer, panel);
  const numbers = evaluation ? scoresNow(viewer, panel, evaluation) : {};
  for (const name of ["mean_iou", "dice", "iou"]) {
    if (name in numbers) words.push(`${strings[`score_${name}`]} ${agreementText(numbers[name])}`);
  }
  return words.join(" · ");
}

// As much of a text as has room, with an ellipsis where that is not all.
function fittedText(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}
