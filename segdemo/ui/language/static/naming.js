// Labels for Gradio's own elements that have none, or do not follow the language at once.

import { setAttribute } from "../../gradio_support/static/dom.js";
import { fill } from "../../viewer/static/arithmetic/text.js";

// The page's style shows an element's data-words in place of Gradio's own.
export function labelGradioParts(strings) {
  // Otherwise a screen reader says only "button".
  document.querySelectorAll("#examples .gallery-item").forEach((button, index) => {
    setAttribute(button, "aria-label", fill(strings.example, { number: index + 1 }));
  });
  for (const kind of ["error", "warning", "info"]) {
    for (const title of document.querySelectorAll(`.toast-title.${kind}`)) {
      setAttribute(title, "data-words", strings[`toast_${kind}`]);
    }
  }
}
