"""How the page looks around the viewer."""

import gradio as gr

# The reader's own fonts: nothing is fetched, and Chinese is shown by the system's.
_SANS = [
    "ui-sans-serif",
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "sans-serif",
]
_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]

THEME = gr.themes.Base(
    primary_hue="indigo",
    neutral_hue="slate",
    radius_size="md",
    spacing_size="sm",
    font=_SANS,
    font_mono=_MONO,
).set(
    # Gradio's own are a shade too light to be read by everybody.
    body_text_color_subdued="*neutral_500",
    color_accent="*primary_600",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
)

CSS = """
.dark { --color-accent: var(--primary-400); }
.gradio-container .main.app { max-width: 1640px; padding: 16px 24px; }
/* At the end of the first line, level with the title and the tabs, which leave room for it. */
#language { position: absolute; inset: -2px 0 auto auto; z-index: 11; }
#language { width: auto; min-width: 0; }
#page { align-items: flex-start; gap: 20px; }
/* Above the results, which open lists overlap. */
#controls { gap: 10px; position: sticky; top: 12px; z-index: 10; }
#title h1 { font-size: 20px; margin: 0; letter-spacing: -0.01em; }
#title p { margin: 2px 0 0; }
#title p, #status p { color: var(--body-text-color-subdued); font-size: 13px; }
/* Our own words, which follow the language that is chosen. */
.toast-title[data-words] { font-size: 0; }
.toast-title[data-words] > * { display: none; }
.toast-title[data-words]::after { content: attr(data-words); font-size: 15px; }
.slot .row { align-items: flex-end; background: var(--block-background-fill); }
.slot button[id^="remove-"] {
  flex: none; align-self: flex-end; margin: 0 10px 11px 0; padding: 6px 8px; border-radius: 6px;
  font-weight: 400;
}
.slot input { text-overflow: ellipsis; padding-inline-end: 16px !important; }
.slot .icon-wrap { inset-inline-end: 2px !important; }
/* Gradio opens a list at its chosen line, which it looks for in the list's own box. */
.slot .option-list { position: relative; font-size: 13px; }
.slot .option-list .item { width: auto !important; }
@media (min-width: 861px) { .slot .options:has(.item:nth-child(3)) { min-width: 420px; } }
#transfers:has([data-count="0"]) { display: none; }
#examples > .gallery { display: grid; grid-template-columns: repeat(4, minmax(0, 84px)); gap: 6px; }
#examples button { min-width: 0; aspect-ratio: 1; }
#examples button :is(span, .container, img) {
  display: block; width: 100%; height: 100%; max-width: none; max-height: none;
}
#examples img { object-fit: cover; }
@media (pointer: coarse) {
  #add, .slot :is(button, input) { min-height: 44px; }
  #views > .tab-wrapper button, #language select { min-height: 44px; }
  #examples > .gallery { grid-template-columns: repeat(auto-fill, minmax(72px, 1fr)); }
}
footer .divider { display: none; }
footer .settings { margin-inline-start: 16px; }
@media (max-width: 860px) {
  .gradio-container .main.app { padding: 12px; }
  #page { gap: 12px; }
  /* What is chosen stands in one column with the results, which follow their picture. */
  #controls { display: contents; }
  #controls > *, #results { flex: 1 1 100% !important; order: 3; max-width: 100%; }
  #controls > :is(#title, #zone) { order: 0; }
  #controls > #picture { order: 1; }
  #results { order: 2; }
}
"""
