"""Reads the files of the page's own components the way Gradio wants them."""

from collections.abc import Sequence
from pathlib import Path

_UI = Path(__file__).parents[1]
# Every component keeps its files in a folder of its own; no two of them have one name.
_FILES = {path.name: path for path in _UI.glob("*/static/**/*.*")}


def static(name: str) -> str:
    """The text of a file."""
    return _FILES[name].read_text(encoding="utf-8")


def script(names: Sequence[str], component: str) -> str:
    """The scripts one after another: one function body, in which nothing is global."""
    bodies = (static(f"{name}.js") for name in names)
    return "\n".join(['"use strict";', *bodies, f"//# sourceURL=segdemo/{component}.js"])
