"""The image's place on the page: upload, camera or clipboard."""

import gradio as gr
from gradio.data_classes import ImageData


class PictureInput(gr.Image):
    """Hands over the file as it was given: Gradio itself would turn, clip and flatten it."""

    def get_block_name(self) -> str:
        """The front end of gr.Image."""
        return "image"

    def preprocess(self, payload: ImageData | None) -> str | None:
        """The path of the uploaded file."""
        return payload.path if payload else None
