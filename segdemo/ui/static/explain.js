// Why a mask looks as it does, and what can be changed about it.

const EXPLAIN_PART = Object.freeze({
  build() {},
  load() {},
  refresh() {},
  step() {},
});
