"""How far the statistics of an input's features are from those that the batch norms remember."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

FIRST_NORMS = 3
"""Of so many norms the divergence tells whether an image is like those of the training: they see
the image itself, before it is turned into what the task is about."""


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """Each is 0 where the statistics agree; about 1 is far."""

    all: float
    """Mean over all batch norms."""
    first: float
    """Mean over the first few; see ``FIRST_NORMS``."""


def divergence(network: nn.Module, images: Tensor) -> Divergence | None:
    """What one forward of ``network`` on ``images`` (N, C, H, W) says.

    Of each batch norm: the symmetric Kullback-Leibler divergence of two normals, those of its
    input and of its running statistics, in the median over channels; and of that log(1 + d). None
    for a network without batch norms, and one that cannot run on them.
    """
    with _watched(network) as found, torch.inference_mode():
        try:
            network(images)
        except Exception:
            # Whatever a forward may raise, such as of a size: there is no evidence then.
            return None
    finite = [value for value in found if math.isfinite(value)]
    if not found or len(finite) < len(found):
        return None
    first = found[:FIRST_NORMS]
    return Divergence(all=sum(found) / len(found), first=sum(first) / len(first))


@contextmanager
def _watched(network: nn.Module) -> Iterator[list[float]]:
    """Fills the list with the divergence of each norm as it runs."""
    found: list[float] = []

    def look(norm: Any, given: tuple[Tensor, ...]) -> None:
        found.append(_of_norm(norm, given[0]))

    hooks = [
        module.register_forward_pre_hook(look)
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _of_norm(norm: nn.BatchNorm2d, features: Tensor) -> float:
    assert norm.running_mean is not None and norm.running_var is not None
    variance, mean = torch.var_mean(features.float(), dim=(0, 2, 3), unbiased=False)
    # ``eps`` keeps channels that never fire from being infinitely far.
    variance = variance.double() + norm.eps
    stored = norm.running_var.double() + norm.eps
    apart = (mean.double() - norm.running_mean.double()) ** 2
    symmetric = ((variance + apart) / stored + (stored + apart) / variance) / 2 - 1
    return math.log1p(float(symmetric.median().clamp(min=0)))
