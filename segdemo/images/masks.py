"""Reads ground-truth masks of every kind into class labels; the one reader for all callers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import Beside, Shared
from segdemo.images.labels import VOID, Labels
from segdemo.images.mask_census import Census, census_of, merged
from segdemo.images.mask_choices import named, other_readings, plane_named, reading_named
from segdemo.images.mask_reading import MaskReading, turned
from segdemo.images.mask_readings import likeliest
from segdemo.images.mask_values import MaskValues, read_mask_values
from segdemo.images.notices import Notice

__all__ = [
    "VOID",
    "DataSetReading",
    "Labels",
    "MaskValue",
    "Notice",
    "TruthMask",
    "alike",
    "decode_truth",
    "read_data_set",
]

_PROPORTIONS = 0.01
"""By how much the proportions of a mask and of its image may differ."""
# EXIF orientation of an image that lies on its side -> what turns it upright.
_STORED_TURNS = {5: "transposed", 6: "rotated_270", 7: "transversed", 8: "rotated_90"}
_ON_ITS_SIDE = "rotated_90", "rotated_270"
_AROUND = 0.95
"""So much of its border is foreground where a mask may be inverted."""
_MOST_TOLD = 32
"""Values of one mask that are told one by one."""


@dataclass(frozen=True, kw_only=True)
class MaskValue:
    """A value of a mask, how often it occurs, and what it stands for."""

    value: str
    """As in the name of a reading: "250", or "#ff0000"."""
    pixels: int
    label: int
    """VOID where it says nothing."""

    @property
    def void(self) -> bool:
        """Whether it says nothing."""
        return self.label == VOID


@dataclass(frozen=True, eq=False, kw_only=True)
class TruthMask:
    """Class numbers (H, W), 0 being the ground and VOID nothing said."""

    labels: Labels
    notices: tuple[Notice, ...] = ()
    reading: MaskReading | None = None
    """How the file's values became labels; None when there is no file."""
    source: MaskValues | None = None
    """What the file holds."""
    census: Census | None = None
    """What its data set holds, by which it was read."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.labels.shape
        return width, height

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The class numbers that occur, VOID left out."""
        counted = Image.fromarray(self.labels).histogram()
        return tuple(label for label, pixels in enumerate(counted) if pixels and label != VOID)

    @property
    def several(self) -> bool:
        """Whether there are classes beyond 0 and 1, here or anywhere in the data set."""
        labels: Iterable[int] = self.numbers
        if self.reading is not None and self.census is not None:
            labels = map(self.reading.label_of, self.census.values)
        return any(1 < label != VOID for label in labels)

    def foreground(self, background: int = 0) -> Labels:
        """(H, W): 0 for the ground, 1 for anything else, VOID as it is.

        ``background`` is the network's number of the ground. A mask of ground and foreground
        alone knows no other class: its ground is 0, whatever number the network gives to it.
        """
        return self._where(self.labels != (background if self.several else 0))

    def of_class(self, number: int, background: int = 0) -> Labels:
        """(H, W): 1 for the network's class ``number``, 0 for any other, VOID as it is.

        A mask of ground and foreground alone tells any class but the ground by its foreground.
        """
        if self.several:
            return self._where(self.labels == number)
        return self._where((self.labels == 0) == (number == background))

    def fitted(
        self, size: tuple[int, int], orientation: int = 1, *, turn_any: bool = False
    ) -> "TruthMask":
        """At an image's ``size`` (width, height), each pixel being the nearest of the file.

        ``orientation`` is what EXIF says of the image's file: a mask that was drawn on its stored
        pixels is turned as the image was. ``turn_any`` turns any mask that lies on its side, for
        people who look at it. Raises PictureError when the proportions differ by more than 1 %.
        """
        if self.size == size:
            return self
        if not alike(self.size, size) and alike(self.size[::-1], size):
            turn = _STORED_TURNS.get(orientation)
            notice = Notice(key="truth_turned", facts={"reading": turn or ""}, reading=turn or "")
            asked = self.reading is not None and bool(self.reading.turn)
            if turn is None and (asked or not turn_any):
                raise PictureError("truth_on_its_side", **_facts(self.size, size))
            if turn is None:
                turn, other = _ON_ITS_SIDE
                sides: dict[str, str | float] = {"reading": turn, "other": other}
                notice = Notice(key="truth_turned_anyhow", facts=sides, reading=other)
            turned_mask = replace(
                self,
                labels=turned(self.labels, turn),
                reading=self.reading and replace(self.reading, turn=turn),
                notices=(*self.notices, notice),
            )
            return turned_mask.fitted(size)
        facts = _facts(self.size, size)
        if not alike(self.size, size):
            raise PictureError("truth_size", **facts)
        notice = Notice(key="truth_resized", facts=facts)
        return replace(self.at(size), notices=(*self.notices, notice))

    def at(self, size: tuple[int, int]) -> "TruthMask":
        """At any ``size`` (width, height), each pixel being the nearest of this mask."""
        if self.size == size:
            return self
        resized = Image.fromarray(self.labels).resize(size, Image.Resampling.NEAREST)
        return replace(self, labels=np.asarray(resized))

    @cached_property
    def values(self) -> tuple[MaskValue, ...]:
        """The values of the file, the most frequent first, at most 32 of them."""
        if self.source is None or self.census is None or self.reading is None:
            return ()
        factor = 0x010101 if self.census.coloured and not self.source.coloured else 1
        counted = sorted(self.source.counts.items(), key=lambda entry: -entry[1])
        return tuple(
            MaskValue(
                value=named(value * factor, self.census),
                pixels=pixels,
                label=self.reading.label_of(value * factor),
            )
            for value, pixels in counted[:_MOST_TOLD]
        )

    @cached_property
    def other_readings(self) -> tuple[str, ...]:
        """The names of other ways to read the file; see ``mask_choices``."""
        if self.source is None or self.census is None or self.reading is None:
            return ()
        planes = range(1, self.source.planes + 1)
        return (
            *other_readings(self.census, self.reading),
            *(f"plane={plane}" for plane in planes if plane != self.source.plane),
        )

    def read_as(self, name: str) -> "TruthMask":
        """The same mask read in another way, at this size. Raises PictureError.

        Only what is read already can be read anew: another page of the file cannot.
        """
        if self.source is None or self.census is None:
            return self
        reading = reading_named(name, self.census)
        read = _read(self.source, reading, self.census)
        if not alike(read.size, self.size):
            raise PictureError("truth_size", **_facts(read.size, self.size))
        return read.at(self.size)

    def _where(self, foreground: npt.NDArray[np.bool_]) -> Labels:
        return np.where(self.labels == VOID, np.uint8(VOID), foreground.astype(np.uint8))


def _surrounds(labels: Labels) -> bool:
    """Whether foreground lies around the ground, as in a mask that was inverted."""
    if not (labels == 0).any() or ((labels > 1) & (labels != VOID)).any():
        return False
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    said = border[border != VOID]
    return bool(said.size) and float((said == 1).mean()) >= _AROUND


def alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes have the same proportions, within 1 %."""
    stretch = one[0] * other[1] / (one[1] * other[0])
    return 1 - _PROPORTIONS <= stretch <= 1 + _PROPORTIONS


def _facts(own: tuple[int, int], wanted: tuple[int, int]) -> dict[str, int]:
    return {
        "width": own[0],
        "height": own[1],
        "picture_width": wanted[0],
        "picture_height": wanted[1],
    }


def _read(mask: MaskValues, reading: MaskReading, census: Census) -> TruthMask:
    source = mask.as_colours() if census.coloured else mask
    labels = reading.applied(source)
    notices = (*mask.notices, *reading.notices)
    if not ((labels != 0) & (labels != VOID)).any():
        notices = (*notices, Notice(key="truth_empty"))
    elif reading.name != "inverse" and _surrounds(labels):
        notices = (*notices, Notice(key="truth_inverse", reading="inverse"))
    return TruthMask(labels=labels, notices=notices, reading=reading, source=source, census=census)


@dataclass(frozen=True, eq=False, kw_only=True)
class DataSetReading:
    """How all masks of a data set are read: what any of them holds decides for all."""

    reading: MaskReading
    census: Census
    shared: Shared = field(default_factory=Shared)
    """What its annotation files have in common."""

    def read(
        self, content: bytes, *, max_megapixels: float, beside: Beside | None = None
    ) -> TruthMask:
        """One mask of the data set; ``beside``: see ``decode_truth``. Raises PictureError."""
        plane = plane_named(self.reading.name)
        beside = replace(beside or Beside(), shared=self.shared)
        mask = _values(content, max_megapixels, plane, beside)
        return _read(mask, self.reading, self.census)


def read_data_set(
    masks: Iterable[Callable[[], bytes]],
    *,
    max_megapixels: float,
    reading: str | None = None,
    names: Sequence[str] = (),
    failed: Callable[[int, PictureError], None] = lambda number, error: None,
) -> DataSetReading:
    """The one reading of the masks of a folder or batch; one at a time is in memory.

    ``reading`` names it, by default it is the likeliest; ``names`` are those of the images'
    files, by which annotations of many images are searched. A mask that cannot be read is left out,
    and ``failed`` hears its number: it says so itself when its turn comes. Raises PictureError
    when none can be read, when they look like no masks, and for a name that is none.
    """
    plane = plane_named(reading) if reading else None
    parts: list[Census] = []
    shared = Shared()
    failure: PictureError | None = None
    for number, content in enumerate(masks):
        try:
            beside = Beside(name=names[number] if names else "", shared=shared, survey=True)
            mask = read_mask_values(
                content(), max_megapixels=max_megapixels, plane=plane, beside=beside
            )
        except PictureError as error:
            failure = failure or error
            failed(number, error)
            continue
        parts.append(census_of(mask))
    if not parts:
        raise failure or PictureError("picture_empty")
    census = merged(parts)
    chosen = reading_named(reading, census) if reading else likeliest(census)
    return DataSetReading(reading=chosen, census=census, shared=shared)


def _values(content: bytes, max_megapixels: float, plane: int | None, beside: Beside) -> MaskValues:
    mask = read_mask_values(content, max_megapixels=max_megapixels, plane=plane, beside=beside)
    wanted, planes = beside.plane, beside.planes
    if plane is None and wanted and mask.planes == planes and mask.plane != wanted:
        return read_mask_values(content, max_megapixels=max_megapixels, plane=wanted)
    return mask


def decode_truth(
    content: bytes,
    *,
    max_megapixels: float,
    reading: str | None = None,
    beside: Beside | None = None,
) -> TruthMask:
    """The labels in a mask's file, whatever wrote it.

    Read are black and white in any mode and number type, labels in greys or as indices of a
    palette with a value for nothing said, classes spread over all greys, numbers of objects, the
    colours of VOC, Cityscapes and ADE20K, cut-outs by their transparency, probabilities, and soft
    or smeared edges, which are cut in the middle; and annotations, see ``annotations.reading``.
    Whatever had to be decided is a notice. ``reading`` names another way, see ``mask_choices``.
    ``beside`` is its image: of a mask with as many planes the same is read, annotations are drawn
    in its size. Raises PictureError when the file cannot be read or is no mask.
    """
    plane = plane_named(reading) if reading else None
    mask = _values(content, max_megapixels, plane, beside or Beside())
    census = census_of(mask)
    chosen = reading_named(reading, census) if reading else likeliest(census)
    return _read(mask, chosen, census)
