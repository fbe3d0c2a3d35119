"""Reads the files of the page's own components the way Gradio wants them."""

from pathlib import Path

from segdemo.ui.gradio_support.javascript import joined

_UI = Path(__file__).parents[1]


def static(path: str) -> str:
    """The text of a file, by its path in segdemo/ui."""
    return (_UI / path).read_text(encoding="utf-8")


def script(entry: str) -> str:
    """A module, by its path in segdemo/ui, and all that it imports as one function body."""
    return joined(_UI / entry)
