"""Several ways to do the same, in turn: what each takes, and how many times less than another."""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch


def in_turn(
    ways: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, list[float]]:
    """Seconds of each way in each round, one round before them not counted.

    Every round has another order, so that the ways share the machine's moods.
    """
    times: dict[str, list[float]] = {way: [] for way in ways}
    for way in ways.values():
        way()
    for _ in range(rounds):
        for name in random.sample(sorted(ways), len(ways)):
            start = clock()
            ways[name]()
            times[name].append(clock() - start)
    return times


@dataclass(frozen=True, kw_only=True)
class Less:
    """How many times less one way takes than another, round by round: median and quartiles."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f}× ({self.low:.2f}–{self.high:.2f})"


def less(usual: Sequence[float], other: Sequence[float]) -> Less:
    """``other`` takes that much less than ``usual``."""
    low, median, high = statistics.quantiles(
        (one / two for one, two in zip(usual, other, strict=True)), n=4, method="inclusive"
    )
    return Less(median=median, low=low, high=high)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """PyTorch computes with as many inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
