"""The usual way to move a threshold: every step goes to Python, which paints all panels anew."""

import gradio as gr
import numpy as np
import numpy.typing as npt
from PIL import Image

_COLOUR = np.array([0, 160, 255], dtype=np.float32)
_OPACITY = 0.5

Map = npt.NDArray[np.uint8]


def panels(picture: Image.Image, maps: list[Map]) -> tuple[gr.Slider, list[gr.Image]]:
    """A slider and one image per map (H, W), all of the picture's size, wired to each other."""
    base = np.asarray(picture, dtype=np.float32)
    tinted = base * (1 - _OPACITY) + _COLOUR * _OPACITY

    def redraw(threshold: int) -> list[Image.Image]:
        return [
            Image.fromarray(np.where((q >= threshold)[..., None], tinted, base).astype(np.uint8))
            for q in maps
        ]

    slider = gr.Slider(1, 255, value=128, step=1, label="naive", elem_id="naive-slider")
    with gr.Row():
        images = [gr.Image(elem_classes="naive-panel", label=str(n)) for n in range(len(maps))]
    slider.change(redraw, slider, images, show_progress="hidden")
    return slider, images
