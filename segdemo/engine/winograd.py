"""3x3 convolutions with a quarter of the multiplications, by Winograd's minimal filtering.

F(4x4, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016):
four by four pixels of the answer are a product, number by number, in place of a convolution. A
few rows at a time, so that all of it stays in the processor's cache. The polynomials are taken at
points that round little more than a plain convolution does; those of the paper, 0, 1, -1, 2 and -2,
round more (Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for
Deep Neural Networks", 2020, on their choice).
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

_POINTS = (0.0, 5 / 8, -5 / 8, 3 / 2, -3 / 2)  # and infinity
_MADE, _TAPS = 4, 3
"""Pixels of the answer and of the filter, along one side."""
_TAKEN = _MADE + _TAPS - 1
"""Pixels of the image that they depend on."""
_TILES = 256
"""Of four by four pixels, done at a time: enough for several threads, and a few MB of numbers."""
_CHANNELS = 512
"""Of the answer, done at a time: their filters are less than what malloc asks the system for."""


def convolve(
    pairs: Sequence[tuple[Tensor, Tensor]],
    bias: Tensor | None,
    *,
    padding: tuple[int, ...],
    relu: bool,
) -> Tensor:
    """The sum of ``conv2d(pictures, filters, padding=padding)`` of all pairs, with bias and ReLU.

    Images (N, C, H, W) of one size, with channels last; filters (O, C, 3, 3); all float32. The
    answer (N, O, H', W') has its channels last, and is exact but for rounding.
    """
    pictures = [picture.permute(0, 2, 3, 1) for picture, _ in pairs]
    count, height, width, _ = pictures[0].shape
    made = [
        length + 2 * pad - _TAPS + 1 for length, pad in zip((height, width), padding, strict=True)
    ]
    down, across = (-(-length // _MADE) for length in made)
    channels = len(pairs[0][1])
    answer = pictures[0].new_empty(count, down, _MADE, across, _MADE, channels)
    step = max(1, _TILES // across)
    for begin in range(0, channels, _CHANNELS):
        part = slice(begin, begin + _CHANNELS)
        transformed = [_transformed(filters[part]) for _, filters in pairs]
        for number, first in product(range(count), range(0, down, step)):
            rows = min(step, down - first)
            origin = (first * _MADE - padding[0], -padding[1])
            tiles = [_tiles(picture[number], origin, rows, across) for picture in pictures]
            total = torch.bmm(tiles[0], transformed[0])
            for more, weights in zip(tiles[1:], transformed[1:], strict=True):
                total.baddbmm_(more, weights)
            pixels = _both_ways(_OUT, total.view(_TAKEN, _TAKEN, -1))
            pixels = pixels.view(_MADE, _MADE, rows, across, -1)
            if bias is not None:
                pixels += bias[part]
            place = answer[number, first : first + rows, ..., part].permute(1, 3, 0, 2, 4)
            if relu:
                torch.clamp_min(pixels, 0, out=place)
            else:
                place.copy_(pixels)
        del transformed  # else those of the next part are made beside them
    whole = answer.view(count, down * _MADE, across * _MADE, channels)
    return whole[:, : made[0], : made[1]].permute(0, 3, 1, 2)


def _transformed(filters: Tensor) -> Tensor:
    """(36, C, O); made anew each time, because kept it would be four times the filters' size."""
    by_tap = filters.permute(2, 3, 0, 1).reshape(_TAPS, _TAPS, -1)
    return _both_ways(_FILTER, by_tap).view(_TAKEN**2, *filters.shape[:2]).transpose(1, 2)


def _tiles(picture: Tensor, origin: tuple[int, int], rows: int, across: int) -> Tensor:
    """(36, tiles, C) of overlapping squares of an image (H, W, C), with zeros around it."""
    channels = picture.shape[2]
    window = picture.new_zeros(rows * _MADE + _TAPS - 1, across * _MADE + _TAPS - 1, channels)
    top, left = origin
    shown = picture[max(top, 0) : top + window.shape[0], max(left, 0) : left + window.shape[1]]
    above, before = max(-top, 0), max(-left, 0)
    window[above : above + shown.shape[0], before : before + shown.shape[1]] = shown
    along, by_column = window.stride()[:2]
    squares = window.as_strided(
        (_TAKEN, _TAKEN, rows, across, channels),
        (along, by_column, _MADE * along, _MADE * by_column, 1),
    )
    return _both_ways(_IN, squares.reshape(_TAKEN, _TAKEN, -1)).view(-1, rows * across, channels)


def _both_ways(matrix: Tensor, values: Tensor) -> Tensor:
    """The matrix along the second axis and along the first; the answer has them the other way."""
    many = len(values), len(matrix)
    across = torch.bmm(matrix.expand(many[0], -1, -1), values)
    return torch.bmm(matrix.expand(many[1], -1, -1), across.transpose(0, 1))


def _matrices() -> tuple[Tensor, Tensor, Tensor]:
    """Of Toom and Cook: the image's (6, 6), the filter's (6, 3) and the answer's (4, 6)."""
    around = [[b for b in _POINTS if b != a] for a in _POINTS]
    into = [[*np.poly(others)[::-1], 0.0] for others in around] + [[*np.poly(_POINTS)[::-1]]]
    powers = np.vander(_POINTS, _TAKEN, increasing=True)
    scale = [np.prod([a - b for b in others]) for a, others in zip(_POINTS, around, strict=True)]
    of_filter = np.zeros((_TAKEN, _TAPS))
    of_filter[:-1] = powers[:, :_TAPS] / np.array(scale)[:, None]
    of_answer = np.zeros((_MADE, _TAKEN))
    of_answer[:, :-1] = powers[:, :_MADE].T
    # At infinity there is only the highest power.
    of_filter[-1, -1] = of_answer[-1, -1] = 1.0
    first, second, third = (
        torch.tensor(np.array(matrix), dtype=torch.float32)
        for matrix in (into, of_filter, of_answer)
    )
    return first, second, third


_IN, _FILTER, _OUT = _matrices()
