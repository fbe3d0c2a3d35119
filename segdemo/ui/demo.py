"""The page as it is served: what it is made of, and how it is launched."""

from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from segdemo import catalog
from segdemo.errors import SettingsError
from segdemo.inference.late_pool import local_predictor
from segdemo.settings import Settings
from segdemo.ui.adding.hub_access import hub_access
from segdemo.ui.gradio_support.errors import misunderstood
from segdemo.ui.gradio_support.theme import CSS, THEME
from segdemo.ui.handlers import Handlers
from segdemo.ui.operations.disk import DiskQuota
from segdemo.ui.operations.guard import Guard
from segdemo.ui.operations.health import routes
from segdemo.ui.operations.hosts import known_hosts
from segdemo.ui.page import build
from segdemo.ui.shelf import Shelf
from segdemo.ui.viewer import stored

__all__ = ["create_demo", "launch_options"]


def create_demo(settings: Settings | None = None) -> gr.Blocks:
    """The page for these settings, the environment's by default. Raises SettingsError."""
    settings = settings or Settings.from_environment()
    hub = hub_access(settings)
    handlers = Handlers(
        settings=settings,
        predictor=local_predictor(settings),
        shelf=Shelf(partial(catalog.offered, settings), online=not hub.offline),
        hub=hub,
        examples=stored.examples(),
    )
    return build(handlers, stored.FOLDER)


def launch_options(settings: Settings | None = None) -> dict[str, Any]:
    """What ``gr.Blocks.launch`` needs to know beside the environment's GRADIO_ variables.

    Raises SettingsError, also when what a setting asks for is not installed.
    """
    settings = settings or Settings.from_environment()
    if settings.mcp and find_spec("mcp") is None:
        raise SettingsError("settings_mcp")
    quota = DiskQuota(settings.disk_megabytes * 1_000_000, lambda: Path(get_upload_folder()))
    guard = Middleware(Guard, hosts=known_hosts(settings.hosts), quota=quota)
    if settings.mcp:
        # The package is optional.
        import_module("segdemo.ui.gradio_support.mcp_answers").answer_in_json()
    return {
        "theme": THEME,
        "css": CSS,
        "footer_links": ["api", "settings"],
        # One limit for images and checkpoints; the handlers know that of each.
        "max_file_size": f"{_max_file_megabytes(settings)}mb",
        # Every browser would keep the inputs and outputs of all its runs.
        "run_history": False,
        "show_error": False,
        "mcp_server": settings.mcp,
        "app_kwargs": {
            "middleware": [guard],
            "routes": routes(quota),
            "exception_handlers": {TypeError: misunderstood},
        },
    }


def _max_file_megabytes(settings: Settings) -> int:
    checkpoints = settings.max_download_megabytes if settings.checkpoint_uploads else 0
    return max(settings.max_upload_megabytes, checkpoints)
