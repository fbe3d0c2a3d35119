import {
  isPayload, pairAfter, settingsAfter, stateOf, statusOf,
} from "../../segdemo/ui/viewer/static/arithmetic/payload.js";
import { equal, test } from "./harness.js";



const MODES = ["overlay", "mask"];
const SETTINGS = { threshold: 128, mode: "overlay", layout: "side", opacity: 0.6 };

test("a payload of another schema is none", () => {
  equal(isPayload({ schema: "segdemo.viewer/2", panels: [] }), false);
  equal(isPayload(null), false);
  equal(isPayload({ schema: "segdemo.viewer/1", panels: [] }), true);
});

test("a viewer is loading while one panel is, and in error only when all have failed", () => {
  equal(stateOf([]), "empty");
  equal(stateOf(["ready", "running"]), "loading");
  equal(stateOf(["ready", "failed"]), "ready");
  equal(stateOf(["failed", "failed"]), "error");
  equal(stateOf(["absent", "ready"]), "ready");
  equal(stateOf(["absent", "failed"]), "error");
  equal(stateOf(["absent", "absent"]), "absent");
});

test("a new run brings its threshold unless one was chosen", () => {
  equal(settingsAfter(SETTINGS, new Set(), { threshold: 77 }, true, MODES).threshold, 77);
  equal(settingsAfter(SETTINGS, new Set(["threshold"]), { threshold: 77 }, true, MODES).threshold, 128);
});

test("the same run changes no setting", () => {
  const state = { threshold: 9, mode: "mask" };
  equal(settingsAfter(SETTINGS, new Set(), { threshold: 77, state }, false, MODES), SETTINGS);
});

test("a restored state wins over a choice, part by part, and only where it makes sense", () => {
  const state = { threshold: 900, mode: "nonsense", layout: "swipe", opacity: -3 };
  const settings = settingsAfter(SETTINGS, new Set(["threshold"]), { threshold: 77, state }, true, MODES);
  equal(settings, { threshold: 255, mode: "overlay", layout: "swipe", opacity: 0 });
});

test("two panels of a pair stay apart and exist", () => {
  equal(pairAfter(0, 3, 2), [0, 1]);
  equal(pairAfter(2, 2, 3), [2, 1]);
  equal(pairAfter(0, 0, 3), [0, 1]);
  equal(pairAfter(1, 0, 4), [1, 0]);
  equal(pairAfter(3, 2, 1), [0, 0]);
});

test("a panel is ready when its map is here, and failed when it cannot come", () => {
  const entry = { status: "ready", map: {} };
  equal(statusOf(entry, true, false), "ready");
  equal(statusOf(entry, false, false), "running");
  equal(statusOf(entry, false, true), "failed");
  equal(statusOf({ status: "ready" }, false, false), "failed");
  equal(statusOf({ status: "unheard of" }, false, false), "waiting");
});
