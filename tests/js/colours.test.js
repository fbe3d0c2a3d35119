import {
  colourRamp, packColour, parseColour, textColourOn,
} from "../../segdemo/ui/viewer/static/arithmetic/colours.js";
import { equal, test } from "./harness.js";



test("a colour is six hexadecimal digits and nothing else", () => {
  equal(parseColour("#12abEF"), { r: 18, g: 171, b: 239 });
  for (const wrong of ["red", "#fff", "#12345g", "#1234567", "url(x)"]) equal(parseColour(wrong), null);
});

test("a packed colour is what a canvas holds", () => {
  equal(new Uint8Array(Uint32Array.of(packColour({ r: 1, g: 2, b: 3 })).buffer), [1, 2, 3, 255]);
});

test("text on a colour is the better readable of black and white", () => {
  equal(textColourOn({ r: 255, g: 184, b: 28 }), "#000000");
  equal(textColourOn({ r: 30, g: 30, b: 90 }), "#ffffff");
});

test("a ramp begins and ends with its stops", () => {
  const ramp = colourRamp(["#000004", "#bc3754", "#fcffa4"]);
  equal(ramp[0], packColour(parseColour("#000004")));
  equal(ramp[255], packColour(parseColour("#fcffa4")));
  equal(ramp.length, 256);
});
