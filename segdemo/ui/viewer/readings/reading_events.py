"""The four events by which a person has a checkpoint read in another way."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from segdemo.ui.gradio_support.errors import explain, warn
from segdemo.ui.gradio_support.event_data import text_of
from segdemo.ui.viewer.readings.rereading import Rereading
from segdemo.ui.viewer.viewer import ComparisonViewer
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import QUICK, Wiring


def register(viewer: ComparisonViewer, rereading: Rereading, wiring: Wiring) -> None:
    """Let each event change the visitor's overrides, then compare again."""

    def reassume(visitor: Visitor, event: gr.EventData, shown: int, *chosen: str | None) -> None:
        panel, name, raw = (text_of(event, key) for key in ("panel", "name", "raw"))
        with _warnings():
            rereading.reassume(visitor, chosen[:shown], panel, name, raw)

    def reset(visitor: Visitor, event: gr.EventData, shown: int, *chosen: str | None) -> None:
        rereading.reset(visitor, chosen[:shown], text_of(event, "panel"))

    def trials(visitor: Visitor, event: gr.EventData, shown: int, *chosen: str | None) -> None:
        with _warnings():
            rereading.begin_trials(visitor, chosen[:shown], text_of(event, "panel"))

    def choose(visitor: Visitor, event: gr.EventData, shown: int, *chosen: str | None) -> None:
        panel, trial = text_of(event, "panel"), text_of(event, "trial")
        rereading.choose(visitor, chosen[:shown], panel, trial)

    for event, handler in (
        (viewer.reassume, reassume),
        (viewer.reset, reset),
        (viewer.trials, trials),
        (viewer.choose, choose),
    ):
        # Also after a refusal: the viewer then shows again what holds. What is queued can warn.
        event(handler, [wiring.visitor, *wiring.chosen], None, **{**QUICK, "queue": True}).then(
            wiring.refresh, **wiring.running
        )


@contextmanager
def _warnings() -> Iterator[None]:
    """What is wrong with a wish is said, and everything stays as it is."""
    try:
        yield
    except Exception as error:
        warn(explain(error))
