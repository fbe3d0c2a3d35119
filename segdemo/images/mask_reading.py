"""How the values of a mask become labels: what a reading is, whoever chose it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from segdemo.images.labels import VOID, Labels
from segdemo.images.mask_values import MaskValues
from segdemo.images.notices import Notice

Kind = Literal["labels", "foreground", "instances", "colours", "probabilities"]
TURNS = {
    "rotated_90": Image.Transpose.ROTATE_90,
    "rotated_180": Image.Transpose.ROTATE_180,
    "rotated_270": Image.Transpose.ROTATE_270,
    "transposed": Image.Transpose.TRANSPOSE,
    "transversed": Image.Transpose.TRANSVERSE,
    "flipped_horizontally": Image.Transpose.FLIP_LEFT_RIGHT,
    "flipped_vertically": Image.Transpose.FLIP_TOP_BOTTOM,
}
"""What may be done to the pixels, counted anticlockwise."""


@dataclass(frozen=True, kw_only=True)
class MaskReading:
    """How values become labels."""

    name: str
    kind: Kind
    labels: Mapping[float, int]
    """Value -> label; of values that are not in it see ``otherwise``."""
    cut: float | None = None
    """From this value on a pixel is foreground; None when values are looked up."""
    otherwise: int = VOID
    inverted: bool = False
    """Whether what is foreground by ``cut`` is the ground."""
    turn: str = ""
    notices: tuple[Notice, ...] = ()

    @property
    def void(self) -> tuple[float, ...]:
        """The values that say nothing."""
        return tuple(value for value, label in self.labels.items() if label == VOID)

    @property
    def ground(self) -> tuple[float, ...]:
        """The values of the ground."""
        return tuple(value for value, label in self.labels.items() if label == 0)

    def label_of(self, value: float) -> int:
        """The label that a value stands for."""
        if self.cut is not None and value not in self.labels:
            return int((value >= self.cut) != self.inverted)
        return self.labels.get(value, self.otherwise)

    def applied(self, mask: MaskValues) -> Labels:
        """(H, W): the labels of a mask, 0 for the ground and VOID where nothing is said."""
        values = mask.values
        if self.cut is not None:
            labels: Labels = ((values >= self.cut) != self.inverted).astype(np.uint8)
            for value, label in self.labels.items():
                labels[values == value] = label
        elif values.dtype.kind in "bu" and values.dtype.itemsize <= 2:
            table = np.full(np.iinfo(values.dtype).max + 1, self.otherwise, np.uint8)
            for value, label in self.labels.items():
                if 0 <= value < len(table):
                    table[int(value)] = label
            labels = table[values]
        else:
            keys = np.array(sorted(self.labels))
            given = np.array([self.labels[key] for key in keys.tolist()], np.uint8)
            places = np.minimum(np.searchsorted(keys, values), len(keys) - 1)
            labels = np.where(keys[places] == values, given[places], np.uint8(self.otherwise))
        if mask.void is not None:
            labels = np.where(mask.void, np.uint8(VOID), labels)
        return turned(labels, self.turn)


def turned(labels: Labels, turn: str) -> Labels:
    """(H, W) turned as one of TURNS says; as it is for ""."""
    if not turn:
        return labels
    return np.asarray(Image.fromarray(labels).transpose(TURNS[turn]))


def shown(value: float) -> str:
    """A value for people and in names."""
    return f"{value:.10g}"
