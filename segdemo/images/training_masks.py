"""Annotated masks of every kind to labels, or to one sentence that says why not."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.errors import TrainingError
from segdemo.images.masks import SMEARING, TINT, VOID, greys_of_palette, tint
from segdemo.wording import printable

# What annotation tools write; of every other kind, decode reads pictures, not masks.
_FORMATS = ("PNG", "GIF", "BMP", "TIFF", "JPEG", "WEBP")
_MOST_CLASSES = 64
# So many different greys are no labels but soft edges.
_SOFT = 17
_SHOWN_VALUES = 8

Values = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class RawMask:
    """The numbers that a mask's file holds."""

    values: Values
    """(H, W): palette indices, labels or greys."""
    smeared: bool
    """Whether the format changes values near an edge."""


def read_mask(path: Path, *, max_megapixels: float) -> RawMask:
    """The numbers in a mask: of a palette of colours its indices, of anything else the greys.

    Raises TrainingError when it cannot be read, is too large, or is in colour.
    """
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of sizes that are checked here anyway.
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=_FORMATS) as picture:
                if picture.width * picture.height > max_megapixels * 1e6:
                    raise TrainingError(
                        "finetune_mask_large",
                        name=printable(path.name),
                        limit=f"{max_megapixels:g}",
                    )
                picture.load()
                smeared = picture.format in SMEARING
                values = _values(picture)
        except TrainingError:
            raise
        except Exception as error:  # Pillow answers with whatever its parser stumbled over
            raise TrainingError("finetune_mask_unreadable", name=printable(path.name)) from error
    if values is None:
        raise TrainingError("finetune_mask_colour", name=printable(path.name))
    return RawMask(values=values, smeared=smeared)


def _values(picture: Image.Image) -> Values | None:
    """(H, W), or None for colours."""
    if picture.mode == "P":
        greys = greys_of_palette(picture)
        return np.asarray(picture) if greys is None else greys
    if picture.mode in ("L", "1", "I", "F") or picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.int64)
    if picture.mode == "LA":
        return np.asarray(picture.getchannel("L"))
    picture = picture.convert("RGB")
    return None if tint(picture) > TINT else np.asarray(picture.getchannel("G"))


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """How the values of all masks of a data set are labels."""

    classes: int
    """How many labels there are, that of the ground included."""
    threshold: float | None = None
    """From which value on a pixel is of the thing; None when values are labels."""

    @classmethod
    def of(cls, masks: Iterable[RawMask]) -> "Labelling":
        """What the masks of a data set, taken together, can only mean.

        Two values are ground and thing. Small whole numbers are labels, 255 beside them says
        nothing. Raises TrainingError when all pixels are alike, or no such reading is possible.
        """
        found: set[float] = set()
        smeared = False
        for mask in masks:
            found.update(np.unique(mask.values).tolist())
            smeared |= mask.smeared
        values = sorted(found)
        if len(values) == 1:
            raise TrainingError("finetune_masks_empty", value=f"{values[0]:g}")
        if len(values) == 2:
            return cls(classes=2, threshold=(values[0] + values[1]) / 2)
        if smeared or (len(values) >= _SOFT and values[-1] == 255):
            return cls(classes=2, threshold=128.0)
        labels = [value for value in values if value != VOID]
        if labels[0] < 0 or labels[-1] >= _MOST_CLASSES or any(v != int(v) for v in labels):
            told = ", ".join(f"{value:g}" for value in values[:_SHOWN_VALUES])
            raise TrainingError(
                "finetune_mask_values", values=told, count=len(values), limit=_MOST_CLASSES - 1
            )
        return cls(classes=int(labels[-1]) + 1)

    def labels(self, mask: RawMask) -> npt.NDArray[np.uint8]:
        """(H, W): 0 for the ground, VOID where the mask says nothing."""
        values = mask.values if self.threshold is None else mask.values >= self.threshold
        return values.astype(np.uint8)
