// What can be kept of a panel.

const SAVE_PART = Object.freeze({
  build() {},
  load() {},
  refresh() {},
  step() {},
});
