"""Distances between the surfaces of two masks: HD95 and the normalised surface Dice.

The surface of a mask are its pixels with a neighbour up, down, left or right outside of it;
outside of the image nothing is foreground. That is the rule of MONAI 1.5 (``get_mask_edges``) and
of scipy's ``binary_erosion``. ``metrics.outlines``, whose F-score the page shows at every
threshold, takes the image's edge for no outline instead. Distances are exact and Euclidean, in
pixels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.metrics.outlines import REACH

Mask = npt.NDArray[np.bool_]
Distances = npt.NDArray[np.float64]

TOLERANCE = REACH
"""Pixels within which surfaces count as equal, the same as for the boundary F-score."""
_PERCENTILE = 95


@dataclass(frozen=True, eq=False, kw_only=True)
class SurfaceDistances:
    """From each surface pixel of one mask to the nearest of the other, both ways."""

    found: Distances
    """Of the network's surface."""
    truth: Distances

    @property
    def hd95(self) -> float:
        """The larger of both 95th percentiles, between samples linear; NaN where a mask is empty.

        MONAI gives infinity or NaN where one of them is.
        """
        if not len(self.found) or not len(self.truth) or np.isinf(self.found).any():
            return float("nan")
        both = (np.percentile(each, _PERCENTILE) for each in (self.found, self.truth))
        return float(max(both))

    @property
    def nsd(self) -> float:
        """The share of both surfaces within TOLERANCE of the other; NaN where both are empty.

        As ``compute_surface_dice`` of MONAI and Nikolov et al. 2018 (arXiv:1809.04430), with a
        pixel for a piece of surface. 0 where one mask is empty.
        """
        whole = len(self.found) + len(self.truth)
        near = sum(int((each <= TOLERANCE).sum()) for each in (self.found, self.truth))
        return near / whole if whole else float("nan")


def surface_distances(found: Mask, truth: Mask) -> SurfaceDistances:
    """Of two masks (H, W) of one size."""
    if found.shape != truth.shape:
        raise ValueError(f"{found.shape} and {truth.shape} are no two masks of one image.")
    surfaces = surface(found), surface(truth)
    return SurfaceDistances(
        found=_to_nearest(surfaces[0], surfaces[1]), truth=_to_nearest(surfaces[1], surfaces[0])
    )


def surface(mask: Mask) -> Mask:
    """(H, W): the pixels of a mask that have a neighbour outside of it."""
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edges: Mask = mask & ~inside
    return edges


def _to_nearest(points: Mask, targets: Mask) -> Distances:
    """From each point to the nearest target; infinity where there is none.

    First along columns, for all pixels; then from each point sideways, as long as a column so far
    away can hold something nearer: surfaces that run side by side need a few steps.
    """
    rows, columns = np.nonzero(points)
    width = points.shape[1]
    along = _along_columns(targets)
    best = along[rows, columns]
    active = np.arange(len(rows))
    for step in range(1, width):
        active = active[best[active] > step * step]
        if not len(active):
            break
        for side in (step, -step):
            places = columns[active] + side
            inside = (places >= 0) & (places < width)
            chosen = active[inside]
            reached = along[rows[chosen], places[inside]] + step * step
            best[chosen] = np.minimum(best[chosen], reached)
    distances: Distances = np.sqrt(best)
    return distances


def _along_columns(targets: Mask) -> npt.NDArray[np.float64]:
    """(H, W): the squared distance to the nearest target in the same column."""
    numbers = np.arange(len(targets), dtype=np.float64)[:, None]
    above = np.maximum.accumulate(np.where(targets, numbers, -np.inf), axis=0)
    below = np.minimum.accumulate(np.where(targets, numbers, np.inf)[::-1], axis=0)[::-1]
    nearest: npt.NDArray[np.float64] = np.minimum(numbers - above, below - numbers) ** 2
    return nearest
