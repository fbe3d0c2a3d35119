"""The order in which a network joins its maps, told by means that are followed through it.

What a batch norm returns is about normal with mean beta and deviation |gamma|, so the mean behind
its ReLU is known: |gamma| phi(beta / gamma) + beta Phi(beta / gamma). A convolution maps means by
the sums of its kernel, a transposed one by their average over the positions. So the running mean
of a norm is predicted from the layers before it, and under a wrong order of channels it is not
what the file holds. No image and no forward with numbers is needed.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from segdemo.checkpoints.evidence.flow import (
    Averaged,
    Convolved,
    Joined,
    Normed,
    Rectified,
    Value,
)

_LEAST_CHANNELS = 4
"""Of a layer whose correlation counts."""


def join_correlation(norms: Sequence[Normed], tensors: Mapping[str, Tensor]) -> float | None:
    """How well the running means behind joins are predicted: a correlation, in [-1, 1].

    The median over all convolutions of joined maps of which at least one is the output of a
    transposed convolution: only there do the branches differ enough to tell. None without such.
    """
    found = [
        correlation
        for norm in norms
        if _is_telling(norm) and (correlation := _correlation(norm, tensors)) is not None
    ]
    return float(torch.tensor(found).median()) if found else None


def mean_of(value: Value, tensors: Mapping[str, Tensor]) -> Tensor | None:
    """(C,): the mean of each channel of a tensor, as its layers predict it; None where unknown."""
    match value:
        case Rectified(source=Normed() as norm):
            return _rectified(norm, tensors)
        case Normed(bias=str(bias)):
            return _numbers(tensors, bias)
        case Averaged(source=source):
            return mean_of(source, tensors)
        case Joined(sources=sources):
            means = [mean_of(source, tensors) for source in sources]
            known = [mean for mean in means if mean is not None]
            return torch.cat(known) if len(known) == len(means) else None
        case Convolved(groups=1) as convolution:
            return _convolved(convolution, tensors)
    return None


def _is_telling(norm: Normed) -> bool:
    match norm.source:
        case Convolved(source=Joined(sources=sources)):
            return any(isinstance(source, Convolved) and source.transposed for source in sources)
    return False


def _correlation(norm: Normed, tensors: Mapping[str, Tensor]) -> float | None:
    predicted = mean_of(norm.source, tensors)
    if predicted is None or len(predicted) < _LEAST_CHANNELS:
        return None
    pair = torch.stack((predicted, _numbers(tensors, norm.mean)))
    pair = pair - pair.mean(dim=1, keepdim=True)
    lengths = float(pair[0].norm() * pair[1].norm())
    return float(pair[0] @ pair[1]) / lengths if lengths > 0 else None


def _rectified(norm: Normed, tensors: Mapping[str, Tensor]) -> Tensor | None:
    if norm.weight is None or norm.bias is None:
        return None
    beta = _numbers(tensors, norm.bias)
    # A deviation of zero leaves the ReLU of beta, which the formula gives in its limit.
    gamma = _numbers(tensors, norm.weight).abs().clamp(min=1e-12)
    ratio = beta / gamma
    density = torch.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    mean: Tensor = gamma * density + beta * torch.special.ndtr(ratio)
    return mean


def _convolved(convolution: Convolved, tensors: Mapping[str, Tensor]) -> Tensor | None:
    means = mean_of(convolution.source, tensors)
    if means is None:
        return None
    sums = _numbers(tensors, convolution.weight).sum((2, 3))
    if convolution.transposed:
        rows, columns = convolution.stride
        sums = sums.T / (rows * columns)
    if sums.shape[1] != len(means):
        return None
    found = sums @ means
    return found if convolution.bias is None else found + _numbers(tensors, convolution.bias)


def _numbers(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    return tensors[name].detach().to("cpu", torch.float64)
