"""Lets visitors run networks in turn: nobody waits behind all that one other has asked for."""

from bisect import bisect_right
from typing import Any, Literal

import gradio as gr
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, EventQueue, Queue
from gradio.route_utils import get_fn
from starlette.requests import Request

from segdemo.errors import SegdemoError
from segdemo.ui.operations.clients import address_of

DEVICE = "device"
"""The concurrency_id of events that run networks."""
MAX_WAITING = 64
"""Runs of all visitors."""
MAX_WAITING_OF_ONE = 16
"""Runs of one session."""
_ADDRESS_SHARE = 4  # sessions that have one address are given as many turns together
_MAX_REMEMBERED = 2000

_State = Literal["success", "error", "queue_full", "validator_error"]
_Answer = tuple[bool, str | list[dict[str, Any]], _State]


class Turns(list[Event]):
    """Waiting events, the next one first, by start-time fair queueing.

    An event's turn comes one after the last one of its session, and a fraction of one after the
    last one of its address, but never before the turn that is being served. (Goyal, Vin and
    Cheng, "Start-time Fair Queueing", SIGCOMM 1996, for jobs of equal length.)
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._last: dict[str, float] = {}
        self._turns: dict[str, float] = {}

    def append(self, event: Event) -> None:
        """Insert the event at its turn."""
        session, address = event.session_hash, f"@{address_of(event.request.scope)}"
        turn = max(
            self._now,
            self._last.get(session, -1.0) + 1,
            self._last.get(address, -1.0) + 1 / _ADDRESS_SHARE,
        )
        self._last[session] = self._last[address] = turn
        self._turns[event._id] = turn
        place = bisect_right(self, turn, key=lambda one: self._turns[one._id])
        self.insert(place, event)
        if len(self._last) > _MAX_REMEMBERED:
            self._last = {who: last for who, last in self._last.items() if last > self._now}

    def remove(self, event: Event) -> None:
        """Take the event out; when it was the next one, its turn is the one being served."""
        is_next = bool(self) and self[0] is event
        super().remove(event)
        turn = self._turns.pop(event._id, self._now)
        if is_next:
            self._now = max(self._now, turn)


class TurnQueue(Queue):
    """Gradio's queue (6.31), in which runs are taken in turn and limited for each session."""

    draining = False
    """Whether the server is about to stop and takes no more runs."""
    refused = 0
    """Runs that were turned away."""

    def create_event_queue_for_fn(self, block_fn: Any) -> None:
        """As Gradio does; events that run networks wait in ``Turns``."""
        if block_fn.concurrency_id == DEVICE and DEVICE not in self.event_queue_per_concurrency_id:
            waiting = EventQueue(DEVICE, block_fn.concurrency_limit)
            waiting.queue = Turns()
            self.event_queue_per_concurrency_id[DEVICE] = waiting
        super().create_event_queue_for_fn(block_fn)

    async def push(
        self, body: PredictBodyInternal, request: Request, username: str | None
    ) -> _Answer:
        """As Gradio does; a run too many is answered by a sentence and status 503."""
        sentence = self._refusal(body)
        if sentence is not None:
            self.refused += 1
            return False, sentence, "queue_full"
        answer: _Answer = await super().push(body, request, username)
        return answer

    @property
    def waiting(self) -> int:
        """Runs that wait for their turn."""
        queue = self.event_queue_per_concurrency_id.get(DEVICE)
        return len(queue.queue) if queue else 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not len(self) and not self.get_active_worker_count()

    def _refusal(self, body: PredictBodyInternal) -> str | None:
        """Why this event has to wait outside; None if it may come in."""
        if self.draining:
            return str(SegdemoError("server_stopping"))
        if body.fn_index is None or get_fn(self.blocks, None, body).concurrency_id != DEVICE:
            return None  # What takes no time never waits behind runs.
        if self.waiting >= MAX_WAITING:
            return str(SegdemoError("server_busy", count=self.waiting))
        queue = self.event_queue_per_concurrency_id.get(DEVICE)
        own = sum(event.session_hash == body.session_hash for event in queue.queue) if queue else 0
        if own >= MAX_WAITING_OF_ONE:
            return str(SegdemoError("server_busy_own", count=own))
        return None


def take_turns(demo: gr.Blocks, *, others: int) -> TurnQueue:
    """Give the page a queue in turns; ``others`` is how many other events run at once.

    Only the endpoints with names may be called without the page, and only through the queue.
    """
    demo.queue(api_open=False, default_concurrency_limit=others)
    queue = TurnQueue(
        live_updates=True,
        concurrency_count=demo.max_threads,
        update_intervals=1,
        max_size=None,
        blocks=demo,
        default_concurrency_limit=others,
    )
    demo._queue = queue
    return queue
