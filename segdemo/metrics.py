"""How maps agree and how right they are: exact counts of pixels at every threshold at once.

A map holds q in 0..255 and the threshold k calls q >= k foreground. Arrays over thresholds have
257 entries, k = 0 (everything is foreground) to k = 256 (nothing is). What is 0/0 is NaN: it is
shown as a dash, and means leave it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from segdemo.processing import LEVELS
from segdemo.truth import VOID

Map = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

THRESHOLDS = LEVELS + 1
REACH = 2
"""How far apart two outlines may run and still match, in pixels."""

# (dy, dx) within REACH.
_DISC = tuple(
    (dy, dx)
    for dy in range(-REACH, REACH + 1)
    for dx in range(-REACH, REACH + 1)
    if dy * dy + dx * dx <= REACH * REACH
)
_BLOCK = 1 << 16
_MIDDLE = LEVELS // 2


# --- Two maps ---------------------------------------------------------------------------------


def tail_sums(q: Map) -> Counts:
    """(257,): how many pixels have q >= k."""
    return _tails(np.bincount(q.ravel(), minlength=LEVELS))


@dataclass(frozen=True, eq=False, kw_only=True)
class Overlap:
    """What the masks of two maps share at equal thresholds."""

    intersection: Counts
    union: Counts

    @cached_property
    def iou(self) -> Shares:
        """(257,): intersection over union; NaN where both masks are empty."""
        return _shares(self.intersection, self.union)


def overlap(first: Map, second: Map) -> Overlap:
    """Two maps of one size against each other, at all thresholds."""
    _check(first, second)
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
        """2 TP / (2 TP + FP + FN); NaN where nothing is found and there is nothing to find."""
        twice = 2 * self.true_positives
        return _shares(twice, twice + self.false_positives + self.false_negatives)

    @cached_property
    def iou(self) -> Shares:
        """TP / (TP + FP + FN); NaN where nothing is found and there is nothing to find."""
        found = self.true_positives + self.false_positives
        return _shares(self.true_positives, found + self.false_negatives)

    @cached_property
    def precision(self) -> Shares:
        """TP / (TP + FP); NaN where nothing is found."""
        return _shares(self.true_positives, self.true_positives + self.false_positives)

    @cached_property
    def recall(self) -> Shares:
        """TP / (TP + FN); NaN where there is nothing to find."""
        return _shares(self.true_positives, self.true_positives + self.false_negatives)

    @cached_property
    def accuracy(self) -> Shares:
        """(TP + TN) / all; NaN where the truth says nothing at all."""
        right = self.true_positives + self.true_negatives
        return _shares(right, right + self.false_positives + self.false_negatives)

    def at(self, k: int) -> dict[str, float]:
        """All five at the threshold k."""
        names = ("dice", "iou", "precision", "recall", "accuracy")
        return {name: float(getattr(self, name)[k]) for name in names}

    @property
    def best(self) -> int | None:
        """The threshold of the highest Dice, as `best_threshold` finds it."""
        return best_threshold([self])


def curve(q: Map, truth: Map) -> Curve:
    """The map q against ``truth`` of the same size: 1 foreground, 0 ground, VOID nothing said."""
    _check(q, truth)
    found, wrong = (_tails(np.bincount(q[truth == value], minlength=LEVELS)) for value in (1, 0))
    return Curve(
        true_positives=found,
        false_positives=wrong,
        false_negatives=found[0] - found,
        true_negatives=wrong[0] - wrong,
    )


def best_threshold(curves: Sequence[Curve]) -> int | None:
    """The k in 1..255 of the highest mean Dice; None where no threshold finds anything right.

    Of several that are equal it is the one nearest to 128, and the lower of two.
    """
    means = sum((each.dice for each in curves), np.zeros(THRESHOLDS)) / max(1, len(curves))
    means[[0, LEVELS]] = np.nan
    highest = np.nanmax(means, initial=0.0)
    if not highest > 0:
        return None
    return int(min(np.flatnonzero(means == highest), key=lambda k: (abs(k - _MIDDLE), k)))


# --- Outlines ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Outlines:
    """Outlines of a map's masks against that of the truth; they match within REACH pixels.

    The outline is what a mask loses when it is eroded by one pixel up, down, left and right; the
    picture's edge erodes nothing. VOID pixels are background in both masks.
    """

    found: Counts
    """(257,): pixels of the mask's outline."""
    right: Counts
    """(257,): those of them that lie near the truth's."""
    wanted: int
    """Pixels of the truth's outline."""
    met: Counts
    """(257,): those of them that the mask's lies near."""

    @cached_property
    def f_score(self) -> Shares:
        """(257,): 2 P R / (P + R); NaN where there is no outline at all, 0 where one lacks."""
        precision = _shares(self.right, self.found)
        recall = _shares(self.met, np.full(THRESHOLDS, self.wanted))
        scores: Shares = np.where(np.isnan(precision) & np.isnan(recall), np.nan, 0.0)
        both = np.nan_to_num(precision) + np.nan_to_num(recall)
        np.divide(2 * precision * recall, both, out=scores, where=both > 0)
        return scores


def outlines(q: Map, truth: Map) -> Outlines:
    """The map q against ``truth`` as for `curve`."""
    _check(q, truth)
    q = np.where(truth == VOID, np.uint8(0), q)
    inside = (truth == 1).astype(np.uint8)
    wanted = _lowest_around(inside) < inside
    # A pixel is on the outline for all k in (lowest, q].
    lowest = _lowest_around(q)
    edge = lowest < q
    near = edge & _dilated(wanted)
    met = np.zeros(THRESHOLDS, np.int64)
    ys, xs = np.nonzero(wanted)
    padded = [np.pad(values, REACH) for values in (lowest, q)]
    for start in range(0, len(ys), _BLOCK):
        rows, columns = (places[start : start + _BLOCK, None] + REACH for places in (ys, xs))
        around = [
            values[rows + [dy for dy, _ in _DISC], columns + [dx for _, dx in _DISC]]
            for values in padded
        ]
        met += _covered(*around)
    return Outlines(
        found=_levels_within(lowest[edge], q[edge]),
        right=_levels_within(lowest[near], q[near]),
        wanted=len(ys),
        met=met,
    )


def _lowest_around(values: Map) -> Map:
    """The smallest of each pixel and its four neighbours inside of the picture."""
    lowest = values.copy()
    for here, there in (
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[:, :-1], np.s_[:, 1:]),
    ):
        np.minimum(lowest[here], values[there], out=lowest[here])
    return lowest


def _dilated(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    height, width = mask.shape
    padded = np.pad(mask, REACH)
    grown = np.zeros_like(mask)
    for dy, dx in _DISC:
        grown |= padded[REACH + dy : REACH + dy + height, REACH + dx : REACH + dx + width]
    return grown


def _levels_within(lows: Map, highs: Map) -> Counts:
    """(257,): how many of the intervals (low, high] hold k."""
    steps = np.bincount(lows.astype(np.int64) + 1, minlength=THRESHOLDS + 1)
    steps -= np.bincount(highs.astype(np.int64) + 1, minlength=THRESHOLDS + 1)
    counts: Counts = np.cumsum(steps)[:THRESHOLDS]
    return counts


def _covered(lows: Map, highs: Map) -> Counts:
    """(257,): how many rows of intervals (low, high] have one that holds k."""
    order = np.argsort(lows, axis=1)
    lows, highs = (np.take_along_axis(values, order, axis=1) for values in (lows, highs))
    before = np.zeros_like(highs)
    before[:, 1:] = np.maximum.accumulate(highs, axis=1)[:, :-1]
    # Of each interval only what those that begin earlier have left of it.
    lows = np.maximum(lows, before)
    fresh = highs > lows
    return _levels_within(lows[fresh], highs[fresh])


# --- Several classes --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Confusion:
    """Pixels by what they are and by the class found; VOID ones not counted."""

    counts: Counts
    """(classes + 1, classes): the last row is of labels that the network has no class for."""

    @cached_property
    def accuracy(self) -> float:
        """The share of pixels whose class is right; NaN where the truth says nothing at all."""
        total = int(self.counts.sum())
        return int(np.trace(self.counts)) / total if total else float("nan")

    @cached_property
    def ious(self) -> Shares:
        """(classes,): intersection over union; NaN for a class that is neither found nor there."""
        right = np.diag(self.counts)
        return _shares(right, self.counts.sum(0) + self.counts[:-1].sum(1) - right)

    @cached_property
    def mean_iou(self) -> float:
        """Over the classes that are found or there; NaN where there are none."""
        known = self.ious[~np.isnan(self.ious)]
        return float(known.mean()) if known.size else float("nan")


def confusion(found: npt.NDArray[np.integer], labels: Map, classes: int) -> Confusion:
    """Classes 0..classes - 1 that were ``found`` against ``labels``, both (H, W)."""
    if found.shape != labels.shape:
        raise ValueError(f"{found.shape} and {labels.shape} are no two answers for one picture.")
    said = labels != VOID
    rows = np.minimum(labels[said], classes).astype(np.int64)
    counts = np.bincount(rows * classes + found[said], minlength=(classes + 1) * classes)
    return Confusion(counts=counts.reshape(classes + 1, classes))


# --- Shared -----------------------------------------------------------------------------------


def _tails(counts: npt.NDArray[np.integer]) -> Counts:
    sums = np.zeros(THRESHOLDS, np.int64)
    sums[:LEVELS] = np.cumsum(counts[::-1])[::-1]
    return sums


def _shares(parts: Counts, wholes: Counts) -> Shares:
    shares: Shares = np.full(parts.shape, np.nan)
    np.divide(parts, wholes, out=shares, where=wholes > 0)
    return shares


def _check(first: Map, second: Map) -> None:
    for values in (first, second):
        if values.dtype != np.uint8 or values.ndim != 2 or values.shape != first.shape:
            raise ValueError(f"Maps are (H, W) uint8 of one size, not {values.shape}.")
