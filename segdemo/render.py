"""Masks, maps, overlays and cut-outs as pictures, for files and downloads."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from segdemo.palettes import PANEL_COLOURS
from segdemo.processing import quantise

DEEP_LEVELS = 1 << 16
"""Steps of a probability in 16 bits."""

Mask = npt.NDArray[np.bool_]


def mask_picture(mask: Mask) -> Image.Image:
    """(H, W) -> mode L, the foreground white."""
    return Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))


def map_picture(probabilities: npt.NDArray[np.float32]) -> Image.Image:
    """(H, W) in [0, 1] -> mode L: grey value ``q`` stands for [q/256, (q + 1)/256)."""
    return Image.fromarray(quantise(probabilities))


def overlay_picture(
    picture: Image.Image, mask: Mask, colour: str = PANEL_COLOURS[0], opacity: float = 0.6
) -> Image.Image:
    """The RGB picture with the foreground tinted; ``opacity`` in [0, 1]."""
    tint = Image.new("RGB", picture.size, ImageColor.getrgb(colour))
    tinted = Image.blend(picture, tint, opacity)
    return Image.composite(tinted, picture, mask_picture(mask))


def deep_map_picture(probabilities: npt.NDArray[np.float32]) -> Image.Image:
    """(H, W) in [0, 1] -> 16 bits of grey: ``q`` stands for [q/65536, (q + 1)/65536).

    Then ``q >= 256 * k`` is ``p >= k / 256`` on every pixel, as in a map of 8 bits.
    """
    return Image.fromarray(_deep(probabilities))


def label_picture(labels: npt.NDArray[np.uint8], colours: Sequence[str]) -> Image.Image:
    """(H, W) class numbers -> mode P: the numbers as they are, each shown in its colour."""
    picture = Image.fromarray(labels).convert("P")
    picture.putpalette(b"".join(bytes(ImageColor.getrgb(colour)) for colour in colours))
    return picture


def labels_overlay_picture(
    picture: Image.Image,
    labels: npt.NDArray[np.uint8],
    colours: Sequence[str],
    background: int | None = 0,
    opacity: float = 0.6,
) -> Image.Image:
    """The RGB picture with each class tinted in its colour, all but the background."""
    tinted = Image.blend(picture, label_picture(labels, colours).convert("RGB"), opacity)
    if background is None:
        return tinted
    return Image.composite(tinted, picture, mask_picture(labels != background))


def cutout_picture(
    picture: Image.Image, probabilities: npt.NDArray[np.float32], threshold: float = 0.5
) -> Image.Image:
    """The RGB picture as RGBA with soft edges: alpha follows the probability.

    It rises from 0 at p = 0 over one half at the threshold, in (0, 1), to 255 at p = 1, so that
    it is 128 or more exactly where the mask is. At 0.5 it is the probability itself.
    """
    deep = _deep(probabilities).astype(np.int64)
    cut = min(max(round(threshold * DEEP_LEVELS), 1), DEEP_LEVELS - 1)
    below = deep * 128 // cut
    above = 128 + (deep - cut) * 128 // (DEEP_LEVELS - cut)
    cut_out = picture.convert("RGBA")
    cut_out.putalpha(Image.fromarray(np.where(deep < cut, below, above).astype(np.uint8)))
    return cut_out


def _deep(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    levels: npt.NDArray[np.uint16] = np.minimum(
        DEEP_LEVELS - 1, np.floor(probabilities * DEEP_LEVELS)
    ).astype(np.uint16)
    return levels
