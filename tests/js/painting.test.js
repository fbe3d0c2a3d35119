import { tailSums } from "../../segdemo/ui/viewer/static/arithmetic/histogram.js";
import {
  flipsFew, isStep, staleBoxes,
} from "../../segdemo/ui/viewer/static/arithmetic/painting.js";
import { equal, test } from "./harness.js";



const SCREEN = { left: 0, top: 0, right: 90, bottom: 70 };

// What a panel remembers of its image, and what it should be now.
function seen(changes = {}) {
  return { mark: "a", ks: [100], box: SCREEN, left: 0, top: 0, scale: "1", ...changes };
}

function blankPanel() {
  return { image: { width: 90, height: 70 }, pixels: new Uint32Array(90 * 70) };
}

function area(boxes) {
  return boxes.reduce((sum, { left, top, right, bottom }) => sum + (right - left) * (bottom - top), 0);
}

test("what has not changed is not painted", () => {
  equal(staleBoxes(seen(), seen(), blankPanel()), []);
});

test("another map, mode, colour or zoom is painted as a whole, and so is what was never painted", () => {
  for (const before of [null, seen({ mark: "b" }), seen({ scale: "2" })]) {
    equal(staleBoxes(before, seen(), blankPanel()), [SCREEN]);
  }
});

test("a pan by whole pixels paints what comes into the panel and nothing twice", () => {
  for (const [dx, dy] of [[7, 3], [-7, 3], [7, -3], [-7, -3], [0, 5]]) {
    const boxes = staleBoxes(seen(), seen({ left: dx, top: dy }), blankPanel());
    equal(area(boxes), 90 * 70 - (90 - Math.abs(dx)) * (70 - Math.abs(dy)));
    const painted = new Set(boxes.flatMap(({ left, top, right, bottom }) =>
      Array.from({ length: (right - left) * (bottom - top) }, (_, i) =>
        `${left + i % (right - left)} ${top + Math.floor(i / (right - left))}`)));
    equal(painted.size, area(boxes));
  }
});

test("a pan by a part of a pixel, or by more than the panel, is painted as a whole", () => {
  for (const left of [0.5, 91, -90]) {
    equal(staleBoxes(seen(), seen({ left }), blankPanel()), [SCREEN]);
  }
});

test("other thresholds alone are a step", () => {
  equal(isStep(seen(), seen({ ks: [101] })), true);
  equal(isStep(seen({ ks: [100, 7] }), seen({ ks: [100, 8] })), true);
  equal(isStep(seen(), seen()), false);
  equal(isStep(null, seen()), false);
  for (const more of [{ mark: "b" }, { scale: "2" }, { left: 3 }, { top: 1 }, { box: { ...SCREEN, right: 40 } }]) {
    equal(isStep(seen(), seen({ ks: [101], ...more })), false);
  }
});

test("few cells flip as long as those of all maps are few beside the pixels of the box", () => {
  const map = { tail: tailSums(new Float64Array(256).fill(10)) };
  const small = { left: 5, top: 5, right: 45, bottom: 21 };
  equal(flipsFew({ ks: [100] }, [{ map, k: 104 }], small), true);
  equal(flipsFew({ ks: [100] }, [{ map, k: 105 }], small), false);
  equal(flipsFew({ ks: [105, 9] }, [{ map, k: 103 }, { map, k: 11 }], small), true);
  equal(flipsFew({ ks: [105, 9] }, [{ map, k: 103 }, { map, k: 12 }], small), false);
});

test("another threshold and more than that is painted as a whole", () => {
  for (const more of [{ left: 3 }, { box: { ...SCREEN, right: 40 } }]) {
    const after = seen({ ks: [101], ...more });
    equal(staleBoxes(seen(), after, blankPanel()), [after.box]);
  }
});

test("a divider that moves paints what it uncovers", () => {
  const before = seen({ box: { ...SCREEN, right: 40 } });
  const after = seen({ box: { ...SCREEN, right: 46 } });
  equal(staleBoxes(before, after, blankPanel()), [{ ...SCREEN, left: 40, right: 46 }]);
  equal(staleBoxes(after, before, blankPanel()), []);
});
