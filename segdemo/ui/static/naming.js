// Words for what Gradio shows without any, or in a language that it does not change at once.

const UPLOADS = Object.freeze({
  "picture": "drop_picture",
  "truth": "drop_mask",
  "batch-pictures": "drop_pictures",
  "batch-masks": "drop_masks",
});

function nameParts(strings) {
  // A screen reader would say only "button".
  document.querySelectorAll("#examples .gallery-item").forEach((button, index) => {
    setAttribute(button, "aria-label", fill(strings.example, { number: index + 1 }));
  });
  for (const [id, name] of Object.entries(UPLOADS)) {
    const place = document.querySelector(`#${id} [data-testid="upload-text"]`);
    if (!place) continue;
    // The page's style shows these words in place of Gradio's own.
    setAttribute(place, "data-words", strings[name]);
    const button = place.closest("button");
    if (button) setAttribute(button, "aria-label", strings[name]);
  }
}
