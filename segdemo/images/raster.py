"""An image as its file stores it: numbers of any type, bands, and what they stand for."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import PictureError
from segdemo.images.notices import Notice

Values = npt.NDArray[Any]

_MOST_BANDS = 16
"""A last axis that is longer is no axis of bands."""
SAMPLES_A_PIXEL = 4
"""So many times the limit on pixels may be decoded in one file: bands, alpha, planes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Raster:
    """One image of a file, (H, W) or (H, W, bands), in the file's own number type."""

    values: Values
    colour: bool = False
    """Whether the first three bands are red, green and blue."""
    alpha: Values | None = None
    """(H, W): opacity, only where the file says that it is one."""
    palette: npt.NDArray[np.uint8] | None = None
    """(N, 3): what the values are indices of."""
    nodata: float | None = None
    """The value of pixels without a measurement."""
    window: tuple[float, float] | None = None
    """The lowest and highest number to show, where the file says so."""
    white_is_zero: bool = False
    raw_bits: bool = False
    """Whether the program that wrote the file stores arrays, whatever it says of black."""
    orientation: int = 1
    """As EXIF counts it."""
    planes: int = 1
    """How many pages, channels and slices the file holds."""
    plane: int = 1
    """Which of them this is, counted from 1; 0 for several bands shown as colours."""
    notices: tuple[Notice, ...] = ()


def require_pixels(width: int, height: int, max_megapixels: float, samples: int = 1) -> None:
    """Raise PictureError where an image is larger than the limit, before it is decoded."""
    pixels = width * height
    if pixels > max_megapixels * 1e6:
        # Rounded up, so that an image just above the limit is not said to be at it.
        raise PictureError(
            "picture_too_large",
            megapixels=f"{math.ceil(pixels / 1e5) / 10:g}",
            limit=f"{max_megapixels:g}",
        )
    if pixels * samples > SAMPLES_A_PIXEL * max(max_megapixels, 1) * 1e6:
        raise PictureError(
            "picture_samples",
            megapixels=f"{math.ceil(pixels / 1e5) / 10:g}",
            bands=samples,
            limit=f"{SAMPLES_A_PIXEL * max_megapixels:g}",
        )


def require_plane(plane: int | None, count: int) -> None:
    """Raise PictureError for a page or channel that a file of so many does not hold."""
    if plane is not None and not 1 <= plane <= count:
        raise PictureError("picture_no_plane", number=plane, count=count)


def from_array(array: Values, *, max_megapixels: float, plane: int | None = None) -> Raster:
    """One image of an array whose axes are not named."""
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 4:
        array = array.reshape(-1, *array.shape[2:])
    if array.ndim == 3 and array.shape[0] <= _MOST_BANDS < min(array.shape[1:]):
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 2:
        require_pixels(array.shape[1], array.shape[0], max_megapixels)
        return Raster(values=array)
    if array.shape[-1] <= _MOST_BANDS:
        require_pixels(array.shape[1], array.shape[0], max_megapixels, array.shape[-1])
        return of_bands(array, plane=plane)
    require_pixels(array.shape[2], array.shape[1], max_megapixels)
    number = chosen_plane(len(array), plane, lambda index: array[index])
    notice = Notice(key="picture_page", facts={"number": number, "count": len(array)})
    return Raster(values=array[number - 1], planes=len(array), plane=number, notices=(notice,))


def of_bands(array: Values, *, plane: int | None = None, colour: bool = False) -> Raster:
    """An image of (H, W, bands): one band where one is asked for or two are there.

    Of three and more unnamed bands the first three are shown as red, green and blue.
    """
    count = array.shape[-1]
    if plane is None and (count == 3 or (colour and count > 3)):
        return Raster(values=array, colour=True, planes=count, plane=0)
    if plane is None and count > 3:
        notice = Notice(key="picture_bands", facts={"count": count})
        return Raster(values=array, colour=True, planes=count, plane=0, notices=(notice,))
    number = chosen_plane(count, plane, lambda index: array[..., index])
    notice = Notice(key="picture_channel", facts={"number": number, "count": count})
    return Raster(values=array[..., number - 1], planes=count, plane=number, notices=(notice,))


def chosen_plane(count: int, plane: int | None, read: Any) -> int:
    """The plane asked for, counted from 1; else the first that is not all of one value.

    Raises PictureError for one that the file does not hold.
    """
    require_plane(plane, count)
    if plane is not None:
        return plane
    for index in range(min(count, _MOST_BANDS)):
        values = read(index)
        if values.size and (values != values.flat[0]).any():
            return index + 1
    return 1
