"""The usual ways to read a checkpoint, tried on one image, so that a person may choose."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from segdemo import inference
from segdemo.inference.maps import quantise
from segdemo.inference.prediction import Prediction
from segdemo.spec import NO_OVERRIDES, Overrides
from segdemo.strings import text
from segdemo.ui.viewer.assumed import settled
from segdemo.ui.viewer.map_files import cache_map
from segdemo.ui.viewer.payload import CachedImage, Trial

if TYPE_CHECKING:
    from segdemo.inference.image_evidence import Nearness
    from segdemo.inference.segmenter import Segmenter

THUMBNAIL_SIDE = 320
"""Long side of the map of a trial, in pixels."""

_ACTIVATIONS = ("sigmoid", "softmax", "none")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One way to read a checkpoint, and what to call it."""

    key: str
    overrides: Overrides
    name: str = ""  # of the network that is assumed, where that is what differs

    @property
    def title(self) -> str:
        """In the current language."""
        return text(f"trial_{self.key}", **({"name": self.name} if self.name else {}))

    def measured(self, nearness: "Nearness | None") -> str:
        """The title with how near the image comes to the training, read so."""
        if nearness is None:
            return self.title
        return text("trial_measured", title=self.title, distance=f"{nearness.distance:.2f}")


def attempts(load: Callable[[Overrides], "Segmenter"], overrides: Overrides) -> list[Attempt]:
    """The usual readings of a checkpoint, that of ``overrides`` and its own among them, each once.

    ``load`` gives the checkpoint read in a way. What differs from ``overrides`` is all that is done
    with the values, or the order of channels, the activation, or the network alone.
    """
    plain, present = load(NO_OVERRIDES), load(Overrides(assume=overrides.assume))
    found = {NO_OVERRIDES: Attempt(key="file", overrides=NO_OVERRIDES)}
    found.setdefault(overrides, Attempt(key="now", overrides=overrides))
    for attempt in _usual(plain, present, overrides):
        if attempt.overrides.assume == overrides.assume:
            attempt = replace(attempt, overrides=settled(present, attempt.overrides))
        known = found.get(attempt.overrides)
        if known is None or (known.key == "now" and attempt.key in inference.USUAL_VALUES):
            found[attempt.overrides] = attempt
    return list(found.values())


def _usual(plain: "Segmenter", present: "Segmenter", overrides: Overrides) -> Iterator[Attempt]:
    config = present.detection.config
    for key, values in inference.USUAL_VALUES.items():
        yield Attempt(key=key, overrides=overrides.with_overrides({"preprocessing": values}))
    # A grey network sees every image in grey.
    for channels in () if config.in_channels == 1 else ("bgr", "grey"):
        yield Attempt(
            key=channels, overrides=overrides.with_override("preprocessing.channels", channels)
        )
    for activation in _ACTIVATIONS:
        if activation != "softmax" or config.classes > 1:
            name = "postprocessing.activation"
            yield Attempt(key=activation, overrides=overrides.with_override(name, activation))
    for other in present.detection.alternatives:
        assume = None if other.id == plain.detection.id else other.id
        yield Attempt(key="assume", overrides=replace(overrides, assume=assume), name=other.id)


def thumbnail(prediction: Prediction) -> CachedImage:
    """The map of the foreground, small."""
    width, height = prediction.picture_size
    factor = min(1.0, THUMBNAIL_SIDE / max(width, height))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cache_map(quantise(prediction.foreground_at(size)))


# No dataclass, like the visitor who holds it.
class Trials:
    """The attempts for what stands in one slot, and the maps of those that were made."""

    def __init__(self, *, slot: int, entry_id: str, attempts: Sequence[Attempt]) -> None:
        """None of them is made yet."""
        self.slot = slot
        self.entry_id = entry_id
        self.attempts = tuple(attempts)
        self.maps: dict[int, CachedImage | None] = {}
        """By number; None for an attempt that failed."""
        self.nearness: dict[int, Nearness] = {}
        """By number, where batch norms tell."""
        self._digest: str | None = None

    def hold(self, digest: str, entry_id: str, overrides: Overrides) -> bool:
        """Whether they are about this checkpoint, read in one of these ways, and this image.

        The first image that is asked about is the one they are made of.
        """
        self._digest = self._digest or digest
        same = (self._digest, self.entry_id) == (digest, entry_id)
        return same and overrides in [attempt.overrides for attempt in self.attempts]

    def reading_of(self, name: str) -> Overrides | None:
        """What the trial of that id is read by; None where there is none."""
        return next(
            (
                attempt.overrides
                for number, attempt in enumerate(self.attempts)
                if name == _id(number) and self.maps.get(number) is not None
            ),
            None,
        )

    def made(self, overrides: Overrides) -> tuple[Trial, ...]:
        """Those that worked so far, the likeliest first where batch norms tell.

        The one read by ``overrides`` is the chosen one.
        """
        return tuple(
            Trial(
                id=_id(number),
                title=attempt.measured(self.nearness.get(number)),
                map=made,
                chosen=attempt.overrides == overrides,
            )
            for number, attempt in sorted(enumerate(self.attempts), key=self._order)
            if (made := self.maps.get(number)) is not None
        )

    def _order(self, numbered: tuple[int, Attempt]) -> tuple[int, float]:
        """Of equals, such as other activations, the first stays first."""
        near = self.nearness.get(numbered[0])
        return near.order if near else (0, math.inf)


def _id(number: int) -> str:
    return f"trial-{number}"


class CurrentTrials:
    """The trials that a visitor asked for last; None where there are none."""

    def __init__(self) -> None:
        self.trials: Trials | None = None
