"""What the events of all features share: components that many of them read, and how to compare."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from segdemo.ui.visitor import Visitor

QUICK: Mapping[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""How an event is registered whose answer takes no time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Wiring:
    """Handed to the ``register`` of each feature, which ties its own components to its handlers."""

    visitor: gr.State
    count: gr.State
    """How many slots are shown."""
    checkpoints: Sequence[Component]
    """The checkpoint of each slot."""
    counted: Sequence[Block]
    """What changes with the number of slots."""
    listed: Callable[[Visitor, Sequence[Any]], list[Any]]
    """Visitor, values of ``lists`` -> updates of ``lists`` with what they offer now."""
    filled: Callable[[Visitor, Sequence[str | None]], list[Any]]
    """Visitor, ids of checkpoints -> updates of ``slots`` that put these into the slots."""
    refresh: Callable[..., Any]
    """Compares again if there is something to compare; registered with ``running``."""
    running: Mapping[str, Any]
    """How an event that runs networks is registered; its inputs are the visitor, the image, the
    mask, how many slots are shown, and the checkpoints."""

    @property
    def lists(self) -> list[Component]:
        """The checkpoints: the components whose choices are texts."""
        return [*self.checkpoints]

    @property
    def slots(self) -> list[Block]:
        """Everything that ``filled`` updates."""
        return [*self.counted, *self.lists]

    @property
    def chosen(self) -> list[Component]:
        """How many slots are shown, and the checkpoints of all of them."""
        return [self.count, *self.checkpoints]


def token_of(token: gr.OAuthToken | None) -> str | None:
    """The access token of a visitor who has signed in."""
    return token.token if token else None
