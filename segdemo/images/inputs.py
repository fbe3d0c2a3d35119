"""Takes an image as people have it in Python: a path, bytes, an array, or a Pillow image."""

import io
import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.decode import decode, decode_plane
from segdemo.images.measured import MOST_BANDS, Given, MeasuredImage, as_shown
from segdemo.wording import one_line

ImageLike: TypeAlias = (
    Image.Image
    | MeasuredImage
    | npt.NDArray[Any]
    | bytes
    | bytearray
    | memoryview
    | str
    | os.PathLike[str]
)
"""What ``as_given`` takes."""

_COLOURS = (3, 4)


def as_image(source: ImageLike, *, max_megapixels: float) -> Image.Image:
    """The image as it is shown: upright, in sRGB, mode RGB. Raises PictureError."""
    return as_shown(as_given(source, max_megapixels=max_megapixels))


def as_given(source: ImageLike, *, max_megapixels: float) -> Given:
    """The image upright, in sRGB, mode RGB, with its numbers where they are more; see ``decode``.

    Arrays are (H, W), (H, W, 1, 3 or 4) in RGB order, or (H, W, bands): bool, uint8 as it is,
    floats within [0, 1] as shares of white, any other number as in a file of more than 8 bits. An
    RGB Pillow image without metadata is returned itself. Raises PictureError.
    """
    if isinstance(source, MeasuredImage):
        return source
    if isinstance(source, Image.Image):
        if source.mode == "RGB" and not source.info:
            return source
        return decode_plane(source, max_megapixels=max_megapixels).given
    if isinstance(source, bytes | bytearray | memoryview):
        return decode_plane(bytes(source), max_megapixels=max_megapixels).given
    if isinstance(source, str | os.PathLike):
        return decode_plane(Path(source), max_megapixels=max_megapixels).given
    if isinstance(source, np.ndarray):
        return _of_array(source, max_megapixels)
    raise PictureError("picture_type", kind=one_line(type(source).__name__))


def _of_array(values: npt.NDArray[Any], max_megapixels: float) -> Given:
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    shaped = values.ndim == 2 or (values.ndim == 3 and 2 <= values.shape[2] <= MOST_BANDS)
    if not shaped or values.dtype.kind not in "buif" or not values.size:
        shape = " × ".join(map(str, values.shape))
        raise PictureError("picture_numbers", shape=shape or "0", kind=str(values.dtype))
    if values.dtype == np.bool_:
        values = values.view(np.uint8) * np.uint8(255)
    elif values.dtype.kind == "f" and _are_shares(values):
        values = np.rint(np.nan_to_num(values) * 255).astype(np.uint8)
    if values.dtype == np.uint8 and (values.ndim == 2 or values.shape[2] in _COLOURS):
        return decode(Image.fromarray(np.ascontiguousarray(values)), max_megapixels=max_megapixels)
    # Deeper numbers are windowed as those of a file are, by the one reader of files.
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return decode_plane(buffer.getvalue(), max_megapixels=max_megapixels).given


def _are_shares(values: npt.NDArray[Any]) -> bool:
    """Whether floats are shares of white; NaN among them says nothing."""
    numbers = values[~np.isnan(values)]
    return bool(numbers.size) and numbers.min() >= 0 and numbers.max() <= 1
