"""The files of the page's own components, read as Gradio wants them."""

from collections.abc import Sequence
from pathlib import Path

_STATIC = Path(__file__).parents[1] / "static"


def static(name: str) -> str:
    """The text of a file."""
    return (_STATIC / name).read_text(encoding="utf-8")


def script(names: Sequence[str], component: str) -> str:
    """The scripts one after another: one function body, in which nothing is global."""
    bodies = (static(f"{name}.js") for name in names)
    return "\n".join(['"use strict";', *bodies, f"//# sourceURL=segdemo/{component}.js"])
