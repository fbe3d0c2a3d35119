// What changes when a payload arrives: a run is sent again each time another of its panels is ready.
// The payload itself is described in payload.py.

export const LAYOUTS = Object.freeze(["side", "swipe"]);
const STATUSES = Object.freeze(["waiting", "running", "ready", "failed", "absent"]);

export function isPayload(value) {
  return Boolean(value) && value.schema === "segdemo.viewer/1" && Array.isArray(value.panels);
}

// The state of the viewer, from the statuses of its panels.
export function stateOf(statuses) {
  if (statuses.length === 0) return "empty";
  const some = (status) => statuses.includes(status);
  if (some("waiting") || some("running")) return "loading";
  if (some("ready")) return "ready";
  return some("failed") ? "error" : "absent";
}

export function clampThreshold(value) {
  return Math.min(Math.max(Math.round(value), 1), 255);
}

// The settings that hold after a payload: a new run brings a threshold of its own, unless the
// person has chosen one; a state that Python restored wins over both. `modes` are the names of
// the viewer's modes.
export function settingsAfter(settings, chosen, payload, isNewRun, modes) {
  const next = { ...settings };
  if (!isNewRun) return next;
  if (!chosen.has("threshold") && Number.isFinite(payload.threshold)) {
    next.threshold = clampThreshold(payload.threshold);
  }
  const restored = payload.state;
  if (!restored) return next;
  if (Number.isFinite(restored.threshold)) next.threshold = clampThreshold(restored.threshold);
  if (modes.includes(restored.mode)) next.mode = restored.mode;
  if (LAYOUTS.includes(restored.layout)) next.layout = restored.layout;
  if (Number.isFinite(restored.opacity)) {
    next.opacity = Math.min(Math.max(restored.opacity, 0), 1);
  }
  return next;
}

// The panels to compare with, kept valid and apart when panels come and go.
export function pairAfter(left, right, count) {
  const first = Math.min(Math.max(left, 0), Math.max(count - 1, 0));
  const second = Math.min(Math.max(right, 0), Math.max(count - 1, 0));
  if (count < 2 || first !== second) return [first, second];
  return [first, first === 0 ? 1 : first - 1];
}

// The status of a panel: that of its entry, and failed as well where the map could not be fetched.
export function statusOf(entry, hasMap, loadFailed) {
  if (!STATUSES.includes(entry.status)) return "waiting";
  if (entry.status !== "ready") return entry.status;
  if (loadFailed || !entry.map) return "failed";
  return hasMap ? "ready" : "running";
}
