// The only file that knows Gradio: its props, its watch and its trigger.

import { LANGUAGE_EVENT, languageNow } from "./language.js";

export function gradioHost(props, trigger, watch, upload) {
  return {
    payload: () => props.value,
    strings: () => props.strings[languageNow()],
    languages: () => props.languages,
    // Called when the person chooses another language.
    onLanguage: (callback) => window.addEventListener(LANGUAGE_EVENT, callback),
    palette: () => props.palette,
    scores: () => props.scores,
    mirrors: () => Boolean(props.mirror),
    // Gradio may call this several times for one change.
    onPayload: (callback) => watch("value", callback),
    // Gradio sees only a new object; an event with the viewer among its inputs then receives it.
    mirror: (state) => {
      props.value = { ...props.value, state };
      trigger("settle", state);
    },
    limits: () => props.limits,
    // Gradio's own few words, such as those in an empty picture, which it would else say in the
    // browser's language. It has no public way for it: where this one is closed, they stay.
    speak: async (tag) => {
      const core = performance.getEntriesByType("resource")
        .find(({ name }) => /[/]assets[/]core-[^/]+[.]js$/.test(name));
      try {
        if (core) (await import(core.name)).changeLocale(tag);
      } catch (error) {
        console.warn("segdemo: the page's own words stay in the browser's language", error);
      }
    },
    // An event for Python with a few plain values.
    send: (event, values) => trigger(event, values),
    // Resolves to where the server has put the file.
    upload: (file) => upload(file).then(({ path }) => path),
  };
}
