"""Labels in channels: one for each class, set where the class is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]

MOST_CLASSES = 64
_EXACT = 0.01
"""How far the probabilities of a pixel may be from 1 together."""


def one_hot_labels(plane: Callable[[int], Values], count: int) -> npt.NDArray[np.uint8] | None:
    """(H, W): which of ``count`` channels is set at each pixel, or has the highest probability.

    ``plane`` gives a channel by its number from 0. None where not exactly one of them is set at
    each pixel, or their probabilities are not 1 together; most others show that early.
    """
    labels: npt.NDArray[np.uint8] | None = None
    whole: Values | None = None
    highest: Values | None = None
    for number in range(count):
        share = _share(plane(number))
        if share is None:
            return None
        if labels is None or whole is None or highest is None:
            labels, whole, highest = np.zeros(share.shape, np.uint8), share.copy(), share
            continue
        if share.shape != whole.shape:
            return None
        whole += share
        if float(whole.max()) > 1 + _EXACT:
            return None
        labels[share > highest] = number
        highest = np.maximum(highest, share)
    if whole is None or float(whole.min()) < 1 - _EXACT:
        return None
    return labels


def _share(values: Values) -> npt.NDArray[np.float32] | None:
    """0 to 1 of numbers that are probabilities, or that are 0 and one other; None for others."""
    if values.ndim != 2 or not values.size:
        return None
    if values.dtype.kind == "f":
        # NaN is neither.
        within = bool(values.min() >= 0) and bool(values.max() <= 1)
        return values.astype(np.float32) if within else None
    if values.dtype.kind not in "bui":
        return None
    highest = values.max()
    if values.min() < 0 or not ((values == 0) | (values == highest)).all():
        return None
    share: npt.NDArray[np.float32] = (values != 0).astype(np.float32)
    return share
