"""Measures how much memory the tensors of a network take at a time, where it cannot be traced."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

_SIDES = (96, 192)
"""Pixels of the squares that are run where a network needs numbers to decide."""


class _Live(TorchDispatchMode):
    """Adds up the storages that are alive after each operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
                self._alive[storage._cdata] = (reference, storage.nbytes())
        gone = [key for key, (one, _) in self._alive.items() if one.expired()]  # type: ignore[no-untyped-call]
        for key in gone:
            del self._alive[key]
        self.most = max(self.most, sum(nbytes for _, nbytes in self._alive.values()))
        return result


def peak_bytes(network: nn.Module, shape: torch.Size) -> int:
    """Bytes of tensors at a time beside the network's own, for images (N, C, H, W) of that shape.

    The network runs on tensors without numbers. Where it cannot, two small images are run and
    the rest is reckoned from them: a part that grows with the pixels and one, as of attention,
    with their square. 0 where that fails, too.
    """
    found = _without_numbers(network, shape)
    if found is None:
        found = _from_small_ones(network, shape)
    return found


def _without_numbers(network: nn.Module, shape: torch.Size) -> int | None:
    own = [*network.parameters(), *network.buffers()]
    try:
        twins = {id(tensor): tensor.detach().to("meta") for tensor in own}
        twin = copy.deepcopy(network, twins)
        return _measured(twin, torch.empty(shape, device="meta"))
    except Exception:
        return None  # Whatever only real tensors can do.


def _from_small_ones(network: nn.Module, shape: torch.Size) -> int:
    device = next(network.parameters()).device
    small = [torch.zeros(*shape[:2], side, side, device=device) for side in _SIDES]
    try:
        first, second = (_measured(network, images) for images in small)
    except Exception:
        return 0  # It takes no such size; the picture itself will tell.
    return reckoned((first, second), (_SIDES[0] ** 2, _SIDES[1] ** 2), math.prod(shape[2:]))


def reckoned(bytes_: tuple[int, int], pixels: tuple[int, int], wanted: int) -> int:
    """a * pixels + b * pixels² through both measurements, at ``wanted`` pixels; b is never < 0."""
    per_pixel = [count / area for count, area in zip(bytes_, pixels, strict=True)]
    square = max(0.0, (per_pixel[1] - per_pixel[0]) / (pixels[1] - pixels[0]))
    linear = per_pixel[1] - square * pixels[1]
    return round(linear * wanted + square * wanted**2)


def _measured(network: Callable[[Tensor], Any], images: Tensor) -> int:
    live = _Live()
    with torch.inference_mode(), live:
        network(images)
    return live.most
