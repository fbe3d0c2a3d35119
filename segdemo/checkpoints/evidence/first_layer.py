"""The mean and deviation of a network's training inputs, solved from its first layer.

Where a batch norm follows the first convolution, its running mean is linear in the mean of each
input channel: (sum of the kernel) . mean + bias, one equation an output channel. Its running
variance is a quadratic form of the kernel and the covariance of the pixels in its window, which
is modelled: every channel has a deviation, two pixels d apart are correlated by
a + (1 - a) rho^d, two channels by c. Images are that smooth, and a shared by all pixels is what
makes one image brighter than another. rho, a and c are those of a small grid under which the
output channels agree best.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from segdemo.checkpoints.evidence.flow import Convolved, Given, first_norm_of

_SIDE = 64  # pixels; nothing behind the first norm is computed
_LEAST_CHANNELS = 4  # of the output, beyond those of the input: fewer equations prove nothing

_RHO = (0.7, 0.8, 0.9, 0.95, 0.98)
_SHARED = (0.0, 0.3, 0.6)
_BETWEEN = (0.3, 0.6, 0.8, 0.9, 0.97)
_STEPS = 8
_STIFFNESS = 0.1
"""How strongly the deviation of a channel is held to that of all: channels that are nearly the
same tell little of each."""


@dataclass(frozen=True, kw_only=True)
class TrainingInputs:
    """What a network was trained on, as its first batch norm remembers it."""

    mean: tuple[float, ...]
    """Of each input channel."""
    deviation: tuple[float, ...]
    """Standard deviation of each input channel over all images, within some 25 %."""
    r_squared: float
    """How much of the running means the mean explains; at most 1."""

    @property
    def typical_deviation(self) -> float:
        """Over all channels: the geometric mean."""
        return float(torch.tensor(self.deviation).log().mean().exp())

    @property
    def typical_mean(self) -> float:
        """Over all channels."""
        return sum(self.mean) / len(self.mean)


@dataclass(frozen=True, kw_only=True)
class FirstLayer:
    """The names of the tensors that tell; ``bias`` where the convolution has one."""

    weight: str
    bias: str | None
    mean: str
    variance: str

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(filter(None, (self.weight, self.bias, self.mean, self.variance)))

    def names_in_file(self, renamed: Mapping[str, str]) -> tuple[str, ...]:
        """What the tensors are called in a file, of which ``renamed`` maps names to ours.

        A bias that was folded into the running mean is among them. These few small tensors are
        all that has to be read before a download.
        """
        folded = self.weight.removesuffix("weight") + "bias"
        wanted = {*self.names, folded}
        return tuple(theirs for theirs, ours in renamed.items() if ours in wanted)


def first_layer_of(network: nn.Module, in_channels: int) -> FirstLayer | None:
    """The first convolution with the batch norm right behind it; None where there is no such.

    The network may be on the meta device: then its names say which parts of a file to read.
    """
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
    norm = first_norm_of(network, torch.zeros(1, in_channels, _SIDE, _SIDE, device=device))
    convolution = norm.source if norm else None
    if norm is None or not isinstance(convolution, Convolved) or convolution.transposed:
        return None
    if not isinstance(convolution.source, Given) or convolution.groups != 1:
        return None
    return FirstLayer(
        weight=convolution.weight,
        bias=convolution.bias,
        mean=norm.mean,
        variance=norm.variance,
    )


def training_inputs(layer: FirstLayer, tensors: Mapping[str, Tensor]) -> TrainingInputs | None:
    """What the tensors of a first layer tell of its inputs; None where they tell nothing at all.

    ``tensors`` hold at least those named by ``layer``: the weight (O, I, h, w), the others (O,).
    Whether to believe it is for the reader of ``r_squared``.
    """
    weight, mean, variance = (
        tensors[name].detach().to("cpu", torch.float64)
        for name in (layer.weight, layer.mean, layer.variance)
    )
    outputs, inputs = weight.shape[:2]
    # A channel whose kernel is zero, or died in training, says nothing.
    alive = (weight.abs().sum((1, 2, 3)) > 0) & (variance > 1e-12 * variance.max())
    if outputs < inputs + _LEAST_CHANNELS or int(alive.sum()) < inputs + _LEAST_CHANNELS:
        return None
    if layer.bias is not None:
        mean = mean - tensors[layer.bias].detach().to("cpu", torch.float64)
    weight, mean, variance = weight[alive], mean[alive], variance[alive]
    sums = weight.sum((2, 3))
    # Channels that are all but the same leave a plane of solutions: gelsd takes the smallest.
    solved = torch.linalg.lstsq(sums, mean[:, None], driver="gelsd").solution[:, 0]
    total = float(mean @ mean)
    residual = mean - sums @ solved
    r_squared = 1 - float(residual @ residual) / total if total else 0.0
    deviation = _deviation(weight, variance)
    numbers = (*solved.tolist(), *deviation.tolist(), r_squared)
    if not all(map(_is_finite, numbers)):
        return None
    return TrainingInputs(
        mean=tuple(solved.tolist()), deviation=tuple(deviation.tolist()), r_squared=r_squared
    )


def _is_finite(number: float) -> bool:
    return abs(number) < float("inf")


def _deviation(weight: Tensor, variance: Tensor) -> Tensor:
    """(I,): the deviation of each input channel; ``weight`` (O, I, h, w), ``variance`` (O,)."""
    found = min(_fits(weight, variance), key=lambda fit: fit[0])
    _, common, forms = found
    return _of_each(variance.log(), forms, common)


def _fits(weight: Tensor, variance: Tensor) -> Iterator[tuple[float, float, Tensor]]:
    """For each point of the grid: how much the output channels disagree, log deviation, forms.

    The forms (O, I, I) are those of the covariance between channels: variance = s' form s.
    """
    inputs, logarithm = weight.shape[1], variance.log()
    same = torch.eye(inputs, dtype=weight.dtype)
    for between_pixels in _between_pixels(*weight.shape[2:]):
        kernels = weight.flatten(2)
        forms = torch.einsum("oip,pq,ojq->oij", kernels, between_pixels, kernels)
        for between in _BETWEEN if inputs > 1 else _BETWEEN[:1]:
            weighted = forms * (same + between * (1 - same))
            ratio = (logarithm - weighted.sum((1, 2)).clamp(min=1e-300).log()) / 2
            common = ratio.median()
            yield float((ratio - common).abs().median()), float(common), weighted


def _between_pixels(height: int, width: int) -> Iterator[Tensor]:
    """The correlation between the pixels of a window, (h * w, h * w), for each rho and share."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack((rows.flatten(), columns.flatten()), dim=1).double()
    distances = torch.cdist(places, places)
    for rho in _RHO:
        for shared in _SHARED:
            yield shared + (1 - shared) * rho**distances


def _of_each(logarithm: Tensor, forms: Tensor, common: float) -> Tensor:
    """The deviations under which each variance is its form, from a common one on.

    Gauss-Newton on their logarithms; residuals count by their size, not its square.
    """
    inputs = forms.shape[1]
    held = _STIFFNESS * torch.eye(inputs, dtype=forms.dtype)
    found = torch.full((inputs,), common, dtype=forms.dtype)
    for _ in range(_STEPS):
        deviation = found.exp()
        towards = torch.einsum("oij,j->oi", forms, deviation)
        predicted = (towards @ deviation).clamp(min=1e-300)
        residual = logarithm - predicted.log()
        slope = 2 * deviation * towards / predicted[:, None]
        share = 1 / (residual.abs() + 0.02)
        share = share / share.sum()
        matrix = slope.T @ (share[:, None] * slope) + held
        step = slope.T @ (share * residual) - held @ (found - common)
        found = found + torch.linalg.solve(matrix, step)
    return found.exp()
