"""What a person says is right: mask files of every kind to class numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from segdemo.errors import PictureError
from segdemo.images.decode import opened, upright
from segdemo.images.palettes import CLASS_PALETTES
from segdemo.strings import text

VOID = 255
"""The label of a pixel of which nothing is said."""

Labels = npt.NDArray[np.uint8]
_Values = npt.NDArray[np.integer[Any]]

_HALF = 128
"""From this grey on a pixel of an 8-bit mask is foreground."""
_MOST_LABEL = 181
"""The highest class number in use (COCO-Stuff); greys above are shades."""
_MOST_COLOURS = 64
"""More are those of a photograph."""
TINT = 16
"""How far JPEG moves the channels of a grey pixel apart."""
_FLAT_SHARE = 0.25
"""Of the pixels of labels at least so many begin a square of 2 x 2 of one value."""
_SOFT_SHARE = 0.5
"""Edges take less of a mask than this."""
_PROPORTIONS = 0.01
"""By how much the proportions of a mask and of its picture may differ."""

SMEARING = ("JPEG", "WEBP", "AVIF")
"""Formats that smear the edge between two values into all those in between."""
_BLACK = 0

# The tables that colours are looked up in, in this order, and their colours for VOID.
_TABLES = (
    (CLASS_PALETTES["voc"][:21], ("#e0e0c0",)),
    (
        CLASS_PALETTES["cityscapes"],
        # What Cityscapes annotates beyond the classes that networks are trained on.
        (
            *("#000000", "#6f4a00", "#510051", "#faaaa0", "#e6968c", "#b4a5b4", "#966464"),
            *("#96785a", "#00005a", "#00006e"),
        ),
    ),
    (CLASS_PALETTES["ade20k_background"], ()),
    (CLASS_PALETTES["safe"], ()),
)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that was done to a mask, which the person should know."""

    key: str
    facts: Mapping[str, str | float] = field(default_factory=dict)

    def message(self) -> str:
        """The sentence in the current language."""
        return text(self.key, **self.facts)


@dataclass(frozen=True, eq=False, kw_only=True)
class TruthMask:
    """Class numbers (H, W), 0 being the ground and VOID nothing said."""

    labels: Labels
    notices: tuple[Notice, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.labels.shape
        return width, height

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The class numbers that occur, VOID left out."""
        return tuple(label for label in np.unique(self.labels).tolist() if label != VOID)

    @property
    def several(self) -> bool:
        """Whether there are classes beyond 0 and 1."""
        return any(label > 1 for label in self.numbers)

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

    def fitted(self, size: tuple[int, int]) -> "TruthMask":
        """At a picture's ``size`` (width, height), each pixel being the nearest of the file.

        Raises PictureError when the proportions differ by more than 1 %.
        """
        if self.size == size:
            return self
        (width, height), (wanted_width, wanted_height) = self.size, size
        stretch = width * wanted_height / (height * wanted_width)
        facts = {
            "width": width,
            "height": height,
            "picture_width": wanted_width,
            "picture_height": wanted_height,
        }
        if not 1 - _PROPORTIONS <= stretch <= 1 + _PROPORTIONS:
            raise PictureError("truth_size", **facts)
        notice = Notice(key="truth_resized", facts=facts)
        return replace(self.at(size), notices=(*self.notices, notice))

    def at(self, size: tuple[int, int]) -> "TruthMask":
        """At any ``size`` (width, height), each pixel being the nearest of this mask."""
        if self.size == size:
            return self
        resized = Image.fromarray(self.labels).resize(size, Image.Resampling.NEAREST)
        return replace(self, labels=np.asarray(resized))

    def _where(self, foreground: npt.NDArray[np.bool_]) -> Labels:
        return np.where(self.labels == VOID, np.uint8(VOID), foreground.astype(np.uint8))


def decode_truth(content: bytes, *, max_megapixels: float) -> TruthMask:
    """The labels in a mask's file, whatever wrote it.

    Read are black and white in any mode, 0 and 1, small labels in greys or as indices of a
    palette with 255 for nothing said, the colours of VOC, Cityscapes and ADE20K, cut-outs by
    their transparency, and soft or smeared edges, which are cut in the middle. Whatever had to be
    decided is a notice. Raises PictureError when the file cannot be read or is no mask.
    """
    picture = opened(content, max_megapixels=max_megapixels)
    smeared = picture.format in SMEARING
    indexed = picture.format != "GIF"
    mask = _read(upright(picture), smeared=smeared, indexed=indexed)
    if not any(mask.numbers):
        return replace(mask, notices=(*mask.notices, Notice(key="truth_empty")))
    return mask


def _read(picture: Image.Image, *, smeared: bool, indexed: bool) -> TruthMask:
    if picture.mode == "P":
        greys = greys_of_palette(picture)
        if greys is not None:
            return _from_greys(greys, smeared=False)
        # A GIF's palette has the colours in any order: there the colours are the labels.
        if indexed and np.count_nonzero(picture.histogram()) <= _MOST_COLOURS:
            return TruthMask(labels=np.asarray(picture))
    if picture.has_transparency_data:
        alpha = np.asarray(picture.convert("RGBA").getchannel("A"))
        if alpha.min() < alpha.max():
            soft = bool(((alpha > 0) & (alpha < VOID)).any())
            return _cut(alpha, VOID, soft=soft)
    if picture.mode == "1":
        return TruthMask(labels=np.asarray(picture).astype(np.uint8))
    if picture.mode == "F":
        return _from_floats(np.asarray(picture))
    if picture.mode in ("L", "I") or picture.mode.startswith("I;16"):
        return _from_greys(np.asarray(picture), smeared=smeared)
    picture = picture.convert("RGB")
    if tint(picture) <= (TINT if smeared else 0):
        return _from_greys(np.asarray(picture.getchannel("G")), smeared=smeared)
    if smeared:
        raise PictureError("truth_smeared")
    return _from_colours(picture)


def greys_of_palette(picture: Image.Image) -> Labels | None:
    """(H, W): the greys of a picture of mode P; None when its palette has colours.

    A grey palette is a way to store greys, in whatever order it lists them.
    """
    palette = np.asarray(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
    used = np.flatnonzero(picture.histogram())
    colours = palette[used[used < len(palette)]]
    if len(colours) < 2 or (colours != colours[:, :1]).any():
        return None
    greys: Labels = palette[:, 0][np.minimum(np.asarray(picture), len(palette) - 1)]
    return greys


def tint(picture: Image.Image) -> int:
    """How far the channels of an RGB picture's pixels are apart at the most; 0 when it is grey."""
    red, green, blue = picture.split()
    pairs = ((red, green), (green, blue), (blue, red))
    return max(int(np.asarray(ImageChops.difference(*pair)).max()) for pair in pairs)


# --- Greys ------------------------------------------------------------------------------------


def _from_greys(values: _Values, *, smeared: bool) -> TruthMask:
    found = np.unique(values)
    lowest, highest = int(found[0]), int(found[-1])
    if lowest < 0:
        raise PictureError("truth_values", value=str(lowest))
    # What stands for white, or for nothing said.
    top = VOID if highest <= VOID else max(highest, 2**16 - 1)
    if smeared:
        if highest < _HALF:
            raise PictureError("truth_smeared")
        return _cut(values, top, soft=True)
    if len(found) <= 2 and lowest in (0, highest) and (highest >= _HALF or highest == 0):
        return TruthMask(labels=(values >= max(1, highest)).astype(np.uint8))
    inner = found[(found > 0) & (found < top)]
    between = (values > 0) & (values < top)
    if not _lies_flat(values, between):
        if between.mean() > _SOFT_SHARE:
            raise PictureError("truth_photograph")
        return _cut(values, top, soft=True)
    if _evenly_spaced(found, top):
        told = ", ".join(str(value) for value in found.tolist())
        notice = Notice(key="truth_greys", facts={"greys": told, "highest": len(found) - 1})
        labels = np.searchsorted(found, values).astype(np.uint8)
        return TruthMask(labels=labels, notices=(notice,))
    if inner[-1] <= _MOST_LABEL:
        return TruthMask(labels=np.minimum(values, VOID).astype(np.uint8))
    if highest > VOID:
        # Numbers of single objects, such as cells.
        notice = Notice(key="truth_objects", facts={"highest": highest})
        return TruthMask(labels=(values > 0).astype(np.uint8), notices=(notice,))
    return _cut(values, top, soft=True)


def _lies_flat(values: _Values, chosen: npt.NDArray[np.bool_]) -> bool:
    """Whether the chosen pixels form areas, as labels do, and no edges, as shades do."""
    corner = values[:-1, :-1]
    flat = (corner == values[1:, :-1]) & (corner == values[:-1, 1:]) & (corner == values[1:, 1:])
    return int((flat & chosen[:-1, :-1]).sum()) >= _FLAT_SHARE * int(chosen.sum())


def _evenly_spaced(found: _Values, top: int) -> bool:
    """Whether these are classes spread over all greys, so that people see them."""
    steps = len(found) - 1
    if top > VOID or found[0] != 0 or found[-1] < top - 1 or not 2 <= steps <= 8:
        return False
    expected = np.arange(steps + 1) * found[-1] / steps
    return bool(np.abs(found - expected).max() <= 1.5)


def _cut(values: _Values, top: int, *, soft: bool) -> TruthMask:
    half = (top + 1) // 2
    notices = (Notice(key="truth_cut", facts={"half": half, "top": top}),) if soft else ()
    return TruthMask(labels=(values >= half).astype(np.uint8), notices=notices)


def _from_floats(values: npt.NDArray[np.float32]) -> TruthMask:
    if not np.isfinite(values).all():
        raise PictureError("truth_values", value="NaN")
    whole = np.rint(values)
    if (whole == values).all():
        return _from_greys(whole.astype(np.int64), smeared=False)
    # Shares of the foreground.
    return _from_greys(np.rint(np.clip(values, 0, 1) * VOID).astype(np.uint8), smeared=False)


# --- Colours ----------------------------------------------------------------------------------


def _from_colours(picture: Image.Image) -> TruthMask:
    # Pillow does not say that pixels of three channels are counted as triples.
    counted: Any = picture.getcolors(_MOST_COLOURS)
    if counted is None:
        raise PictureError("truth_photograph")
    red, green, blue = (np.asarray(channel).astype(np.int32) for channel in picture.split())
    codes = (red << 16) + (green << 8) + blue
    found = sorted((r << 16) + (g << 8) + b for _, (r, g, b) in counted)
    # One colour on black is foreground: of the tables with hundreds of colours one has any.
    alone = len(found) == 2 and found[0] == _BLACK
    for known in islice(_tables(), 1 if alone else None):
        if all(code in known for code in found):
            labels = np.zeros(codes.shape, np.uint8)
            for code in found:
                labels[codes == code] = known[code]
            return TruthMask(labels=labels)
    if found[0] != _BLACK:
        raise PictureError("truth_colours", count=len(found))
    notices = () if alone else (Notice(key="truth_coloured"),)
    return TruthMask(labels=(codes != _BLACK).astype(np.uint8), notices=notices)


def _tables() -> Iterator[dict[int, int]]:
    """Each table as colour -> label; of equal colours the first class has it."""
    for colours, void in _TABLES:
        known = dict.fromkeys((int(colour[1:], 16) for colour in void), VOID)
        for number, colour in reversed(list(enumerate(colours))):
            known[int(colour[1:], 16)] = number
        yield known
