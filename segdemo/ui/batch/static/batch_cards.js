// A card for each image: a small mask of every network, and the figures below.

import { make, setAttribute, setText } from "../../gradio_support/static/dom.js";
import {
  mixColours, packColour, parseColour, textColourOn,
} from "../../viewer/static/arithmetic/colours.js";
import { agreementText, fill, letterOf } from "../../viewer/static/arithmetic/text.js";
import { DECODING, fetchFile, fetchMap } from "../../viewer/static/loading/files.js";
import { diceIn, disagreementIn } from "./batch_counts.js";

const TINT = 0.6;

export function buildCardOf(batch, { number, name, networks }) {
  const node = make("li", "bt-card");
  const button = make("button", "bt-open");
  button.type = "button";
  button.addEventListener("click", () => batch.host.send("open", { number }));
  const thumbs = make("span", "bt-thumbs");
  const canvases = networks.map((network) => {
    const thumb = make("span", "bt-thumb");
    const canvas = make("canvas", "bt-canvas");
    const letter = make("span", "bt-letter", letterOf(network));
    letter.style.setProperty("--bt-colour", colourAt(batch, network));
    letter.style.setProperty("--bt-ink", textColourOn(parseColour(colourAt(batch, network))));
    thumb.append(canvas, letter);
    thumbs.append(thumb);
    return canvas;
  });
  const title = make("span", "bt-name", name);
  title.title = name;
  const facts = make("span", "bt-facts");
  button.append(thumbs, title, facts);
  const note = make("p", "bt-note");
  node.append(button, note);
  return { node, button, canvases, facts, note };
}

export function colourAt(batch, network) {
  const { panels } = batch.host.palette();
  return panels[network % panels.length];
}

// Fetches the small picture and the maps, once, when the card comes into sight.
export async function loadCard(batch, row) {
  if (row.asked) return;
  row.asked = true;
  const { signal } = batch.controller;
  try {
    const [file, map] = await Promise.all([
      fetchFile(row.entry.thumbnail.file.url, signal), fetchMap(row.entry.maps.file.url, signal),
    ]);
    const bitmap = await createImageBitmap(file, DECODING);
    const { width, height } = bitmap;
    const { scratch } = batch;
    Object.assign(scratch.canvas, { width, height });
    scratch.drawImage(bitmap, 0, 0);
    bitmap.close();
    const pixels = new Uint32Array(scratch.getImageData(0, 0, width, height).data.buffer);
    row.pictures = { width, height, pixels, q: map.q, painted: 0 };
    paintCard(batch, row);
  } catch (error) {
    if (error.name === "AbortError") return;
    row.asked = false;
    console.error("segdemo: a small picture could not be loaded", error);
  }
}

// Paints each network's foreground at the present threshold over the small image.
export function paintCard(batch, { entry, pictures, card }) {
  if (!pictures || pictures.painted === batch.k) return;
  const { width, height, pixels, q } = pictures;
  const cells = width * height;
  pictures.painted = batch.k;
  card.canvases.forEach((canvas, place) => {
    const colour = parseColour(colourAt(batch, entry.networks[place]));
    const image = new ImageData(width, height);
    const out = new Uint32Array(image.data.buffer);
    for (let i = 0; i < cells; i++) {
      out[i] = q[place * cells + i] >= batch.k ? tinted(pixels[i], colour) : pixels[i];
    }
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").putImageData(image, 0, 0);
  });
}

function tinted(pixel, colour) {
  const picture = { r: pixel & 255, g: (pixel >> 8) & 255, b: (pixel >> 16) & 255 };
  return packColour(mixColours(picture, colour, TINT));
}

export function fillCardOf({ strings, k }, { entry, table, card }) {
  setAttribute(card.button, "aria-label", fill(strings.open_of, { name: entry.name }));
  setText(card.note, entry.message);
  card.note.hidden = !entry.message;
  if (!table) return;
  const facts = [];
  const disagreement = disagreementIn(table, k);
  if (entry.networks.length > 1) {
    facts.push(fill(strings.disagreement, { value: agreementText(disagreement) }));
  }
  if (entry.scored) {
    const scores = entry.networks.map((network, place) =>
      `${letterOf(network)} ${agreementText(diceIn(table, place, k))}`);
    facts.push(fill(strings.dice, { value: scores.join(" · ") }));
  }
  card.facts.replaceChildren(...facts.map((fact) => make("span", "bt-fact", fact)));
}
