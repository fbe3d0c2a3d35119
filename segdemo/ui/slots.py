"""How the slots for checkpoints grow, shrink and keep what they hold: updates of components."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

MIN_SLOTS = 1
SLOTS_AT_FIRST = 2
MAX_SLOTS = 4

Choices = list[tuple[str, str]]
"""What a slot offers: labels and the ids of checkpoints."""


def resized(shown: int) -> list[Any]:
    """The number of slots shown, the button for one more, and which slots are seen."""
    shown = min(MAX_SLOTS, max(MIN_SLOTS, shown))
    return [
        shown,
        gr.update(interactive=shown < MAX_SLOTS),
        *(gr.update(visible=number < shown) for number in range(MAX_SLOTS)),
    ]


def filled(chosen: Sequence[str | None], choices: Choices) -> list[Any]:
    """As `resized`, then all slots: these checkpoints, whatever was in them."""
    padded = [*chosen, *[None] * (MAX_SLOTS - len(chosen))]
    return [
        *resized(len(chosen)),
        *(gr.update(choices=choices, value=name) for name in padded),
    ]


def kept(value: str | None, choices: Choices) -> str | None:
    """The value, if it is still offered."""
    return value if value in [name for _, name in choices] else None


def put(name: str, chosen: list[str | None], shown: int) -> tuple[int, int | None]:
    """Put a checkpoint into the first empty slot of ``chosen``, else into a new one.

    Returns how many slots are shown then, and its slot: the one that holds it already, or None
    where all are taken.
    """
    if name in chosen[:shown]:
        return shown, chosen.index(name)
    slot = next((slot for slot in range(shown) if chosen[slot] is None), shown)
    if slot == MAX_SLOTS:
        return shown, None
    chosen[slot] = name
    return max(shown, slot + 1), slot
