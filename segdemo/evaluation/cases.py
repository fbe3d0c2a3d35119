"""Shows where a network is wrong on an image: found and right, found and wrong, missed."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor

from segdemo.images.masks import VOID, TruthMask
from segdemo.images.palettes import TRUTH_COLOURS
from segdemo.inference.maps import LEVELS, winners
from segdemo.inference.prediction import Prediction

SIDE = 512
"""Of a case's picture, in pixels."""
_OPACITY = 0.6


@dataclass(frozen=True, eq=False)
class Case:
    """An image, its truth, and what a network says of it."""

    picture: Image.Image
    prediction: Prediction
    truth: TruthMask
    level: int


def case_picture(case: Case) -> bytes:
    """A JPEG of at most SIDE pixels a side: hits, what is wrong and what was missed in colours.

    Where classes compete, a pixel of a wrong class is wrong, unless its network says background.
    """
    shown = case.picture.copy()
    shown.thumbnail((SIDE, SIDE))
    prediction, size = case.prediction, shown.size
    labels = case.truth.at(size).labels
    if case.truth.several and 2 < len(prediction.probabilities) < VOID:
        found = winners(prediction.classes_at(size), len(prediction.probabilities))
        truth, ground = labels, prediction.background
    else:
        found = (prediction.foreground_at(size) >= case.level / LEVELS).view(np.uint8)
        truth, ground = case.truth.at(size).foreground(prediction.background), 0
    said = truth != VOID
    places = {
        "hit": (found == truth) & (truth != ground) & said,
        "wrong": (found != truth) & (found != ground) & said,
        "missed": (found == ground) & (truth != ground) & said,
        "unsaid": ~said,
    }
    pixels = np.asarray(shown).astype(np.float32)
    for name, where in places.items():
        colour = np.array(ImageColor.getrgb(TRUTH_COLOURS[name]), np.float32)
        pixels[where] = (1 - _OPACITY) * pixels[where] + _OPACITY * colour
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()
