"""The events of the slots: more, fewer, another filter, another checkpoint; and their choices."""

from collections.abc import Sequence
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
        """All filters and checkpoints with what they offer now, their ``values`` kept."""
        filters, chosen = values[:MAX_SLOTS], values[MAX_SLOTS:]
        families = self._shelf.families(visitor)
        choices = [self._shelf.choices(architecture or "", visitor) for architecture in filters]
        return [
            *(gr.update(choices=families, value=value or "") for value in filters),
            *(
                gr.update(choices=offered, value=kept(value, offered))
                for offered, value in zip(choices, chosen, strict=True)
            ),
        ]

    def filled(self, visitor: Visitor, chosen: Sequence[str | None]) -> list[Any]:
        """These checkpoints in the slots, whatever was in them; see ``slots.filled``."""
        return filled(chosen, self._shelf.choices(visitor=visitor))

    def narrowed(self, visitor: Visitor, architecture: str, chosen: str | None) -> Any:
        """A slot whose filter was changed."""
        choices = self._shelf.choices(architecture, visitor)
        return gr.update(choices=choices, value=kept(chosen, choices))

    def reloaded(self, visitor: Visitor) -> list[Any]:
        """All lists, if others have fetched checkpoints since the page was built."""
        self._shelf.refresh()
        if self._shelf.entries(visitor) == self._built:
            return [gr.skip()] * (2 * MAX_SLOTS)
        families, choices = self._shelf.families(visitor), self._shelf.choices(visitor=visitor)
        return [
            *(gr.update(choices=families) for _ in range(MAX_SLOTS)),
            *(gr.update(choices=choices) for _ in range(MAX_SLOTS)),
        ]


def register(parts: Parts, choices: SlotChoices, adding: Adding, wiring: Wiring) -> None:
    """Tie the slots and their buttons; a checkpoint that is not on this disk is fetched."""

    def more(shown: int) -> list[Any]:
        return resized(shown + 1)

    def fewer(shown: int) -> list[Any]:
        return resized(shown - 1)

    def fetch(visitor: Visitor, chosen: str | None, token: gr.OAuthToken | None) -> Any:
        visitor.turn += 1
        return begun(visitor, lambda: adding.begin(visitor, [chosen], token_of(token)))

    parts.more.click(more, wiring.count, wiring.counted, **QUICK)
    # A panel leaves with its slot.
    parts.fewer.click(fewer, wiring.count, wiring.counted, **QUICK).then(
        wiring.refresh, **wiring.running
    )
    for slot in parts.slots:
        slot.architecture.input(
            choices.narrowed,
            [wiring.visitor, slot.architecture, slot.checkpoint],
            slot.checkpoint,
            **QUICK,
        )
        slot.checkpoint.input(
            fetch, [wiring.visitor, slot.checkpoint], parts.transfers, **QUICK
        ).then(wiring.refresh, **wiring.running)
