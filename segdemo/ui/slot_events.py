"""The events of the slots: more, one less, another checkpoint; and their choices."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from segdemo.ui.adding.handlers import Adding
from segdemo.ui.layout import Parts
from segdemo.ui.shelf import Shelf
from segdemo.ui.slots import MAX_SLOTS, filled, kept, resized
from segdemo.ui.transfers.events import begun
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import QUICK, Wiring, token_of


class SlotChoices:
    """What the lists of the slots offer a visitor, as updates of components."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._built = shelf.entries()

    def listed(self, visitor: Visitor, values: Sequence[Any]) -> list[Any]:
        """All checkpoints with what they offer now, their ``values`` kept."""
        offered = self._shelf.choices(visitor)
        return [gr.update(choices=offered, value=kept(value, offered)) for value in values]

    def filled(self, visitor: Visitor, chosen: Sequence[str | None]) -> list[Any]:
        """These checkpoints in the slots, whatever was in them; see ``slots.filled``."""
        return filled(chosen, self._shelf.choices(visitor))

    def without(self, visitor: Visitor, slot: int, chosen: Sequence[str | None]) -> list[Any]:
        """The slots after one is removed: those behind it move up, each with how it is read."""
        visitor.overrides = {
            place - (place > slot): read
            for place, read in visitor.overrides.items()
            if place != slot
        }
        return self.filled(visitor, [*chosen[:slot], *chosen[slot + 1 :]] or [None])

    def reloaded(self, visitor: Visitor) -> list[Any]:
        """All lists, if others have fetched checkpoints since the page was built."""
        self._shelf.refresh()
        if self._shelf.entries(visitor) == self._built:
            return [gr.skip()] * MAX_SLOTS
        return [gr.update(choices=self._shelf.choices(visitor)) for _ in range(MAX_SLOTS)]


def register(parts: Parts, choices: SlotChoices, adding: Adding, wiring: Wiring) -> None:
    """Tie the slots and their buttons; a checkpoint that is not on this disk is fetched."""

    def more(shown: int) -> list[Any]:
        return resized(shown + 1)

    def remove(slot: int, visitor: Visitor, shown: int, *chosen: str | None) -> list[Any]:
        visitor.turn += 1
        return choices.without(visitor, slot, chosen[:shown])

    def fetch(visitor: Visitor, chosen: str | None, token: gr.OAuthToken | None) -> Any:
        visitor.turn += 1
        return begun(visitor, lambda: adding.begin(visitor, [chosen], token_of(token)))

    parts.more.click(more, wiring.count, wiring.counted, **QUICK)
    for number, slot in enumerate(parts.slots):
        # A panel leaves with its slot.
        slot.remove.click(
            partial(remove, number), [wiring.visitor, *wiring.chosen], wiring.slots, **QUICK
        ).then(wiring.refresh, **wiring.running)
        slot.checkpoint.input(
            fetch, [wiring.visitor, slot.checkpoint], parts.transfers, **QUICK
        ).then(wiring.refresh, **wiring.running)
