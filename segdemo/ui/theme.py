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
)

CSS = """
.gradio-container { max-width: 1600px !important; width: 100%; margin: 0 auto; }
#page { align-items: flex-start; gap: 20px; }
#controls { gap: 10px; position: sticky; top: 12px; }
#title h1 { font-size: 20px; margin: 0; letter-spacing: -0.01em; }
#title p { color: var(--body-text-color-subdued); margin: 2px 0 0; }
#status { color: var(--body-text-color-subdued); font-size: 12px; }
#slots-more { gap: 8px; }
.slot .row { gap: 0; }
@media (max-width: 860px) {
  #controls { position: static; flex-basis: 100% !important; }
  #results { flex-basis: 100% !important; }
}
"""
