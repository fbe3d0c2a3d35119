"""How the slots for checkpoints grow, shrink and keep what they hold: updates of components."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

MIN_SLOTS = 2
MAX_SLOTS = 4

Choices = list[tuple[str, str]]
"""What a slot offers: labels and the ids of checkpoints."""


def resized(shown: int) -> list[Any]:
    """The number of slots shown, the two buttons, and which slots are seen."""
    shown = min(MAX_SLOTS, max(MIN_SLOTS, shown))
    return [
        shown,
        gr.update(interactive=shown < MAX_SLOTS),
        gr.update(interactive=shown > MIN_SLOTS),
        *(gr.update(visible=number < shown) for number in range(MAX_SLOTS)),
    ]


def filled(chosen: Sequence[str | None], choices: Choices) -> list[Any]:
    """As `resized`, then all filters and all slots: these checkpoints, whatever was in them."""
    padded = [*chosen, *[None] * (MAX_SLOTS - len(chosen))]
    return [
        *resized(len(chosen)),
        *("" for _ in padded),
        *(gr.update(choices=choices, value=name) for name in padded),
    ]


def kept(value: str | None, choices: Choices) -> str | None:
    """The value, if it is still offered."""
    return value if value in [name for _, name in choices] else None


def place(chosen: Sequence[str | None], shown: int) -> tuple[int, int]:
    """The slot for one more checkpoint and how many slots are shown then.

    The first empty slot, else a new one, else the last.
    """
    for slot, name in enumerate(chosen[:shown]):
        if name is None:
            return slot, shown
    if shown < MAX_SLOTS:
        return shown, shown + 1
    return MAX_SLOTS - 1, MAX_SLOTS
