// Networks of three classes and more: which of their answers a panel shows.

// "all" for the winner of each pixel, "foreground" for whatever is not background, or a class.
function pickOf(panel) {
  return panel.pick ?? "foreground";
}

// Whether the panel shows the winners, to which no threshold applies.
function showsClasses(panel) {
  return pickOf(panel) === "all";
}

const CLASS_PART = Object.freeze({
  build() {},
  load() {},
  refresh() {},
  step() {},
});
