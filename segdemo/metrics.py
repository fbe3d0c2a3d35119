"""How much of a picture is foreground and how far two maps agree, at every threshold at once."""

import numpy as np
import numpy.typing as npt

from segdemo.processing import LEVELS

Map = npt.NDArray[np.uint8]


def coverage(quantised: Map) -> npt.NDArray[np.float64]:
    """(256,): the share of pixels with ``q >= k``, for every ``k``; 1 at 0."""
    counts = np.bincount(quantised.reshape(-1), minlength=LEVELS)
    shares: npt.NDArray[np.float64] = counts[::-1].cumsum()[::-1] / quantised.size
    return shares


def agreement(first: Map, second: Map, k: int) -> float:
    """Intersection over union of ``first >= k`` and ``second >= k``; 1 when both are empty.

    Raises ValueError when the maps differ in size.
    """
    if first.shape != second.shape:
        raise ValueError(f"maps of {first.shape} and {second.shape} cannot be compared")
    a, b = first >= k, second >= k
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0
