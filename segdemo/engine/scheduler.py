"""Serialises inference per device and batches equal requests."""

import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from threading import Lock

import torch
from torch import Tensor

from segdemo.engine.free_cores import FreeCores

Forward = Callable[[Tensor], Tensor]


@dataclass(eq=False, kw_only=True)
class _Place:
    """Somebody who waits, and what came of it."""

    given: Tensor
    network: Hashable
    answer: Tensor | None = None
    seconds: float = 0.0


class DeviceScheduler:
    """Two networks at once would share the same cores or memory and only be slower."""

    def __init__(self, cores: FreeCores | None = None) -> None:
        """Nobody waits yet. Networks run on the ``cores`` that are free, or on all."""
        self._cores = cores
        self._turn = Lock()
        self._guard = Lock()
        self._waiting: list[_Place] = []

    def run(
        self, forward: Forward, given: Tensor, *, network: Hashable, most: int = 1
    ) -> tuple[Tensor, float]:
        """``forward(given)`` once the others are done, and how many seconds it took itself.

        ``given`` is (1, ...). Up to ``most`` tensors of one shape that wait for the same
        ``network`` go through its ``forward`` together, stacked to (N, ...), whoever brought them;
        if that fails, each goes alone. Raises what ``forward`` raises.
        """
        place = _Place(given=given, network=network)
        with self._guard:
            self._waiting.append(place)
        with self._turn, self._threads(given):
            # Whoever was before us may have taken us along.
            if place.answer is None:
                company = self._company(place, most)
                if len(company) > 1:
                    # Perhaps memory for so many ran out; what else it is shows again alone.
                    with suppress(Exception):
                        _go(forward, company)
            if place.answer is None:
                _go(forward, [place])
        assert place.answer is not None
        return place.answer, place.seconds

    def _threads(self, given: Tensor) -> AbstractContextManager[object]:
        # What a GPU computes waits for no core.
        counts = self._cores is not None and given.device.type == "cpu"
        return self._cores.threads() if self._cores and counts else nullcontext()

    def _company(self, place: _Place, most: int) -> list[_Place]:
        """The place and those that go with it. None of them waits for company any longer."""
        kind = (place.network, place.given.shape)
        with self._guard:
            others = [
                other
                for other in self._waiting
                if other is not place and (other.network, other.given.shape) == kind
            ]
            company = [place, *others[: most - 1]]
            self._waiting = [other for other in self._waiting if other not in company]
        return company


def _go(forward: Forward, company: Sequence[_Place]) -> None:
    start = time.perf_counter()
    answers = forward(torch.cat([place.given for place in company]))
    seconds = time.perf_counter() - start
    for place, answer in zip(company, torch.split(answers, 1), strict=True):
        place.answer, place.seconds = answer, seconds
