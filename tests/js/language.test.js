// Which language a browser's preferences ask for.

import { nearestLanguage } from "../../segdemo/ui/viewer/static/arithmetic/text.js";
import { equal, test } from "./harness.js";

test("of what a browser asks for, the first language that is spoken here is chosen", () => {
  const asked = {
    "zh": ["zh"], "zh-CN": ["zh-CN"], "zh-TW": ["zh-TW", "en"], "ZH-hant-HK": ["ZH-hant-HK"],
    "en-GB": ["en-GB", "zh"], "French before Chinese": ["fr-FR", "zh-CN", "en"],
  };
  equal(Object.values(asked).map(nearestLanguage), ["zh", "zh", "zh", "zh", "en", "zh"]);
});

test("where none is spoken here, or nothing is asked for, it is English", () => {
  equal([["fr-FR", "de"], [], ["constructor"], ["__proto__"]].map(nearestLanguage),
    ["en", "en", "en", "en"]);
});
