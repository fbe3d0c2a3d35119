// Which language the page speaks: what was chosen on it, else what the browser asks for.

import { LANGUAGE_TAGS, nearestLanguage } from "../../viewer/static/arithmetic/text.js";

const LANGUAGE_KEY = "segdemo-language";
export const LANGUAGE_EVENT = "segdemo-language";

export function languageNow() {
  const { language } = document.documentElement.dataset;
  const chosen = language || rememberedLanguage();
  return chosen && Object.hasOwn(LANGUAGE_TAGS, chosen) ? chosen : nearestLanguage(navigator.languages || []);
}

// A browser may deny storage.
function rememberedLanguage() {
  try {
    return localStorage.getItem(LANGUAGE_KEY);
  } catch {
    return null;
  }
}

// Sets the page's language and notifies every component.
export function chooseLanguage(name) {
  document.documentElement.dataset.language = name;
  try {
    localStorage.setItem(LANGUAGE_KEY, name);
  } catch {
    // The choice is kept for this visit only.
  }
  window.dispatchEvent(new Event(LANGUAGE_EVENT));
}
