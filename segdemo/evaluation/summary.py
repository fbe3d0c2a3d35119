"""Summarises an evaluation: means, thresholds, and whether networks differ."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt

from segdemo.evaluation.run import Judged
from segdemo.evaluation.scoring import LOWER_IS_BETTER, SCORES, scores_of
from segdemo.inference.maps import LEVELS
from segdemo.metrics.calibration import Calibration
from segdemo.metrics.curves import THRESHOLDS, Curve, best_of, curve_of
from segdemo.metrics.paired import Difference, difference

MAIN = "dice"
"""What images are ordered by, and thresholds are best for."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One score of a network's class over all images on which it is defined."""

    network: str
    class_name: str
    score: str
    count: int
    mean: float
    sd: float
    """Of the sample, with n - 1."""
    median: float
    pooled: float
    """Of all pixels of all images together; NaN for what is no count of pixels."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Thresholds:
    """What another threshold would give a network, by the mean Dice over the images."""

    network: str
    used: float
    at_used: float
    best: float | None
    """None where no threshold finds anything right."""
    at_best: float
    at_common: float
    """At the one threshold that is best for all networks together."""
    curve: npt.NDArray[np.float64]
    """(257,): the mean Dice at k = 0 to 256; NaN where it is defined on no image."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Whether two networks differ in a score of the main mask."""

    first: str
    second: str
    score: str
    difference: Difference


@dataclass(frozen=True, eq=False, kw_only=True)
class Summary:
    """All figures that follow from what was judged."""

    judged: Sequence[Judged]

    @cached_property
    def networks(self) -> tuple[str, ...]:
        """In the order in which they were given."""
        return tuple(dict.fromkeys(one.network for one in self.judged))

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """By network, class and score; the main mask comes last of a network's."""
        return tuple(figure for network in self.networks for figure in self._figures_of(network))

    def _figures_of(self, network: str) -> Iterator[Figure]:
        masks = [
            mask
            for one in self.judged
            if one.network == network and one.scoring
            for mask in one.scoring.masks
        ]
        for name in dict.fromkeys(mask.class_name for mask in masks):
            chosen = [mask for mask in masks if mask.class_name == name]
            sums = np.array([mask.pixels for mask in chosen]).sum(0).tolist()
            bins = [mask.bins for mask in chosen if mask.bins is not None]
            pooled = {**scores_of(tuple(sums)), "ece": _pooled(bins)}
            for score in SCORES:
                values = np.array([mask.scores[score] for mask in chosen])
                known = values[~np.isnan(values)]
                yield Figure(
                    network=network,
                    class_name=name,
                    score=score,
                    count=len(known),
                    mean=float(known.mean()) if len(known) else math.nan,
                    sd=float(known.std(ddof=1)) if len(known) > 1 else math.nan,
                    median=float(np.median(known)) if len(known) else math.nan,
                    pooled=pooled[score],
                )

    def main_figures(self, network: str) -> dict[str, Figure]:
        """By score, of the mask that a network is judged by."""
        return {one.score: one for one in self.figures if one.network == network}

    @cached_property
    def common(self) -> float | None:
        """The threshold of the highest mean Dice of all networks; None without curves."""
        best = best_of(_mean_dice([one for curves in self._curves.values() for one in curves]))
        return None if best is None else best / LEVELS

    @cached_property
    def thresholds(self) -> tuple[Thresholds, ...]:
        """Of each network that has a threshold."""
        return tuple(
            self._thresholds_of(network, curves)
            for network, curves in self._curves.items()
            if curves
        )

    def _thresholds_of(self, network: str, curves: list[Curve]) -> Thresholds:
        means = _mean_dice(curves)
        used = next(one.threshold for one in self.judged if one.network == network and one.scoring)
        best = best_of(means)
        common = None if self.common is None else round(self.common * LEVELS)
        return Thresholds(
            network=network,
            used=used,
            at_used=float(means[round(used * LEVELS)]),
            best=None if best is None else best / LEVELS,
            at_best=math.nan if best is None else float(means[best]),
            at_common=math.nan if common is None else float(means[common]),
            curve=means,
        )

    @cached_property
    def _curves(self) -> dict[str, list[Curve]]:
        found: dict[str, list[Curve]] = {network: [] for network in self.networks}
        for one in self.judged:
            if one.scoring is not None and one.scoring.levels is not None:
                found[one.network].append(curve_of(*one.scoring.levels))
        return found

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Of each two networks, by each score of their main masks, on the images of both."""
        return tuple(
            Comparison(
                first=first,
                second=second,
                score=score,
                difference=self._between(first, second, score),
            )
            for first, second in combinations(self.networks, 2)
            for score in SCORES
        )

    def _between(self, first: str, second: str, score: str) -> Difference:
        both = [
            {
                one.picture: one.scoring.main.scores[score]
                for one in self.judged
                if one.network == network and one.scoring
            }
            for network in (first, second)
        ]
        pictures = [picture for picture in both[0] if picture in both[1]]
        one, other = (np.array([each[picture] for picture in pictures], float) for each in both)
        return difference(one, other)

    def worst(self, network: str, count: int) -> list[Judged]:
        """The images on which a network does worst, the worst first."""
        chosen = [
            one
            for one in self.judged
            if one.network == network and one.scoring and not math.isnan(main_score(one))
        ]
        return sorted(chosen, key=main_score)[:count]

    @property
    def failures(self) -> list[Judged]:
        """What could not be judged."""
        return [one for one in self.judged if one.failure]


def main_score(judged: Judged) -> float:
    """The Dice of the mask that a network is judged by; NaN where it is not defined."""
    return judged.scoring.main.scores[MAIN] if judged.scoring else math.nan


def is_better(score: str, gap: float) -> bool:
    """Whether the first of two networks is better where its mean is larger by ``gap``."""
    return gap < 0 if score in LOWER_IS_BETTER else gap > 0


def _pooled(bins: list[Calibration]) -> float:
    if not bins:
        return math.nan
    return sum(bins[1:], start=bins[0]).error


def _mean_dice(curves: Sequence[Curve]) -> npt.NDArray[np.float64]:
    """(257,): over the images on which it is defined."""
    values = np.array([curve.dice for curve in curves]).reshape(-1, THRESHOLDS)
    known = ~np.isnan(values)
    counts = known.sum(0)
    sums = np.where(known, values, 0).sum(0)
    means = np.full(len(counts), math.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
