"""The tab for many images: its components, and which event calls what."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segdemo.batch import Run
from segdemo.inference.maps import LEVELS
from segdemo.ui.batch.panel import BatchPanel
from segdemo.ui.batch.payload import BatchPayload
from segdemo.ui.batch.runs import BatchRuns
from segdemo.ui.gradio_support.errors import refusal
from segdemo.ui.gradio_support.event_data import number_of, text_of
from segdemo.ui.intake.places import FilePlace
from segdemo.ui.language.texts import labelled
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import QUICK, Wiring

MAX_RUNS = 2
"""Of all visitors at a time; their networks take turns with those of comparisons."""


@dataclass(frozen=True, eq=False, kw_only=True)
class BatchParts:
    """The components of the tab."""

    pictures: FilePlace
    masks: FilePlace
    run: gr.Button
    panel: BatchPanel


def create_batch_components(limits: Mapping[str, Any]) -> BatchParts:
    """The components, to be called inside of their tab; ``limits`` as of a ``FilePlace``."""
    with gr.Row(elem_id="batch-files"):
        # No list of endings: a file of another kind is a row that says what is wrong with it.
        with gr.Column(min_width=240):
            pictures = FilePlace(kind="pictures", limits=limits, elem_id="batch-pictures")
        with gr.Column(min_width=240):
            masks = FilePlace(kind="masks", limits=limits, elem_id="batch-masks")
    run = labelled(gr.Button(variant="primary", elem_id="batch-run"), value="page_batch_run")
    return BatchParts(pictures=pictures, masks=masks, run=run, panel=BatchPanel(elem_id="batch"))


def register(
    parts: BatchParts,
    *,
    prepare: Callable[..., Run],
    reopen: Callable[..., list[Any]],
    reopened: Sequence[Block],
    wiring: Wiring,
) -> None:
    """Tie the tab; an image that is opened in the page is compared there.

    ``prepare`` makes a run of a visitor, their files, and what the slots hold; ``reopen`` makes
    updates of the components ``reopened`` from a visitor and the files of an image and its mask.
    """

    def follow(
        visitor: Visitor,
        pictures: list[str] | None,
        masks: list[str] | None,
        shown: int,
        *chosen: str | None,
    ) -> Iterator[BatchPayload]:
        slots = chosen[:shown]
        try:
            yield from visitor.of(BatchRuns).follow(
                lambda: prepare(visitor, pictures or (), masks or (), slots), slots
            )
        except Exception as error:
            raise refusal(error) from error

    def cancel(visitor: Visitor) -> None:
        visitor.of(BatchRuns).stop()

    def pack(visitor: Visitor, event: gr.EventData) -> BatchPayload:
        kind, k = text_of(event, "kind"), number_of(event, "k")
        try:
            return visitor.of(BatchRuns).pack(
                "archive" if kind == "archive" else "table", min(max(k, 1), LEVELS - 1)
            )
        except Exception as error:
            return visitor.of(BatchRuns).refused(error)

    def open_picture(visitor: Visitor, event: gr.EventData) -> list[Any]:
        try:
            picture, mask, slots = visitor.of(BatchRuns).opened(number_of(event, "number"))
        except Exception as error:
            raise refusal(error) from error
        visitor.turn += 1
        return [*reopen(visitor, picture, mask), *wiring.filled(visitor, slots)]

    parts.run.click(
        follow,
        [wiring.visitor, parts.pictures, parts.masks, *wiring.chosen],
        parts.panel,
        concurrency_limit=MAX_RUNS,
        concurrency_id="batches",
        trigger_mode="once",
        show_progress="hidden",
        api_visibility="private",
    )
    panel = parts.panel
    panel.cancel(cancel, wiring.visitor, None, **QUICK)
    panel.pack(
        pack,
        wiring.visitor,
        panel,
        concurrency_limit=MAX_RUNS,
        concurrency_id="parcels",
        show_progress="hidden",
        api_visibility="private",
    )
    panel.open(open_picture, wiring.visitor, [*reopened, *wiring.slots], **QUICK).then(
        wiring.refresh, **wiring.running
    )
