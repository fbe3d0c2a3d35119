"""Masks, maps, overlays and cut-outs as images, for files and downloads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from segdemo.images.masks import TruthMask
from segdemo.images.palettes import PANEL_COLOURS, class_colours
from segdemo.inference.maps import LEVELS, quantise, resize_map
from segdemo.inference.prediction import Prediction

Kind = Literal["mask", "probability", "overlay", "cutout"]

DEEP_LEVELS = 1 << 16
"""Steps of a probability in 16 bits."""

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.uint8]

MAX_CLASSES = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class View:
    """A prediction as a person looks at it, at the image's own size (H, W)."""

    prediction: Prediction
    threshold: int = LEVELS // 2
    """The k in 1..255 at which a map is cut."""
    pick: str = "foreground"
    """"all" for the winners among 3 to 256 classes, or a class's number; else the foreground."""
    class_names: tuple[str, ...] = ()
    palette: str = ""
    """In CLASS_PALETTES, for the winners; "" for the one that is usual for such classes."""
    hidden: tuple[int, ...] | None = None
    """The winners that are not painted; None for the background."""
    colour: str = PANEL_COLOURS[0]
    opacity: float = 0.6

    @property
    def classes(self) -> int:
        """How many the network has."""
        return len(self.prediction.probabilities)

    @property
    def by_class(self) -> bool:
        """Whether it shows the winners, to which no threshold applies."""
        return self.pick == "all" and 2 < self.classes <= MAX_CLASSES

    @property
    def class_number(self) -> int | None:
        """The one class that is shown, if it is one of several."""
        known = self.pick.isdecimal() and self.classes > 2 and int(self.pick) < self.classes
        return int(self.pick) if known else None

    @cached_property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """Of the class that is shown, or else of whatever is no background."""
        prediction, number = self.prediction, self.class_number
        if number is None:
            return prediction.foreground_at(prediction.picture_size)
        return resize_map(prediction.probabilities[number], prediction.picture_size)

    @cached_property
    def quantised(self) -> npt.NDArray[np.uint8]:
        """The same as the q that a browser cuts."""
        return quantise(self.probabilities)

    @cached_property
    def labels(self) -> Labels:
        """The class that wins each pixel; only where ``by_class``."""
        prediction = self.prediction
        return prediction.labels_at(prediction.picture_size).astype(np.uint8)

    @cached_property
    def mask(self) -> Mask:
        """The foreground as the screen shows it."""
        mask: Mask = (
            self.labels != self.prediction.background
            if self.by_class
            else self.quantised >= self.threshold
        )
        return mask

    @property
    def _unpainted(self) -> list[int]:
        hidden = (self.prediction.background,) if self.hidden is None else self.hidden
        return [number for number in hidden if number < self.classes]

    @cached_property
    def painted(self) -> Mask:
        """Where a class wins that is painted; only where ``by_class``."""
        return np.isin(self.labels, self._unpainted, invert=True)

    @property
    def painted_probabilities(self) -> npt.NDArray[np.float32]:
        """Of whatever is painted; only where ``by_class``."""
        painted = 1 - self.prediction.probabilities[self._unpainted].sum(axis=0)
        # Their sum may be above one by a hair.
        return resize_map(np.maximum(painted, 0), self.prediction.picture_size)

    @property
    def colours(self) -> tuple[str, ...]:
        """Of each class."""
        return class_colours(self.class_names, self.classes, self.palette)


def draw(kind: Kind, picture: Image.Image, view: View) -> Image.Image:
    """One of the images that people keep, at the RGB image's own size.

    Where the winners of several classes are shown, the mask holds the class numbers, and the
    probability is that of whatever is no background.
    """
    match kind:
        case "mask" if view.by_class:
            return label_picture(view.labels, view.colours)
        case "mask":
            return mask_picture(view.mask)
        case "probability":
            return deep_map_picture(view.probabilities)
        case "overlay" if view.by_class:
            return labels_overlay_picture(
                picture, view.labels, view.colours, view.painted, view.opacity
            )
        case "overlay":
            return overlay_picture(picture, view.mask, view.colour, view.opacity)
        case "cutout" if view.by_class:
            cut = cutout_picture(picture, view.painted_probabilities)
            # The winner decides on which side of one half a pixel is.
            alpha = np.asarray(cut.getchannel("A"))
            sided = np.where(view.painted, np.maximum(alpha, 128), np.minimum(alpha, 127))
            cut.putalpha(Image.fromarray(sided))
            return cut
        case "cutout":
            return cutout_picture(picture, view.probabilities, view.threshold / LEVELS)


def mask_picture(mask: Mask) -> Image.Image:
    """(H, W) -> mode L, the foreground white."""
    return Image.fromarray(mask.view(np.uint8) * np.uint8(255))


def map_picture(probabilities: npt.NDArray[np.float32]) -> Image.Image:
    """(H, W) in [0, 1] -> mode L: grey value ``q`` stands for [q/256, (q + 1)/256)."""
    return Image.fromarray(quantise(probabilities))


def overlay_picture(
    picture: Image.Image, mask: Mask, colour: str = PANEL_COLOURS[0], opacity: float = 0.6
) -> Image.Image:
    """The RGB image with the foreground tinted; ``opacity`` in [0, 1]."""
    tint = Image.new("RGB", picture.size, ImageColor.getrgb(colour))
    tinted = Image.blend(picture, tint, opacity)
    return Image.composite(tinted, picture, mask_picture(mask))


def deep_map_picture(probabilities: npt.NDArray[np.float32]) -> Image.Image:
    """(H, W) in [0, 1] -> 16 bits of grey: ``q`` stands for [q/65536, (q + 1)/65536).

    Then ``q >= 256 * k`` is ``p >= k / 256`` on every pixel, as in a map of 8 bits.
    """
    return Image.fromarray(_deep(probabilities))


def label_picture(labels: Labels, colours: Sequence[str]) -> Image.Image:
    """(H, W) class numbers -> mode P: the numbers as they are, each shown in its colour."""
    picture = Image.fromarray(labels).convert("P")
    picture.putpalette(b"".join(bytes(ImageColor.getrgb(colour)) for colour in colours))
    return picture


def labels_overlay_picture(
    picture: Image.Image,
    labels: Labels,
    colours: Sequence[str],
    painted: Mask,
    opacity: float = 0.6,
) -> Image.Image:
    """The RGB image with each class tinted in its colour where it is ``painted``."""
    tinted = Image.blend(picture, label_picture(labels, colours).convert("RGB"), opacity)
    return Image.composite(tinted, picture, mask_picture(painted))


def cutout_picture(
    picture: Image.Image, probabilities: npt.NDArray[np.float32], threshold: float = 0.5
) -> Image.Image:
    """The RGB image as RGBA with soft edges: alpha follows the probability.

    It rises from 0 at p = 0 over one half at the threshold, in (0, 1), to 255 at p = 1, so that
    it is 128 or more exactly where the mask is. At 0.5 it is the probability itself.
    """
    deep = np.arange(DEEP_LEVELS, dtype=np.int64)
    cut = min(max(round(threshold * DEEP_LEVELS), 1), DEEP_LEVELS - 1)
    below = deep * 128 // cut
    above = 128 + (deep - cut) * 128 // (DEEP_LEVELS - cut)
    # Alpha follows from the 16 bits alone, so it is looked up and not computed for each pixel.
    alpha = np.where(deep < cut, below, above).astype(np.uint8)
    cut_out = picture.convert("RGBA")
    cut_out.putalpha(Image.fromarray(alpha[_deep(probabilities)]))
    return cut_out


def _deep(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    steps = probabilities * np.float32(DEEP_LEVELS)
    np.minimum(steps, DEEP_LEVELS - 1, out=steps)
    levels: npt.NDArray[np.uint16] = steps.astype(np.uint16)  # which drops the fraction
    return levels


def binary_truth(view: View, truth: TruthMask) -> npt.NDArray[np.uint8]:
    """What the truth says of the class that a view shows: 1, 0, and VOID."""
    if view.class_number is not None:
        return truth.of_class(view.class_number)
    return truth.foreground(view.prediction.background if truth.several else 0)
