// The only file that knows Gradio: its props, its watch and its trigger.

import { LANGUAGE_EVENT, languageNow } from "./language.js";

// Where the server answers; "" where Gradio has not said it.
function serverAddress(path) {
  const config = window.gradio_config;
  return config && config.root ? `${config.root}${config.api_prefix || ""}${path}` : "";
}

// The sentence by which the server refuses a file; "" where it, or a proxy before it, said none.
function refusalIn(answer) {
  return typeof answer?.detail === "string" ? answer.detail : "";
}

// fetch() does not tell how much has been sent. What the server refuses is an error whose `sentence`
// says why.
function sendFile(address, file, onSent, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("files", file, file.name);
    request.open("POST", address);
    request.setRequestHeader("Accept-Language", languageNow());
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded }) => onSent(Math.min(loaded, file.size)));
    request.addEventListener("load", () => {
      const [path] = Array.isArray(request.response) ? request.response : [];
      if (request.status === 200 && typeof path === "string") resolve(path);
      else {
        const error = new Error(`the server answered ${request.status}`);
        reject(Object.assign(error, { sentence: refusalIn(request.response) }));
      }
    });
    request.addEventListener("error", () => reject(new Error("the server does not answer")));
    signal.addEventListener("abort", () => {
      request.abort();
      reject(new DOMException("cancelled", "AbortError"));
    });
    request.send(body);
  });
}

export function gradioHost(props, trigger, watch, upload) {
  return {
    payload: () => props.value,
    strings: () => props.strings[languageNow()],
    languages: () => props.languages,
    // Called when the person chooses another language.
    onLanguage: (callback) => window.addEventListener(LANGUAGE_EVENT, callback),
    palette: () => props.palette,
    scores: () => props.scores,
    keepsAddress: () => Boolean(props.address),
    mirrors: () => Boolean(props.mirror),
    // Gradio may call this several times for one change.
    onPayload: (callback) => watch("value", callback),
    // Gradio sees only a new object; an event with the viewer among its inputs then receives it.
    mirror: (state) => {
      props.value = { ...props.value, state };
      trigger("settle", state);
    },
    limits: () => props.limits,
    // Resolves to what names the server that runs now; null where Gradio has not said where it is.
    server: async () => {
      const address = serverAddress("/app_id");
      if (!address) return null;
      const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(8000) });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      return answer.text();
    },
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
    // Resolves to where the server has put the file; `onSent(bytes)` is called on the way.
    uploadShowing: (file, onSent, signal) => {
      const address = serverAddress("/upload");
      return address ? sendFile(address, file, onSent, signal) : upload(file).then(({ path }) => path);
    },
  };
}
