"""A network in plain PyTorch as tutorials run it, in a process that nothing of ours has set up.

Memory that it frees goes back to the system, which hands it out again page by page: on a CPU that
is up to a quarter of a network's time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

import torch
from torch import Tensor

from benchmarks.networks import pair

_ANSWER, _SECONDS = "answer", "seconds"


class Untouched:
    """The other end of a process that runs a network whenever it is asked to."""

    def __init__(self, asked: Connection) -> None:
        self._asked = asked

    def run(self, threads: int) -> None:
        """Returns when the network is done with its picture, on so many threads."""
        self._asked.send(threads)
        self._asked.recv()

    def answer(self) -> Tensor:
        """The logits of the last run."""
        self._asked.send(_ANSWER)
        return torch.from_numpy(self._asked.recv())

    def processor_seconds(self) -> float:
        """How much time of the processor it has used so far."""
        self._asked.send(_SECONDS)
        return float(self._asked.recv())


@contextmanager
def untouched(name: str) -> Iterator[Untouched]:
    """The network of this name, see networks.pair, for as long as it is needed."""
    fresh = get_context("spawn")
    ours, theirs = fresh.Pipe()
    process = fresh.Process(target=_serve, args=(name, theirs), daemon=True)
    process.start()
    theirs.close()  # So that the end of the process is noticed.
    try:
        yield Untouched(ours)
    finally:
        process.terminate()
        process.join()


def _serve(name: str, asks: Connection) -> None:
    network, picture = pair(name)
    answer = None
    with torch.no_grad():
        while True:
            asked = asks.recv()
            if asked == _SECONDS:
                asks.send(time.process_time())
            elif asked == _ANSWER and answer is not None:
                asks.send(answer.numpy())
            else:
                torch.set_num_threads(asked)
                answer = network(picture)
                asks.send(None)
