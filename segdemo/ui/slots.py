"""How the slots for checkpoints grow, shrink and keep what they hold: updates of components."""

from typing import Any

import gradio as gr

from segdemo.ui.handlers import MAX_SLOTS, MIN_SLOTS


def resized(shown: int) -> list[Any]:
    """The number of slots shown, the two buttons, and which slots are seen."""
    shown = min(MAX_SLOTS, max(MIN_SLOTS, shown))
    return [
        shown,
        gr.update(interactive=shown < MAX_SLOTS),
        gr.update(interactive=shown > MIN_SLOTS),
        *(gr.update(visible=number < shown) for number in range(MAX_SLOTS)),
    ]


def kept(value: str | None, choices: list[tuple[str, str]]) -> str | None:
    """The value, if it is still offered."""
    return value if value in [name for _, name in choices] else None
