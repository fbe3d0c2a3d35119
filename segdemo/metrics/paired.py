"""Compares two networks on the same images: Wilcoxon's test and a bootstrap interval."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_RESAMPLES = 10_000
_LEVEL = 0.95
_MOST_EXACT = 50
"""Images up to which p is counted and not approximated, as scipy does."""
_BLOCK = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A score of one network less that of another, image by image."""

    count: int
    """Images on which both have it."""
    mean: float
    low: float
    high: float
    """The 95 % interval of the mean."""
    p: float
    """Two-sided; NaN where no image differs."""


def difference(first: Values, second: Values, seed: int = 0) -> Difference:
    """Of scores (n,) in the same order; images on which one is NaN are left out."""
    both = ~(np.isnan(first) | np.isnan(second))
    gaps = first[both] - second[both]
    low, high = bootstrap(gaps, seed)
    mean = float(gaps.mean()) if len(gaps) else math.nan
    return Difference(count=len(gaps), mean=mean, low=low, high=high, p=wilcoxon(gaps))


def wilcoxon(gaps: Values) -> float:
    """The two-sided p of Wilcoxon's signed-rank test (1945); NaN where there is no gap but 0.

    Zeros are left out and equal gaps share a rank. Without either and up to 50 images it is exact,
    else the normal approximation with the correction for ties: ``scipy.stats.wilcoxon`` with
    ``method="exact"`` and ``"approx"``.
    """
    gaps = gaps[~np.isnan(gaps)]
    kept = gaps[gaps != 0]
    count = len(kept)
    if not count:
        return math.nan
    sizes, places, repeats = np.unique(np.abs(kept), return_inverse=True, return_counts=True)
    last = np.cumsum(repeats)
    ranks = (last - (repeats - 1) / 2)[places]
    positive = float(ranks[kept > 0].sum())
    whole = count * (count + 1) / 2
    least = min(positive, whole - positive)
    if len(sizes) == count == len(gaps) and count <= _MOST_EXACT:
        return _exact(int(least), count)
    variance = count * (count + 1) * (2 * count + 1) / 24 - float((repeats**3 - repeats).sum()) / 48
    return math.erfc((whole / 2 - least) / math.sqrt(2 * variance)) if variance > 0 else 1.0


def _exact(least: int, count: int) -> float:
    """How many of the 2^n signs give a sum of ranks as small, twice."""
    ways = [1] + [0] * (count * (count + 1) // 2)
    for rank in range(1, count + 1):
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    share: float = 2 * sum(ways[: least + 1]) / 2**count
    return min(1.0, share)


def bootstrap(gaps: Values, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of the mean over 10,000 resamples; NaN below two images."""
    gaps = gaps[~np.isnan(gaps)]
    if len(gaps) < 2:
        return math.nan, math.nan
    generator = np.random.default_rng(seed)
    rows = max(1, _BLOCK // len(gaps))
    means = [
        gaps[generator.integers(0, len(gaps), (min(rows, _RESAMPLES - start), len(gaps)))].mean(1)
        for start in range(0, _RESAMPLES, rows)
    ]
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)
