// The choice of a language: the page's own texts follow at once, Python's as soon as it is told.

import { make, partsOf } from "../../gradio_support/static/dom.js";
import { chooseLanguage, languageNow } from "../../gradio_support/static/language.js";
import { LANGUAGE_TAGS } from "../../viewer/static/arithmetic/text.js";
import { labelGradioParts } from "./naming.js";

export function mountLanguageChoice(root, host) {
  const { select } = partsOf(root);
  select.append(...Object.entries(host.languages()).map(([name, title]) => {
    const option = make("option", "", title);
    option.value = name;
    option.lang = LANGUAGE_TAGS[name];
    return option;
  }));
  const label = () => {
    const name = languageNow();
    select.value = name;
    select.setAttribute("aria-label", host.strings().label);
    document.documentElement.lang = LANGUAGE_TAGS[name];
    host.speak(LANGUAGE_TAGS[name]);
    labelGradioParts(host.strings());
  };
  host.onLanguage(label);
  select.addEventListener("change", () => {
    chooseLanguage(select.value);
    host.send("speak", { language: select.value });
  });
  label();
  // Gradio makes some of its parts later than others, or anew.
  new MutationObserver(() => labelGradioParts(host.strings()))
    .observe(document.body, { childList: true, subtree: true });
  // The page arrives in English.
  if (languageNow() !== "en") host.send("speak", { language: languageNow() });
}
