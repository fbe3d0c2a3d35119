"""Whether batch norms stand before or behind the activation, told by signs of running means.

What follows a ReLU has no negative mean, and of the outputs of a convolution about half have.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from segdemo.checkpoints.evidence.flow import Convolved, Normed, is_nonnegative

_LEAST_CHANNELS = 6
"""Of a layer that counts: of fewer, all may be positive by chance."""
_NOISE = 0.02
"""In deviations: half precision and young averages put a zero mean that far below zero."""


def looks_rectified(mean: Tensor, variance: Tensor) -> bool | None:
    """Whether a norm with these running statistics (C,) stands behind a ReLU.

    None where there are too few channels to tell, or none has been trained.
    """
    mean, variance = (tensor.detach().to("cpu", torch.float64) for tensor in (mean, variance))
    if len(mean) < _LEAST_CHANNELS or not bool(mean.any()):
        return None
    return bool((mean >= -_NOISE * variance.clamp(min=0).sqrt()).all())


def place_agreement(norms: Sequence[Normed], tensors: Mapping[str, Tensor]) -> float | None:
    """The share of norms whose running means fit the place that the network gives them.

    In [0, 1]; None where no norm stands right behind a convolution or a ReLU.
    """
    fits = []
    for norm in norms:
        rectified = is_nonnegative(norm.source)
        if rectified or isinstance(norm.source, Convolved):
            looks = looks_rectified(tensors[norm.mean], tensors[norm.variance])
            if looks is not None:
                fits.append(looks == rectified)
    return sum(fits) / len(fits) if fits else None
