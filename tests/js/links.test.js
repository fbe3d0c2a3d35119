// Links that open a comparison again.

import { linkTo, namesComparison } from "../../segdemo/ui/viewer/static/arithmetic/links.js";
import { equal, test } from "./harness.js";

const PLACE = { origin: "https://example.org", pathname: "/demo/" };
const VIEW = { mode: "mask", layout: "swipe", picks: [], palettes: [] };

test("a link names what Python said, then the view", () => {
  const pairs = [["m", "one"], ["m", "owner/name@0123:nets/unet.pth"], ["ex", "retina"]];
  equal(linkTo(PLACE, pairs, { ...VIEW, thresholds: [90, 90] }),
    "https://example.org/demo/?m=one&m=owner/name@0123:nets/unet.pth&ex=retina&t=90&mode=mask&view=swipe");
});

test("thresholds that differ are all there", () => {
  const link = linkTo(PLACE, [], { ...VIEW, thresholds: [90, 91] });
  equal(new URL(link).searchParams.get("t"), "90,91");
});

test("classes and colours are there where a person chose others than at first", () => {
  const panels = { thresholds: [1, 1], picks: ["", "3"], palettes: ["", ""] };
  equal(linkTo(PLACE, [], { ...VIEW, ...panels }),
    "https://example.org/demo/?t=1&pick=,3&mode=mask&view=swipe");
  const link = linkTo(PLACE, [], { ...VIEW, ...panels, palettes: ["voc", ""] });
  equal(new URL(link).searchParams.get("palette"), "voc,");
});

test("whatever a name holds comes back from the link", () => {
  const name = "a&b=c d#?%+é%2F@:";
  const link = linkTo(PLACE, [["m", name]], { ...VIEW, thresholds: [1] });
  equal(new URL(link).searchParams.get("m"), name);
});

test("only a checkpoint or an example is something to open", () => {
  equal(["?m=a", "?ex=b", "?__theme=dark", "", "?t=3"].map(namesComparison),
    [true, true, false, false, false]);
});
