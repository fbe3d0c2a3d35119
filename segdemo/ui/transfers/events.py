"""The events of the list of downloads: begin, cancel, dismiss, follow."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from segdemo.ui.gradio_support.event_data import text_of
from segdemo.ui.transfers.panel import TransferList
from segdemo.ui.transfers.transfers import Transfers
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import QUICK, Wiring, token_of

MAX_WATCHED = 16
"""Visitors whose downloads are reported at a time; the downloads themselves go on."""


def begun(visitor: Visitor, begin: Callable[[], object]) -> Any:
    """Begin downloads and show them; nothing changes where there is nothing to fetch."""
    transfers = visitor.of(Transfers)
    before = transfers.rows()
    begin()
    rows = transfers.rows()
    return gr.skip() if rows.serial == before.serial else rows


def register(
    rows: TransferList, begin: Callable[[Visitor, list[str], str | None], None], wiring: Wiring
) -> None:
    """Tie the list; ``begin`` fetches the checkpoints of these ids with a visitor's token."""

    def fetch(visitor: Visitor, event: gr.EventData, token: gr.OAuthToken | None) -> Any:
        name = text_of(event, "id")
        return begun(visitor, lambda: begin(visitor, [name], token_of(token)))

    def cancel(visitor: Visitor, event: gr.EventData) -> Any:
        visitor.of(Transfers).cancel(text_of(event, "id"))
        return visitor.of(Transfers).rows()

    def dismiss(visitor: Visitor, event: gr.EventData) -> Any:
        visitor.of(Transfers).dismiss(text_of(event, "id"))
        return visitor.of(Transfers).rows()

    def follow(visitor: Visitor) -> Iterator[Any]:
        yield from visitor.of(Transfers).follow()

    def settled(visitor: Visitor, *chosen: str | None) -> list[Any]:
        visitor.of(Transfers).dismiss_arrived()
        return [visitor.of(Transfers).rows(), *wiring.listed(visitor, chosen)]

    for event, handler in ((rows.begin, fetch), (rows.cancel, cancel), (rows.dismiss, dismiss)):
        # The panel says whether its checkpoint is coming, and what to do otherwise.
        event(handler, wiring.visitor, rows, **QUICK).then(wiring.refresh, **wiring.running)
    rows.follow(
        follow,
        wiring.visitor,
        rows,
        concurrency_limit=MAX_WATCHED,
        concurrency_id="downloads",
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    rows.settled(settled, [wiring.visitor, *wiring.lists], [rows, *wiring.lists], **QUICK).then(
        wiring.refresh, **wiring.running
    )
