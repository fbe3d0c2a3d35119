"""The colours in which the page shows the labels of a mask."""

import numpy as np
from PIL import Image

from segdemo.images.masks import VOID, Labels
from segdemo.images.palettes import CLASS_PALETTES

_VOID_COLOUR = (136, 136, 136)


def _table() -> Labels:
    table = np.zeros((256, 3), np.uint8)
    colours = CLASS_PALETTES["safe"]
    for label in range(1, 256):
        hexadecimal = colours[label % len(colours)].removeprefix("#")
        table[label] = tuple(bytes.fromhex(hexadecimal))
    table[1] = 255
    table[VOID] = _VOID_COLOUR
    return table


_COLOURS = _table()


def coloured(labels: Labels) -> Image.Image:
    """The labels (H, W) in colours that everybody can tell apart; the ground is black."""
    return Image.fromarray(_COLOURS[labels])


def colour_of(label: int) -> str:
    """The same of one label: "#rrggbb"."""
    return f"#{_COLOURS[label].tobytes().hex()}"
