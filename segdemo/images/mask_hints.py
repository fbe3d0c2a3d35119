"""Doubts about how a mask was read: what a network's answer and its classes say against it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import PictureError
from segdemo.images.labels import VOID
from segdemo.images.mask_census import Census
from segdemo.images.mask_choices import reading_named
from segdemo.images.mask_reading import TURNS
from segdemo.images.masks import TruthMask, alike
from segdemo.images.notices import Notice

Found = npt.NDArray[Any]

_SAMPLE = 120_000
"""Pixels that are compared."""
_SURE = 0.75
"""Dice below which no reading is called better."""
_GAIN = 0.1
_TIMES = 2
"""So many times less has to be wrong."""
_MOST_TURNED = 8
"""Readings that are tried together with turns where none fits by itself."""
_LYING = ("rotated_90", "rotated_270", "transposed", "transversed")
_CITYSCAPES = 19


@dataclass(frozen=True, kw_only=True)
class BetterReading:
    """A reading of a mask that fits a network's answer far better than the one it has."""

    name: str
    """As ``TruthMask.read_as`` takes it."""
    dice: float
    now: float
    """Dice of the mask as it is read."""

    @property
    def notice(self) -> Notice:
        """What a person is told."""
        facts = {"reading": self.name, "better": f"{self.dice:.3f}", "now": f"{self.now:.3f}"}
        return Notice(key="truth_better", facts=facts, reading=self.name)


def better_readings(
    truth: TruthMask, found: Found, *, background: int = 0
) -> tuple[BetterReading, ...]:
    """Readings under which ``truth`` agrees far better with what a network found, the best first.

    ``found`` (H, W) has the mask's size: True where the network sees foreground, or the class of
    each pixel. Classes are compared one by one where both know several, else the foreground;
    ``background`` is the network's number of the ground.
    """
    if truth.source is None or truth.census is None or found.shape != truth.labels.shape:
        return ()
    several = found.dtype != np.bool_
    background = background if several else 0
    step = max(1, int(np.sqrt(found.size / _SAMPLE)))
    shape = -(-found.shape[0] // step), -(-found.shape[1] // step)
    seen = _thinned(found if several else found.astype(np.uint8), shape)
    labels = _thinned(truth.labels, shape)
    now = _fit(labels, seen, several=several and truth.several, background=background)
    if now.mean >= 1 - _GAIN:
        return ()
    single = [name for name in truth.other_readings if not name.startswith("plane=")]
    kept = [name for name in single if name not in TURNS][:_MOST_TURNED]
    for names in (single, [f"{name},{turn}" for name in kept for turn in TURNS]):
        better = []
        for name in names:
            labels_so = _labels_of(truth, name, shape)
            if labels_so is None:
                continue
            classes = several and bool((labels_so[labels_so != VOID] > 1).any())
            if several and truth.several and not classes:
                # It would fit because it says less.
                continue
            fit = _fit(labels_so, seen, several=classes, background=background)
            far = (1 - fit.mean) * _TIMES <= 1 - now.mean
            if far and fit.mean >= max(_SURE, now.mean + _GAIN):
                better.append(BetterReading(name=name, dice=fit.dice, now=now.dice))
        if better:
            return tuple(sorted(better, key=lambda one: (-round(one.dice, 3), one.name in TURNS)))
    return ()


def _thinned(values: Found, shape: tuple[int, int]) -> Found:
    """(H, W) as the nearest of its values."""
    rows, columns = (
        ((np.arange(wanted) + 0.5) * length / wanted).astype(np.int64)
        for wanted, length in zip(shape, values.shape, strict=True)
    )
    thinned: Found = values[np.ix_(rows, columns)]
    return thinned


def _labels_of(truth: TruthMask, name: str, shape: tuple[int, int]) -> Found | None:
    """The labels of that reading, thinned to ``shape``; None where its proportions differ."""
    source, census = truth.source, truth.census
    if source is None or census is None:
        return None
    try:
        reading = reading_named(name, census)
    except PictureError:
        return None
    lying = reading.turn in _LYING
    if not alike(source.size[::-1] if lying else source.size, truth.size):
        return None
    drawn = shape[::-1] if lying else shape
    void = None if source.void is None else _thinned(source.void, drawn)
    return reading.applied(replace(source, values=_thinned(source.values, drawn), void=void))


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """How far two maps agree."""

    mean: float
    """Over all classes, the ground included: by chance the foreground alone may agree."""
    dice: float
    """Of the foreground, or the mean of several classes."""


def _fit(labels: Found, seen: Found, *, several: bool, background: int) -> _Fit:
    """Of the classes that either has, or of foreground and ground; void left out."""
    said = labels != VOID
    labels, seen = labels[said], seen[said]
    if not several:
        one, other = labels != 0, seen != background
        dice = _dice(one, other)
        return _Fit(mean=(dice + _dice(~one, ~other)) / 2, dice=dice)
    classes = np.union1d(np.unique(labels), np.unique(seen))
    mean = float(np.mean([_dice(labels == n, seen == n) for n in classes])) if len(classes) else 0.0
    return _Fit(mean=mean, dice=mean)


def _dice(one: Found, other: Found) -> float:
    both = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    return 2 * int(np.count_nonzero(one & other)) / both if both else 0.0


def class_hints(truth: TruthMask, classes: int) -> tuple[Notice, ...]:
    """What is odd about labels beside a network of so many classes, and what would mend it."""
    if classes <= 2 or not truth.several:
        return ()
    highest = max(truth.numbers)
    if highest < classes:
        return ()
    mending = next(
        (name for name in _mending(classes, highest) if _fits(truth.census, name, classes)), ""
    )
    facts: dict[str, str | float] = {"highest": highest, "classes": classes, "reading": mending}
    key = "truth_beyond" if mending else "truth_beyond_only"
    return (Notice(key=key, facts=facts, reading=mending),)


def _mending(classes: int, highest: int) -> tuple[str, ...]:
    ids = ("cityscapes_ids",) if classes == _CITYSCAPES else ()
    shifted = ("count_from_1",) if highest == classes else ()
    return (*ids, *shifted, f"void={highest}", "foreground")


def _fits(census: Census | None, name: str, classes: int) -> bool:
    if census is None:
        return False
    try:
        reading = reading_named(name, census)
    except PictureError:
        return False
    labels = {reading.label_of(value) for value in census.values} - {VOID}
    return bool(labels) and max(labels) < classes
