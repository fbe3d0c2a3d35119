"""Boundary F-scores of all thresholds: how well outlines agree within a few pixels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from segdemo.images.masks import VOID
from segdemo.metrics.curves import THRESHOLDS, Counts, Map, Shares, require_alike, shares

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


@dataclass(frozen=True, eq=False, kw_only=True)
class Outlines:
    """Outlines of a map's masks against that of the truth; they match within REACH pixels.

    The outline is what a mask loses when it is eroded by one pixel up, down, left and right; the
    image's edge erodes nothing. VOID pixels are background in both masks.
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
        precision = shares(self.right, self.found)
        recall = shares(self.met, np.full(self.met.shape, self.wanted))
        scores: Shares = np.where(np.isnan(precision) & np.isnan(recall), np.nan, 0.0)
        both = np.nan_to_num(precision) + np.nan_to_num(recall)
        np.divide(2 * precision * recall, both, out=scores, where=both > 0)
        return scores


def outlines(q: Map, truth: Map) -> Outlines:
    """The map q against ``truth`` as for `curve`."""
    require_alike(q, truth)
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


def boundary_f(found: npt.NDArray[np.bool_], truth: Map) -> float:
    """The F-score of one mask, as ``outlines`` has it for all thresholds, many times as fast."""
    require_alike(found.view(np.uint8), truth)
    edges = []
    for mask in (found & (truth != VOID), truth == 1):
        inside = mask.view(np.uint8)
        edges.append(_lowest_around(inside) < inside)
    found_edge, wanted = edges
    one = Outlines(
        found=np.array([found_edge.sum()]),
        right=np.array([(found_edge & _dilated(wanted)).sum()]),
        wanted=int(wanted.sum()),
        met=np.array([(wanted & _dilated(found_edge)).sum()]),
    )
    return float(one.f_score[0])


def _lowest_around(values: Map) -> Map:
    """The smallest of each pixel and its four neighbours inside of the image."""
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
