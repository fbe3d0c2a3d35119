"""How far the statistics of a network's features are from those that its batch norms remember."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_MOST_GAIN = 100.0
"""By how much restoring may stretch a channel: one that hardly varies tells nothing larger."""


def divergences(network: nn.Module, images: Tensor, *, restored: bool) -> tuple[float, ...]:
    """How far each batch norm's input is from its running statistics, in the order they run.

    One forward of ``network`` on ``images`` (N, C, H, W). Of each norm: the symmetric
    Kullback-Leibler divergence of two normals with these means and variances, in the median over
    channels, and of that log(1 + d): 0 where they agree, and about 1 is far.

    ``restored`` gives each channel its running mean and variance before it goes on, so that each
    norm judges the layers since the last ones alone: what the images are hardly matters then, and
    a wrong layer is seen where it is. Empty for a network without batch norms that were trained,
    and one that cannot run on these images.
    """
    with _watched(network, restored=restored) as found, torch.inference_mode():
        try:
            network(images)
        except Exception:
            # Whatever a forward may raise, such as of a size: there is no evidence then.
            return ()
    return tuple(found) if all(map(math.isfinite, found)) else ()


@contextmanager
def _watched(network: nn.Module, *, restored: bool) -> Iterator[list[float]]:
    """Fills the list as the norms run."""
    found: list[float] = []

    def look(norm: Any, given: tuple[Tensor, ...]) -> Tensor | None:
        features = given[0]
        if not bool(norm.running_mean.any()):
            return None  # It was never trained.
        variance, mean = torch.var_mean(features.float(), dim=(0, 2, 3), unbiased=False)
        found.append(_apart(norm, mean, variance))
        return _as_remembered(norm, features, mean, variance) if restored else None

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


def _apart(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> float:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    # ``eps`` keeps channels that never fire from being infinitely far.
    seen, stored = variance.double() + norm.eps, norm.running_var.double() + norm.eps
    shift = (mean.double() - norm.running_mean.double()) ** 2
    symmetric = ((seen + shift) / stored + (stored + shift) / seen) / 2 - 1
    return math.log1p(float(symmetric.median()))


def _as_remembered(
    norm: nn.BatchNorm2d, features: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    """The features with the running mean and variance in each channel."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = (norm.running_var / variance.clamp(min=1e-12)).sqrt().clamp(max=_MOST_GAIN)
    shift = norm.running_mean - mean * gain
    return features * gain[:, None, None] + shift[:, None, None]
