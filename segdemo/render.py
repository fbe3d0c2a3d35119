"""Masks, maps, overlays and cut-outs as pictures, for files and downloads."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from segdemo.palettes import PANEL_COLOURS
from segdemo.processing import quantise

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


def cutout_picture(picture: Image.Image, mask: Mask) -> Image.Image:
    """The RGB picture as RGBA, transparent outside the foreground."""
    cut = picture.convert("RGBA")
    cut.putalpha(mask_picture(mask))
    return cut
