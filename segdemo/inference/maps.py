"""Probability maps as arrays: quantised, cut at a threshold, resized; the most probable class."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from segdemo.errors import PredictionError
from segdemo.wording import one_line

Labels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

LEVELS = 256
"""Steps of a quantised probability; a threshold is ``k / LEVELS``."""


def resize_map(
    probabilities: npt.NDArray[np.float32], size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """(C, h, w) or (h, w) at ``size`` (width, height): bilinear, antialiased when it shrinks."""
    *channels, height, width = probabilities.shape
    if (width, height) == size:
        return probabilities
    # Whoever has maps has loaded PyTorch; the page begins without.
    import torch  # noqa: PLC0415
    from torch.nn import functional  # noqa: PLC0415

    resized = functional.interpolate(
        torch.from_numpy(probabilities).reshape(1, -1, height, width),
        size=(size[1], size[0]),
        mode="bilinear",
        align_corners=False,
        antialias=size[0] < width or size[1] < height,
    )
    array: npt.NDArray[np.float32] = resized.clamp_(0, 1).reshape(*channels, *size[::-1]).numpy()
    return array


def winners(maps: Iterable[npt.NDArray[np.float32]], count: int) -> Labels:
    """(H, W): which of ``count`` maps, taken one after another, is the largest at each pixel.

    The first of equal ones wins. The numbers take 8 bits as far as they go.
    """
    each = iter(maps)
    best = next(each).copy()
    labels: Labels = np.zeros(best.shape, np.uint8 if count <= 256 else np.uint16)
    for number, probabilities in enumerate(each, start=1):
        np.copyto(labels, number, where=probabilities > best)
        np.maximum(best, probabilities, out=best)
    return labels


def level_of(threshold: float) -> int:
    """The k in 1..255 of the threshold k/256 that is nearest: the one rule of all that thresholds.

    Raises PredictionError for what is no number between 0 and 1, both excluded.
    """
    known = isinstance(threshold, int | float | np.floating) and 0 < threshold < 1
    if not known:
        raise PredictionError("api_threshold", value=one_line(threshold))
    return min(LEVELS - 1, max(1, round(float(threshold) * LEVELS)))


def quantise(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """``q = min(255, floor(p * 256))``: then ``q >= k`` is ``p >= k / 256`` on every pixel."""
    steps = probabilities * np.float32(LEVELS)
    np.minimum(steps, LEVELS - 1, out=steps)
    return steps.astype(np.uint8)  # which drops the fraction
