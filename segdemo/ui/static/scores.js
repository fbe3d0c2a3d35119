// How right each mask is, where a person has said what is right.

const SCORE_PART = Object.freeze({
  build() {},
  load() {},
  refresh() {},
  step() {},
});
