"""The events that compare: the state line and the examples."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from segdemo.ui.gradio_support.errors import refusal
from segdemo.ui.handlers import Handlers
from segdemo.ui.layout import ONE, Parts
from segdemo.ui.operations.turns import DEVICE
from segdemo.ui.transfers.events import begun
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import QUICK, Wiring


class Comparing:
    """Runs the comparison of what the components hold, and says why there is none."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def compare_shown(
        self,
        visitor: Visitor,
        path: str | None,
        truth: str | None,
        shown: int,
        *chosen: str | None,
    ) -> Iterator[Any]:
        """The comparison, a step for each change of a panel. Raises gr.Error."""
        try:
            yield from self._handlers.compare(visitor, path, chosen[:shown], truth)
            # Gradio sends the last step twice: then something else may have been opened.
            yield gr.skip()
        except Exception as error:
            raise refusal(error) from error

    def refresh(
        self,
        visitor: Visitor,
        path: str | None,
        truth: str | None,
        shown: int,
        *chosen: str | None,
    ) -> Iterator[Any]:
        """``compare_shown``, or nothing where there is nothing to compare. Raises gr.Error."""
        # Taking the image away, or choosing networks before there is one, is no mistake.
        if path is None or not any(chosen[:shown]):
            yield gr.skip()
        else:
            yield from self.compare_shown(visitor, path, truth, shown, *chosen)


def running(parts: Parts) -> dict[str, Any]:
    """How an event that runs networks is registered; see ``Wiring.running``."""
    checkpoints = [slot.checkpoint for slot in parts.slots]
    return {
        "inputs": [parts.visitor, parts.picture, parts.truth, parts.count, *checkpoints],
        "outputs": parts.viewer,
        # Two runs at once would only share the same cores or memory.
        "concurrency_limit": 1,
        "concurrency_id": DEVICE,
        "trigger_mode": "always_last",
        # The viewer shows for itself which network is running.
        "show_progress": "hidden",
        "api_visibility": "private",
    }


def register(parts: Parts, handlers: Handlers, comparing: Comparing, wiring: Wiring) -> None:
    """Tie the state line and the examples to the comparison."""

    def fetch(visitor: Visitor, shown: int, *chosen: str | None) -> Any:
        # Also what is stored is to run.
        visitor.example = None
        visitor.turn += 1
        return begun(visitor, lambda: handlers.adding.begin_new(visitor, chosen[:shown]))

    def open_example(visitor: Visitor, index: int) -> list[Any]:
        example = handlers.examples[index]
        handlers.placing.picture(visitor, None)
        visitor.example = index
        visitor.turn += 1
        return [
            gr.update(selected=ONE),
            handlers.placing.show_picture(example.picture),
            None,
            example.comparison,
            *wiring.filled(visitor, example.checkpoints),
        ]

    def stop(visitor: Visitor) -> Any:
        return handlers.stopped(visitor) or gr.skip()

    parts.run.run(fetch, [wiring.visitor, *wiring.chosen], parts.transfers, **QUICK).then(
        comparing.compare_shown, **wiring.running
    )
    parts.run.cancel(stop, wiring.visitor, parts.viewer, **QUICK)
    parts.examples.click(
        open_example,
        [wiring.visitor, parts.examples],
        [parts.tabs, parts.picture, parts.truth, parts.viewer, *wiring.slots],
        **QUICK,
    )
