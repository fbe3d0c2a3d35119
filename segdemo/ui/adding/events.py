"""The events of the panel that adds checkpoints of the Hub: look, use."""

from typing import Any

import gradio as gr

from segdemo.strings import text
from segdemo.ui.adding.handlers import Adding
from segdemo.ui.adding.panel import HubPanel
from segdemo.ui.adding.payload import problem
from segdemo.ui.gradio_support.errors import explain
from segdemo.ui.gradio_support.event_data import number_of, text_of
from segdemo.ui.slots import put, resized
from segdemo.ui.transfers.panel import TransferList
from segdemo.ui.transfers.transfers import Transfers
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import QUICK, Wiring, token_of

MAX_LOOKS = 4
"""Visitors who look at the Hub at a time."""


def register(panel: HubPanel, transfers: TransferList, adding: Adding, wiring: Wiring) -> None:
    """Tie the panel; what is used goes into a slot, and into ``transfers`` if it has to come."""

    def look(visitor: Visitor, event: gr.EventData, token: gr.OAuthToken | None) -> list[Any]:
        words, serial = text_of(event, "words"), number_of(event, "serial")
        return [visitor, adding.look(visitor, words, serial, token_of(token))]

    def use(
        visitor: Visitor,
        event: gr.EventData,
        token: gr.OAuthToken | None,
        shown: int,
        *slots: str | None,
    ) -> list[Any]:
        try:
            entry = adding.use(visitor, number_of(event, "number"), token_of(token))
        except Exception as error:
            answer = problem(explain(error), number_of(event, "serial"))
            return [answer, *[gr.skip()] * (len(used) - 1)]
        chosen = list(slots)
        shown, where = put(entry.id, chosen, shown)
        answer = gr.skip()
        if where is None:
            answer = problem(text("add_full", name=entry.title_here), number_of(event, "serial"))
        return [
            answer,
            visitor.of(Transfers).rows(),
            *resized(shown),
            *wiring.listed(visitor, chosen),
        ]

    panel.look(
        look,
        wiring.visitor,
        [wiring.visitor, panel],
        concurrency_limit=MAX_LOOKS,
        concurrency_id="looks",
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    used = [panel, transfers, *wiring.slots]
    panel.use(use, [wiring.visitor, *wiring.chosen], used, **QUICK).then(
        wiring.refresh, **wiring.running
    )
