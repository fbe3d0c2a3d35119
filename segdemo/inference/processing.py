"""Preprocesses images into tensors as a spec says, and turns logits into probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from segdemo.architectures import SizeRequirements
from segdemo.errors import PredictionError
from segdemo.images.measured import Given, MeasuredImage, as_shown
from segdemo.inference.bands import (
    bands_for,
    normalised_numbers,
    numbers_of,
    per_channel,
    resized_numbers,
)
from segdemo.spec import Activation, Preprocessing, Resample

Pixels = npt.NDArray[np.uint8]

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_IN_TORCH = ("bilinear", "bicubic")
_STRIP_NUMBERS = 1 << 25  # logits that are turned into probabilities at a time


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """The input of a network."""

    tensor: Tensor
    """(1, C, H, W) float32, padded."""
    size: tuple[int, int]
    """Width and height of the image inside it, before padding."""
    reduced: bool
    """Whether the limit on the side made the image smaller than the spec wanted."""
    bands: tuple[int, ...] = ()
    """Of the file, counted from 1, that the channels are; empty for an RGB image."""


def network_size(
    size: tuple[int, int], preprocessing: Preprocessing, max_side: int
) -> tuple[tuple[int, int], bool]:
    """Width and height that an image of ``size`` gets, and whether ``max_side`` cut it.

    Proportions are kept unless the rule is ``stretch``; no side falls under one pixel.
    """
    side, longest = preprocessing.side, max(size)
    match preprocessing.resize:
        case "stretch":
            wanted = (side, preprocessing.height or side)
            cut = min(1.0, max_side / max(wanted))
            width, height = (max(1, round(length * cut)) for length in wanted)
            return (width, height), cut < 1
        case "longest":
            factor = side / longest
        case "shortest":
            factor = side / min(size)
            if preprocessing.longest:
                factor = min(factor, preprocessing.longest / longest)
        case "at_most":
            factor = min(1.0, side / longest)
        case "scale":
            factor = preprocessing.scale
        case "none":
            factor = 1.0
    reduced = round(longest * factor) > max_side
    if reduced:
        factor = max_side / longest
    width, height = (max(1, round(length * factor)) for length in size)
    return (width, height), reduced


def prepare(
    picture: Given,
    preprocessing: Preprocessing,
    *,
    in_channels: int,
    requirements: SizeRequirements,
    max_side: int,
) -> Prepared:
    """The image as the network wants it: its RGB, in grey for one channel, or its file's bands.

    Odd sizes are padded by reflection, never stretched unless the spec says so. Resizing is
    that of ``resized``, all else exact. Raises PredictionError for an image that has not as many
    bands as the network wants.
    """
    bands = bands_for(picture, preprocessing, in_channels)
    size, reduced = network_size(picture.size, preprocessing, max_side)
    if bands is not None:
        if not isinstance(picture, MeasuredImage):
            picture = MeasuredImage(image=picture, bands=np.asarray(picture))
        numbers = numbers_of(picture, preprocessing, bands)
        numbers = resized_numbers(numbers, size, preprocessing.resample)
        values = normalised_numbers(numbers, preprocessing, in_channels=in_channels)
    else:
        pixels = resized(as_shown(picture), size, preprocessing.resample)
        values = _normalised(pixels, preprocessing, in_channels)
    padded = _pad(values, preprocessing.multiple_of, requirements)
    return Prepared(
        tensor=torch.from_numpy(padded)[None], size=size, reduced=reduced, bands=bands or ()
    )


def resized(picture: Image.Image, size: tuple[int, int], resample: Resample) -> Pixels:
    """(H, W, 3) uint8 of the RGB image at ``size`` (width, height), antialiased as in Pillow.

    By "bilinear" and "bicubic" a value may be one of 255 beside Pillow's: PyTorch's kernels are
    the same filters and need half the time for a large image, its copy for them included.
    """
    if picture.size == size or resample not in _IN_TORCH:
        if picture.size != size:
            picture = picture.resize(size, _RESAMPLING[resample])
        return np.asarray(picture)
    # A copy that may be written to, which PyTorch asks for; channels last, as its kernels like it.
    given = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
    found = functional.interpolate(
        given, size=size[::-1], mode=resample, align_corners=False, antialias=True
    )
    pixels: Pixels = found[0].permute(1, 2, 0).numpy()
    return pixels


def _normalised(
    pixels: Pixels, preprocessing: Preprocessing, in_channels: int
) -> npt.NDArray[np.float32]:
    """(C, H, W), divided and centred."""
    if in_channels == 1 or preprocessing.channels == "grey":
        grey = np.asarray(Image.fromarray(pixels).convert("L"))
        channels = [grey] * in_channels
    else:
        channels = [pixels[..., channel] for channel in range(3)]
        if preprocessing.channels == "bgr":
            channels.reverse()
    divisor = preprocessing.divisor
    if divisor == "maximum":
        # A black image has nothing to divide by.
        divisor = float(max(channel.max() for channel in channels)) or 1.0
    if preprocessing.standardise == "none":
        mean = per_channel(preprocessing.mean, in_channels)
        std = per_channel(preprocessing.std, in_channels)
    else:
        mean, std = _own_statistics(channels, divisor, each=preprocessing.standardise == "channel")
    # There are 256 values: what becomes of each is looked up, in one pass over the image.
    levels = np.arange(256, dtype=np.float32) / np.float32(divisor)
    tables = np.broadcast_to((levels - mean) / std, (in_channels, 256))
    normalised = np.empty((in_channels, *pixels.shape[:2]), np.float32)
    for table, channel, row in zip(tables, channels, normalised, strict=True):
        np.take(table, channel, out=row, mode="clip")
    return normalised


def _own_statistics(
    channels: Sequence[Pixels], divisor: float, *, each: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mean and deviation of the divided values, (C, 1): of each channel, or of all together."""
    counts = np.stack([np.bincount(channel.ravel(), minlength=256) for channel in channels])
    if not each:
        counts[:] = counts.sum(axis=0)
    levels = np.arange(256) / divisor
    pixels = counts.sum(axis=1, keepdims=True)
    mean = (counts * levels).sum(axis=1, keepdims=True) / pixels
    variance = (counts * (levels - mean) ** 2).sum(axis=1, keepdims=True) / pixels
    # An image of one value has nothing to divide by.
    std = np.where(variance > 0, np.sqrt(variance), 1.0)
    return mean.astype(np.float32), std.astype(np.float32)


def _pad(
    values: npt.NDArray[np.float32], multiple_of: int, requirements: SizeRequirements
) -> npt.NDArray[np.float32]:
    border = requirements.border
    widths = [(0, 0)]
    for side in values.shape[1:]:
        widths.append((border, requirements.side(side, multiple_of) - side - border))
    return np.pad(values, widths, mode="reflect") if any(map(any, widths)) else values


def activate(logits: Tensor, activation: Activation, size: tuple[int, int]) -> Tensor:
    """Logits (1, C, H, W) -> probabilities (C, h, w) in [0, 1], the padding cut off.

    ``size`` is the width and height of the image inside. One channel has no softmax, so
    it gets a sigmoid. Large logits are overwritten. Raises PredictionError when the network
    returned NaN or infinity.
    """
    logits = logits[0, :, : size[1], : size[0]].float()
    rows = max(1, _STRIP_NUMBERS // max(1, logits.shape[0] * size[0]))
    if rows >= size[1]:
        return _activated(logits, activation)
    # Of many classes a copy more may be all the memory there is.
    for first in range(0, size[1], rows):
        strip = logits[:, first : first + rows]
        strip.copy_(_activated(strip, activation))
    return logits


def _activated(logits: Tensor, activation: Activation) -> Tensor:
    if not bool(torch.isfinite(logits).all()):
        raise PredictionError("prediction_not_finite")
    if activation == "none":
        return logits.clamp(0, 1)
    if activation == "softmax" and logits.shape[0] > 1:
        return logits.softmax(dim=0)
    return logits.sigmoid()


def with_ground(probabilities: Tensor) -> Tensor:
    """(C, H, W) -> (C + 1, H, W): first what no class claims, 1 - the largest, then the classes.

    So the foreground at a threshold is the union of all classes at that threshold, and the most
    probable class of a pixel is none where no class reaches one half.
    """
    return torch.cat([1 - probabilities.amax(dim=0, keepdim=True), probabilities])
