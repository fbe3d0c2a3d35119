"""Serves the page until it is told to stop, lets what runs finish, and leaves nothing behind."""

import logging
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from segdemo.ui.operations.turns import TurnQueue

_STEP = 0.2  # seconds between two looks

_log = logging.getLogger(__name__)


def serve(demo: gr.Blocks, options: Mapping[str, Any], *, drain_seconds: float) -> None:
    """Launch the page and return once SIGTERM or SIGINT has come and it is closed.

    From then on new runs are refused with status 503, and those that wait or run have
    ``drain_seconds`` to finish; a second signal ends them at once.
    """
    told, again = threading.Event(), threading.Event()

    def stop(number: int, frame: object) -> None:
        (again if told.is_set() else told).set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        demo.launch(**options, prevent_thread_lock=True)
        while demo.is_running and not told.wait(_STEP):
            pass
        drain(demo, seconds=drain_seconds, hurry=again.wait)
    finally:
        demo.close(verbose=False)
        for number, handler in before.items():
            signal.signal(number, handler)


def drain(demo: gr.Blocks, *, seconds: float, hurry: Callable[[float], bool]) -> bool:
    """Refuse new runs and wait until none is left, at most that long; whether none is.

    ``hurry`` waits for so many seconds and says whether to stop waiting.
    """
    queue = demo._queue
    if not isinstance(queue, TurnQueue):
        return True
    queue.draining = True
    steps = int(seconds / _STEP)
    while not queue.is_idle and steps > 0 and not hurry(_STEP):
        steps -= 1
    if not queue.is_idle:
        _log.warning("stopped while %d runs waited", queue.waiting)
    return queue.is_idle
