"""What a network asks of a CUDA device as one launch, for images of a size that comes again.

A small network's kernels are done sooner than the processor can ask for the next one: U²-Net asks
for some 480. A graph asks for all of them at once.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch
from torch import Tensor

_BYTES_KEPT = 2**30
"""Of tensors inside the graphs of a network."""
_SIZES_KNOWN = 64
_WARM_UPS = 2
"""Runs in which libraries choose their kernels and set themselves up, which no graph may hold."""
_ROUNDING = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""How far a graph's answer may be off, of its largest number: kernels may be chosen anew."""

Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Known:
    """What came of images of one size."""

    graph: "Graph | None" = None
    byte_size: int = 0
    tried: bool = False


class Graphs:
    """The graphs of one network: the least recently used leave first.

    The first image of a size runs as always, since most sizes come once. With the second a graph
    is made, and kept only if its answer is that of the network: what cannot be a graph, or is
    another function as one, runs as always for good.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        """``dtype``: what the network computes in."""
        self._rounding = _ROUNDING[dtype]
        self._lock = Lock()
        self._known: OrderedDict[torch.Size, _Known] = OrderedDict()

    @property
    def byte_size(self) -> int:
        """Memory that the graphs take, as far as it was told."""
        return sum(known.byte_size for known in list(self._known.values()))

    def clear(self) -> None:
        """Forget all, for a network that was changed."""
        with self._lock:
            self._known.clear()

    def run(self, forward: Forward, pictures: Tensor, *, byte_size: int) -> Tensor:
        """``forward(pictures)`` within rounding; ``byte_size``: what its tensors take at a time.

        What needs so much that it would not be kept runs as always; large tensors keep a device
        busy by themselves.
        """
        if not 0 < byte_size <= _BYTES_KEPT:
            return forward(pictures)
        with self._lock:
            known = self._known.pop(pictures.shape, None)
            if known and known.graph:
                # The lock holds until the answer is copied: a graph has one place for it.
                answer = known.graph(pictures)
            else:
                answer = forward(pictures)
                if known is None:
                    known = _Known()
                elif not known.tried:
                    graph = self._proved(forward, pictures, answer)
                    known = _Known(graph=graph, byte_size=byte_size if graph else 0, tried=True)
            self._known[pictures.shape] = known
            while self.byte_size > _BYTES_KEPT or len(self._known) > _SIZES_KNOWN:
                self._known.popitem(last=False)
            return answer

    def _proved(self, forward: Forward, pictures: Tensor, answer: Tensor) -> "Graph | None":
        """A graph whose answer is this one; None when there is none."""
        try:
            graph = Graph(forward, pictures)
            difference = (graph(pictures) - answer).abs().max()
            bound = self._rounding * answer.abs().max().clamp(min=1)
            return graph if bool(difference <= bound) else None
        except RuntimeError:
            # Also for lack of memory. The answer is there without a graph.
            return None


class Graph:
    """What ``forward`` does with images of one size on their CUDA device.

    Called with others of that size it answers with a copy of its own; one call at a time.
    """

    def __init__(self, forward: Forward, pictures: Tensor) -> None:
        """Raises RuntimeError when it does what no graph can hold."""
        device = pictures.device
        # Tensors of inference mode could not be written to by callers who are not in it.
        with torch.cuda.device(device), torch.inference_mode(False), torch.no_grad():
            self._given = pictures.clone()
            aside: Any = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(aside):
                for _ in range(_WARM_UPS):
                    forward(self._given)
            torch.cuda.current_stream(device).wait_stream(aside)
            self._graph = torch.cuda.CUDAGraph()
            # Another thread may be loading a network meanwhile.
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self._answer = forward(self._given)

    def __call__(self, pictures: Tensor) -> Tensor:
        """``forward(pictures)``."""
        with torch.cuda.device(pictures.device):
            self._given.copy_(pictures)
            self._graph.replay()
            return self._answer.clone()
