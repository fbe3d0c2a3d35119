"""An image with the numbers of its file beside it: more bands than colours, more than 8 bits."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Values = npt.NDArray[Any]

MOST_BANDS = 16
"""More are pages or slices of a stack, of which one is shown."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MeasuredImage:
    """What a network is given of a file whose numbers an 8-bit RGB image does not hold."""

    image: Image.Image
    """As it is shown: RGB."""
    bands: Values
    """(H, W, bands): the file's own numbers, upright."""
    nodata: float | None = None
    """The number of pixels without a measurement."""
    plane: int = 0
    """Which of the bands is shown, counted from 1; 0 where several are, as colours."""
    inverted: bool = False
    """Whether the lowest number is white."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.image.size


Given: TypeAlias = Image.Image | MeasuredImage
"""What networks are given: an RGB image, perhaps with its file's numbers."""


def as_shown(given: Given) -> Image.Image:
    """The RGB image that people see."""
    return given.image if isinstance(given, MeasuredImage) else given


def turned_values(values: Values, orientation: int) -> Values:
    """(H, W) or (H, W, bands) turned upright from how EXIF's ``orientation`` stores them."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)
