// Decodes maps in a worker that is made of the page's own functions; where a browser starts none, the
// page decodes them itself.

import { BLOCK_BITS, blocksOf } from "../arithmetic/blocks.js";
import { LEVELS, histogramOf, sortedCells } from "../arithmetic/histogram.js";
import {
  PNG_SIGNATURE, inflate, paeth, readGreyPng, readMap, unfilterGrey, unfilterRow,
} from "../arithmetic/png.js";

const READERS = Object.freeze([
  readMap, readGreyPng, inflate, unfilterGrey, unfilterRow, paeth, summaryOf, histogramOf, sortedCells,
  blocksOf,
]);

// What the worker has computed of a map, by the map's values.
const summaries = new WeakMap();

// What drawing needs of a map as a whole.
function summaryOf(map) {
  return { counts: histogramOf(map.q), blocks: blocksOf(map) };
}

export function summaryFor(map) {
  return summaries.get(map.q) || summaryOf(map);
}

// {worker, awaited, next} of this script, or null where the browser starts none.
let decodingWorker;

// {q, width, height} of a grey PNG's bytes, or null for any other file. `sorts` asks for the order of
// its cells, which is needed where the threshold changes.
export function readInWorker(bytes, sorts) {
  if (decodingWorker === undefined) decodingWorker = startWorker();
  if (!decodingWorker) return readMap(bytes);
  return new Promise((resolve, reject) => {
    const id = decodingWorker.next++;
    decodingWorker.awaited.set(id, { bytes, resolve, reject });
    // The bytes are copied: they are small, and needed again should the worker not start.
    decodingWorker.worker.postMessage({ id, bytes, sorts });
  });
}

function startWorker() {
  const source = `"use strict";
  const PNG_SIGNATURE = ${JSON.stringify(PNG_SIGNATURE)};
  const LEVELS = ${LEVELS};
  const BLOCK_BITS = ${BLOCK_BITS};
${READERS.join("\n")}
onmessage = async ({ data: { id, bytes, sorts } }) => {
  try {
    const map = await readMap(bytes);
    const summary = map && summaryOf(map);
    if (map && sorts) summary.order = sortedCells(map.q, summary.counts);
    postMessage({ id, map, summary }, map ? [map.q.buffer, ...(sorts ? [summary.order.buffer] : [])] : []);
  } catch (error) {
    postMessage({ id, problem: String(error) });
  }
};`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const awaited = new Map();
  try {
    const worker = new Worker(address);
    worker.onmessage = ({ data: { id, map, summary, problem } }) => {
      const { resolve, reject } = awaited.get(id);
      awaited.delete(id);
      if (map) summaries.set(map.q, summary);
      if (problem) reject(new Error(problem));
      else resolve(map);
    };
    // Fired where the page's content security policy does not allow the worker's address.
    worker.onerror = () => {
      decodingWorker = null;
      worker.terminate();
      for (const { bytes, resolve } of awaited.values()) resolve(readMap(bytes));
    };
    return { worker, awaited, next: 0 };
  } catch {
    return null;
  }
}
