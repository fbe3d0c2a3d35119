"""Doubts about how a mask was read: what a network's answer and its classes say against it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import PictureError
from segdemo.images.mask_census import Census
from segdemo.images.mask_choices import reading_named
from segdemo.images.mask_reading import TURNS, VOID
from segdemo.images.masks import TruthMask
from segdemo.images.notices import Notice

Found = npt.NDArray[Any]

_SAMPLE = 400_000
"""Pixels that are compared."""
_SURE = 0.75
"""Dice below which no reading is called better."""
_FAR_BETTER = 0.25
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
    seen = found if several else found.astype(np.uint8)
    now = _fit(truth.labels, seen, several=several and truth.several, background=background)
    if now >= 1 - _FAR_BETTER:
        return ()
    better = []
    for name in truth.other_readings:
        labels = _labels_of(truth, name)
        if labels is None:
            continue
        classes = several and bool((labels[labels != VOID] > 1).any())
        if several and truth.several and not classes:
            # It would fit because it says less.
            continue
        dice = _fit(labels, seen, several=classes, background=background)
        if dice >= max(_SURE, now + _FAR_BETTER):
            better.append(BetterReading(name=name, dice=dice, now=now))
    return tuple(sorted(better, key=lambda one: (-round(one.dice, 3), one.name in TURNS)))


def _labels_of(truth: TruthMask, name: str) -> Found | None:
    """The labels of that reading at the size of ``truth``; None where it does not fit."""
    if name.startswith("plane="):
        return None
    try:
        return truth.read_as(name).labels
    except PictureError:
        return None


def _fit(labels: Found, seen: Found, *, several: bool, background: int) -> float:
    """Mean Dice of the classes that either has, or Dice of the foreground; void left out."""
    step = max(1, int(np.sqrt(labels.size / _SAMPLE)))
    labels, seen = labels[::step, ::step], seen[::step, ::step]
    said = labels != VOID
    labels, seen = labels[said], seen[said]
    if not several:
        return _dice(labels != 0, seen != (background if seen.dtype != np.bool_ else 0))
    classes = np.union1d(np.unique(labels), np.unique(seen))
    return float(np.mean([_dice(labels == number, seen == number) for number in classes]))


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
