"""A fixed texture with the spectrum of natural images: what a network is tried on without one.

The amplitude of natural images falls with 1/f (Field 1987, "Relations between the statistics of
natural images and the response properties of cortical cells"), and their channels rise and fall
together.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_SEED = 0
_BETWEEN = 0.9  # correlation of two channels


def texture(mean: Sequence[float], deviation: Sequence[float], *, side: int) -> Tensor:
    """(1, C, side, side) float32 with that mean and deviation of each channel; always the same."""
    generator = torch.Generator().manual_seed(_SEED)
    common = _noise(side, generator)
    own = [_noise(side, generator) for _ in mean]
    channels = torch.stack(
        [math.sqrt(_BETWEEN) * common + math.sqrt(1 - _BETWEEN) * noise for noise in own]
    )
    channels -= channels.mean(dim=(1, 2), keepdim=True)
    channels /= channels.std(dim=(1, 2), keepdim=True)
    shift, scale = (torch.tensor(values)[:, None, None] for values in (mean, deviation))
    return (channels * scale + shift).float()[None]


def _noise(side: int, generator: torch.Generator) -> Tensor:
    """(side, side) with mean 0 and deviation 1, its amplitudes falling with 1/f."""
    rows, columns = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)[None]
    frequency = (rows**2 + columns**2).sqrt()
    frequency[0, 0] = math.inf  # no mean
    shape = frequency.shape
    waves = torch.complex(
        torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)
    )
    noise = torch.fft.irfft2(waves / frequency, s=(side, side))
    scaled: Tensor = noise / noise.std()
    return scaled
