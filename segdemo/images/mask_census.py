"""What the masks of a data set hold, taken together: values, and how they lie beside each other."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.images.mask_values import MaskValues

Values = npt.NDArray[Any]

_BETWEEN, _SOME_BETWEEN = 0.5, 0.2
_GENTLE = 0.5
_RISE = 16
"""A step of one part in so many of the whole range is gentle."""
_NEIGHBOURS_OF = 8
"""Of more values than this nobody asks which lie beside which."""


@dataclass(frozen=True, kw_only=True)
class Census:
    """Counts over one mask or over all of a data set."""

    counts: dict[float, int]
    """Value -> pixels, in ascending order."""
    coloured: bool = False
    smeared: bool = False
    shares: bool = False
    planes: int = 1
    most: int = 1
    """The most values that one mask holds."""
    inner: int = 0
    """Pixels between the lowest and the highest value of their mask."""
    between: int = 0
    """Of these, those with a lower and a higher one among their eight neighbours."""
    shores: int = 0
    """How often the lowest value of a mask touches another."""
    gentle: int = 0
    """Of these, how often the other is hardly higher."""
    pixels: int = 1
    beside: dict[tuple[float, float], int] = field(default_factory=dict)
    """(lower, higher) -> how often these two values touch; of masks of few values."""

    @property
    def values(self) -> list[float]:
        """In ascending order."""
        return list(self.counts)

    @property
    def soft(self) -> bool:
        """Whether the values between lowest and highest are edges, not areas or lines.

        Either nearly all of them lie between a lower and a higher one, or, as in maps of
        probabilities that have plateaus, many do, and the ground rises gently.
        """
        if not self.inner:
            return False
        between = self.between / self.inner
        return between > _BETWEEN or (
            between > _SOME_BETWEEN and self.gentle > _GENTLE * self.shores
        )


def census_of(mask: MaskValues) -> Census:
    """Of one mask."""
    found = list(mask.counts)
    facts: dict[str, Any] = {}
    if len(found) > 2 and not mask.coloured:
        values, lowest, highest = mask.values, found[0], found[-1]
        inside = (values > lowest) & (values < highest)
        if mask.void is not None:
            inside &= ~mask.void
        low, high = _lowest_around(values), -_lowest_around(-values.astype(np.int64))
        shores, gentle = _shores(values, lowest, lowest + (highest - lowest) / _RISE)
        facts = {
            "inner": int(np.count_nonzero(inside)),
            "between": int(np.count_nonzero(inside & (low < values) & (high > values))),
            "shores": shores,
            "gentle": gentle,
        }
        if len(found) <= _NEIGHBOURS_OF:
            facts["beside"] = _beside(values)
    return Census(
        counts=mask.counts,
        coloured=mask.coloured,
        smeared=mask.smeared,
        shares=mask.shares,
        planes=mask.planes,
        most=len(found),
        pixels=mask.values.size,
        **facts,
    )


def _lowest_around(values: Values) -> Values:
    """The lowest value of each 3 x 3."""
    lowest = values.copy()
    for axis in (0, 1):
        source = lowest.copy()
        first, last = [slice(None)] * 2, [slice(None)] * 2
        first[axis], last[axis] = slice(None, -1), slice(1, None)
        one, other = tuple(first), tuple(last)
        np.minimum(lowest[one], source[other], out=lowest[one])
        np.minimum(lowest[other], source[one], out=lowest[other])
    return lowest


def _shores(values: Values, lowest: float, low: float) -> tuple[int, int]:
    """How often ``lowest`` has a higher neighbour, and how often that is at most ``low``."""
    every = gentle = 0
    for one, other in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        shore = (one == lowest) ^ (other == lowest)
        every += int(np.count_nonzero(shore))
        gentle += int(np.count_nonzero(shore & (one <= low) & (other <= low)))
    return every, gentle


def _beside(values: Values) -> dict[tuple[float, float], int]:
    counted: Counter[tuple[float, float]] = Counter()
    for one, other in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        differ = one != other
        pairs = np.stack([one[differ], other[differ]], axis=-1)
        pairs.sort(axis=-1)
        found, times = np.unique(pairs, axis=0, return_counts=True)
        for (low, high), count in zip(found.tolist(), times.tolist(), strict=True):
            counted[low, high] += count
    return dict(counted)


def merged(parts: Iterable[Census]) -> Census:
    """Of a data set: where one mask is in colours, the greys of the others are colours, too."""
    censuses = list(parts)
    coloured = any(part.coloured for part in censuses)
    counts: Counter[float] = Counter()
    beside: Counter[tuple[float, float]] = Counter()
    for part in censuses:
        factor = 0x010101 if coloured and not part.coloured else 1
        counts.update({value * factor: count for value, count in part.counts.items()})
        beside.update(part.beside)
    return Census(
        counts=dict(sorted(counts.items())),
        coloured=coloured,
        smeared=any(part.smeared for part in censuses),
        shares=any(part.shares for part in censuses),
        planes=max((part.planes for part in censuses), default=1),
        most=max((part.most for part in censuses), default=1),
        inner=sum(part.inner for part in censuses),
        between=sum(part.between for part in censuses),
        shores=sum(part.shores for part in censuses),
        gentle=sum(part.gentle for part in censuses),
        pixels=sum(part.pixels for part in censuses),
        beside=dict(beside),
    )
