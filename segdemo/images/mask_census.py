"""Counts the values of all masks of a data set and how they lie beside each other."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.images.mask_values import MaskValues

Values = npt.NDArray[Any]

_BETWEEN, _SOME_BETWEEN = 0.5, 0.2
_GENTLE = 0.5
_RISE = 16
"""A step of one part in so many of the whole range is gentle."""
_VOID = 255
SURE_LABELS, SURE_LABEL = 32, 40
"""So few values, none of them higher, are labels whatever their shape."""


@dataclass(frozen=True, kw_only=True)
class Census:
    """Counts over one mask or over all of a data set."""

    counts: dict[float, int]
    """Value -> pixels, in ascending order."""
    coloured: bool = False
    smeared: bool = False
    shares: bool = False
    labelled: bool = False
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
    """(lower, higher) -> how often these two values touch; of 1, 2 and 3, as trimaps have them."""

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
    found, values = list(mask.counts), mask.values
    facts: dict[str, Any] = {}
    certain = mask.coloured or mask.labelled
    if len(found) > 2 and not certain and not _are_labels(found):
        lowest, highest = found[0], found[-1]
        inside = (values > lowest) & (values < highest)
        if mask.void is not None:
            inside &= ~mask.void
        rising = (_around(values, np.minimum) < values) & (_around(values, np.maximum) > values)
        shores, gentle = _shores(values, lowest, lowest + (highest - lowest) / _RISE)
        facts = {
            "inner": int(np.count_nonzero(inside)),
            "between": int(np.count_nonzero(inside & rising)),
            "shores": shores,
            "gentle": gentle,
        }
    if 1 < len(found) <= 3 and set(found) <= {1, 2, 3}:
        facts["beside"] = {pair: _touching(values, *pair) for pair in combinations(found, 2)}
    return Census(
        counts=mask.counts,
        coloured=mask.coloured,
        smeared=mask.smeared,
        shares=mask.shares,
        labelled=mask.labelled,
        planes=mask.planes,
        most=len(found),
        pixels=mask.values.size,
        **facts,
    )


def _are_labels(found: list[float]) -> bool:
    """Whether these values of one mask are labels, however they lie beside each other."""
    labels = found[:-1] if found[-1] == _VOID else found
    return found[0] >= 0 and len(labels) <= SURE_LABELS and labels[-1] <= SURE_LABEL


def _around(values: Values, pick: Any) -> Values:
    """The lowest or highest value of each 3 x 3."""
    picked = values.copy()
    for axis in (0, 1):
        source = picked.copy()
        first, last = [slice(None)] * 2, [slice(None)] * 2
        first[axis], last[axis] = slice(None, -1), slice(1, None)
        one, other = tuple(first), tuple(last)
        pick(picked[one], source[other], out=picked[one])
        pick(picked[other], source[one], out=picked[other])
    return picked


def _shores(values: Values, lowest: float, low: float) -> tuple[int, int]:
    """How often ``lowest`` has a higher neighbour, and how often that is at most ``low``."""
    every = gentle = 0
    for one, other in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        shore = (one == lowest) ^ (other == lowest)
        every += int(np.count_nonzero(shore))
        gentle += int(np.count_nonzero(shore & (one <= low) & (other <= low)))
    return every, gentle


def _touching(values: Values, low: float, high: float) -> int:
    """How often these two values lie beside each other."""
    times = 0
    for one, other in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        for first, second in ((one, other), (other, one)):
            times += int(np.count_nonzero((first == low) & (second == high)))
    return times


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
        labelled=all(part.labelled for part in censuses),
        planes=max((part.planes for part in censuses), default=1),
        most=max((part.most for part in censuses), default=1),
        inner=sum(part.inner for part in censuses),
        between=sum(part.between for part in censuses),
        shores=sum(part.shores for part in censuses),
        gentle=sum(part.gentle for part in censuses),
        pixels=sum(part.pixels for part in censuses),
        beside=dict(beside),
    )
