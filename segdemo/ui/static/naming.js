// Names for what Gradio shows without one: a screen reader would say only "button".

function nameExamples(strings) {
  document.querySelectorAll("#examples .gallery-item").forEach((button, index) => {
    setAttribute(button, "aria-label", fill(strings.example, { number: index + 1 }));
  });
}
