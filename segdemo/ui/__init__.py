"""The web page."""

from segdemo.ui.gradio_support.stubs import import_gradio

import_gradio()

from segdemo.ui.demo import create_demo, launch_options  # noqa: E402 (which imports Gradio)

__all__ = ["create_demo", "launch_options"]
