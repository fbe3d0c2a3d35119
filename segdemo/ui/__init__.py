"""The web page."""

from typing import Any

import gradio as gr

from segdemo.catalog import shipped
from segdemo.pool import Pool
from segdemo.settings import Settings
from segdemo.ui import stored
from segdemo.ui.handlers import Handlers
from segdemo.ui.layout import build
from segdemo.ui.theme import CSS, THEME

__all__ = ["create_demo", "launch_options"]


def create_demo(settings: Settings | None = None) -> gr.Blocks:
    """The page for these settings, the environment's by default. Raises SettingsError."""
    settings = settings or Settings.from_environment()
    handlers = Handlers(
        settings=settings,
        predictor=Pool(settings),
        entries=shipped(),
        examples=stored.examples(),
    )
    return build(handlers, stored.FOLDER)


def launch_options(settings: Settings | None = None) -> dict[str, Any]:
    """What ``gr.Blocks.launch`` needs to know beside the environment's GRADIO_ variables."""
    settings = settings or Settings.from_environment()
    return {
        "theme": THEME,
        "css": CSS,
        "footer_links": ["settings"],
        "max_file_size": f"{settings.max_upload_megabytes}mb",
        # Every browser would keep the inputs and outputs of all its runs.
        "run_history": False,
        "show_error": False,
    }
