"""Pixel counts and scores of probability maps at all thresholds at once, exactly.

A map holds q in 0..255 and the threshold k calls q >= k foreground. Arrays over thresholds have
257 entries, k = 0 (everything is foreground) to k = 256 (nothing is). What is 0/0 is NaN: it is
shown as a dash, and means leave it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from segdemo.inference.maps import LEVELS
from segdemo.metrics.scores import BY_NAME, PIXEL_SCORES

Map = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

THRESHOLDS = LEVELS + 1

_MIDDLE = LEVELS // 2


# --- Two maps ---------------------------------------------------------------------------------


def tail_sums(q: Map) -> Counts:
    """(257,): how many pixels have q >= k."""
    return tails(np.bincount(q.ravel(), minlength=LEVELS))


@dataclass(frozen=True, eq=False, kw_only=True)
class Overlap:
    """What the masks of two maps share at equal thresholds."""

    intersection: Counts
    union: Counts

    @cached_property
    def iou(self) -> Shares:
        """(257,): intersection over union; NaN where both masks are empty."""
        return shares(self.intersection, self.union)


def overlap(first: Map, second: Map) -> Overlap:
    """Two maps of one size against each other, at all thresholds."""
    require_alike(first, second)
    return Overlap(
        intersection=tail_sums(np.minimum(first, second)),
        union=tail_sums(np.maximum(first, second)),
    )


# --- A map and the truth ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """Pixels that a map gets right and wrong, each (257,) by threshold; VOID ones not counted."""

    true_positives: Counts
    false_positives: Counts
    false_negatives: Counts
    true_negatives: Counts

    @cached_property
    def dice(self) -> Shares:
        """(257,): the Dice score; see ``metrics.scores``, as for all others."""
        return self.score("dice")

    @cached_property
    def iou(self) -> Shares:
        """(257,): intersection over union."""
        return self.score("iou")

    def score(self, name: str) -> Shares:
        """(257,): the one of ``PIXEL_SCORES`` of this name at every threshold; NaN for 0/0."""
        parts = BY_NAME[name].parts
        assert parts is not None
        return shares(
            *parts(
                self.true_positives,
                self.false_positives,
                self.false_negatives,
                self.true_negatives,
            )
        )

    def at(self, k: int) -> dict[str, float]:
        """All ``PIXEL_SCORES`` at the threshold k, by name."""
        return {score.name: float(self.score(score.name)[k]) for score in PIXEL_SCORES}

    @property
    def best(self) -> int | None:
        """The threshold of the highest Dice, as `best_threshold` finds it."""
        return best_threshold([self])


def curve(q: Map, truth: Map) -> Curve:
    """The map q against ``truth`` of the same size: 1 foreground, 0 ground, VOID nothing said."""
    require_alike(q, truth)
    found, wrong = (np.bincount(q[truth == value], minlength=LEVELS) for value in (1, 0))
    return curve_of(found, wrong)


def curve_of(foreground: Counts, ground: Counts) -> Curve:
    """The curve of pixels of the truth's foreground and ground, each (256,) by their q."""
    found, wrong = tails(foreground), tails(ground)
    return Curve(
        true_positives=found,
        false_positives=wrong,
        false_negatives=found[0] - found,
        true_negatives=wrong[0] - wrong,
    )


def best_threshold(curves: Sequence[Curve]) -> int | None:
    """The k of the highest mean Dice; None where no threshold finds anything right.

    Of several that are equal it is the one nearest to 128, and the lower of two. None, too, where
    Dice still rises at 1 or 255: what is best there is all or nothing, and no threshold.
    """
    means = sum((each.dice for each in curves), np.zeros(THRESHOLDS)) / max(1, len(curves))
    return best_of(means)


def best_of(means: Shares) -> int | None:
    """The same of a mean Dice (257,) by threshold, whatever it is a mean over."""
    means = means.copy()
    means[[0, LEVELS]] = np.nan
    highest = np.nanmax(means, initial=0.0)
    if not highest > 0:
        return None
    best = int(min(np.flatnonzero(means == highest), key=lambda k: (abs(k - _MIDDLE), k)))
    return best if 1 < best < LEVELS - 1 else None


# --- Shared -----------------------------------------------------------------------------------


def tails(counts: npt.NDArray[np.integer]) -> Counts:
    """Sums of the counts from each level on: (256,) -> (257,)."""
    sums = np.zeros(THRESHOLDS, np.int64)
    sums[:LEVELS] = np.cumsum(counts[::-1])[::-1]
    return sums


def shares(parts: Counts, wholes: Counts) -> Shares:
    """Parts over wholes, element by element; NaN where the whole is 0."""
    shares: Shares = np.full(parts.shape, np.nan)
    np.divide(parts, wholes, out=shares, where=wholes > 0)
    return shares


def require_alike(first: Map, second: Map) -> None:
    """Raise ValueError unless both are uint8 maps (H, W) of one size."""
    for values in (first, second):
        if values.dtype != np.uint8 or values.ndim != 2 or values.shape != first.shape:
            raise ValueError(f"Maps are (H, W) uint8 of one size, not {values.shape}.")
