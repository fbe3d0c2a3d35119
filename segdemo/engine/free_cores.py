"""Computes on as many cores as nobody else uses at the moment.

A layer ends when the last of its threads does. Where another process has one of two cores, both
threads wait for the one that shares it at each of hundreds of layers: U²-Net takes twice as long
on two threads as on one. So threads are counted by what is free when a network begins.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

from segdemo.engine.container import cores_of_container

_LOOKS = 12
_PAUSE = 0.001  # seconds between two looks; the threads of the last layer spin for up to 6 ms
_HELD = 0.25  # seconds for which what was found holds; many small networks ask often
_STATISTICS = Path("/proc/stat")
_RUNNABLE = "procs_running"


class FreeCores:
    """The cores of this machine, as seen by one device's scheduler."""

    def __init__(self, statistics: Path = _STATISTICS) -> None:
        """At most ``most_threads``; ``statistics`` is Linux's file of them."""
        self._statistics = statistics
        self._most = most_threads()
        self._found, self._until = self._most, 0.0

    @contextmanager
    def threads(self) -> Iterator[int]:
        """PyTorch computes in this thread with the number that is given, at least one."""
        before, count = torch.get_num_threads(), self.count()
        if count != before:
            torch.set_num_threads(count)
        try:
            yield count
        finally:
            if count != before:
                torch.set_num_threads(before)

    def count(self) -> int:
        """How many threads find a core each, for a quarter of a second after it was looked up."""
        if self._most > 1 and time.monotonic() >= self._until:
            self._found = max(1, min(self._most, self._free()))
            self._until = time.monotonic() + _HELD
        return self._found

    def _free(self) -> int:
        """Cores on which nothing runs but whoever asks; all where Linux's figures are absent."""
        cores = os.cpu_count() or 1
        free = 0
        for look in range(_LOOKS):
            if look:
                time.sleep(_PAUSE)
            running = _runnable(self._statistics)
            if running is None:
                return self._most
            # The most that were free at a time: a neighbour stays, what ends is none. We ask.
            free = max(free, cores - (running - 1))
            if free >= self._most:
                break
        return free


@cache
def most_threads() -> int:
    """As many threads as PyTorch has when this is asked first, and as there may be used cores.

    Asked again it may be of a thread that began while a network ran on fewer: that has as few.
    """
    return min(torch.get_num_threads(), allowed_cores())


def allowed_cores() -> int:
    """The cores that this process may use at a time: its affinity, its container's quota."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores_of_container(mine or 1)


def _runnable(path: Path) -> int | None:
    """How many threads of all processes run or could run, by /proc/stat; None without it."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(_RUNNABLE))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
