// Says what runs and for how long, and notices when the server no longer answers.

import { COMPARISON_EVENT, comparisonNow } from "../../gradio_support/static/comparison_told.js";
import { partsOf, setAttribute, setHidden, setText } from "../../gradio_support/static/dom.js";
import { letterOf, fill } from "../../viewer/static/arithmetic/text.js";

// Milliseconds between two questions to the server, while something runs.
const ASK_EVERY = 3000;

export function mountStateLine(root, host) {
  const line = {
    root, host, parts: partsOf(root), told: comparisonNow(), since: performance.now(),
    server: null, trouble: "", asking: false, asked: 0, timer: 0,
  };
  line.parts.button.addEventListener("click", () => press(line));
  window.addEventListener(COMPARISON_EVENT, ({ detail }) => {
    const ran = line.told.state === "loading";
    const another = line.told.run && detail.run && line.told.run !== detail.run;
    if (another || (!ran && detail.state === "loading")) showResults(root);
    line.told = detail;
    if (!ran && detail.state === "loading") line.since = performance.now();
    follow(line);
  });
  for (const name of ["online", "offline", "focus"]) window.addEventListener(name, () => ask(line));
  host.onLanguage(() => show(line));
  ask(line);
  follow(line);
}

// On a narrow page the results may be out of sight when something new is to be seen in them.
function showResults(root) {
  if (!matchMedia("(max-width: 860px)").matches || !root.checkVisibility()) return;
  const { top } = root.getBoundingClientRect();
  if (top >= 0 && top < window.innerHeight / 3) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  root.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
}

// Counts the seconds while something runs.
function follow(line) {
  show(line);
  const waits = line.told.state === "loading" || line.trouble;
  if (waits && !line.timer) {
    line.timer = setInterval(() => {
      if (performance.now() - line.asked > ASK_EVERY) ask(line);
      follow(line);
    }, 500);
  } else if (!waits && line.timer) {
    clearInterval(line.timer);
    line.timer = 0;
  }
}

// Whether the server answers, and is the one that the page came from.
async function ask(line) {
  if (line.asking || line.trouble === "restarted") return;
  line.asking = true;
  line.asked = performance.now();
  const before = line.trouble;
  try {
    const server = await line.host.server();
    line.trouble = line.server !== null && server !== line.server ? "restarted" : "";
    line.server ??= server;
  } catch {
    line.trouble = "lost";
  }
  line.asking = false;
  line.asked = performance.now();
  // What was under way when the connection broke is told to nobody any more.
  if (before === "lost" && line.trouble === "" && line.told.state === "loading") line.host.send("run", {});
  follow(line);
}

function press(line) {
  if (line.trouble === "restarted") window.location.reload();
  else if (line.trouble === "lost") ask(line);
  else line.host.send(line.told.state === "loading" ? "cancel" : "run", {});
}

function show(line) {
  const { root, parts, host, told, trouble } = line;
  const strings = host.strings();
  const state = trouble || told.state;
  const words = wordsOf(line, strings, state);
  setText(parts.words, words);
  const labels = { loading: strings.cancel, lost: strings.retry, restarted: strings.reload };
  const usual = told.stored ? strings.here : strings.again;
  setText(parts.button, labels[state] || usual);
  setHidden(parts.button, state === "empty");
  if (state !== root.dataset.state) setText(parts.live, state === "empty" ? "" : words);
  setAttribute(root, "data-state", state);
}

function wordsOf({ told, since }, strings, state) {
  if (state === "lost" || state === "restarted") return strings[state];
  if (state === "empty") return "";
  if (state !== "loading") {
    if (told.stored && state === "ready") return strings.stored;
    const left = told.statuses.filter((status) => status !== "ready").length;
    return left ? fill(strings.partly, { left, count: told.statuses.length }) : strings.ready;
  }
  const seconds = Math.floor((performance.now() - since) / 1000);
  const running = told.statuses.indexOf("running");
  return running < 0
    ? fill(strings.waiting, { seconds })
    : fill(strings.running, { letter: letterOf(running), name: told.names[running], seconds });
}
