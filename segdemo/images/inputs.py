"""Takes an image as people have it in Python: a path, bytes, an array, or a Pillow image."""

import io
import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.decode import decode
from segdemo.wording import one_line

ImageLike: TypeAlias = (
    Image.Image | npt.NDArray[Any] | bytes | bytearray | memoryview | str | os.PathLike[str]
)
"""What ``as_image`` takes."""

_CHANNELS = (1, 3, 4)


def as_image(source: ImageLike, *, max_megapixels: float) -> Image.Image:
    """The image upright, in sRGB, mode RGB; see ``decode.decode``.

    Arrays are (H, W) or (H, W, 1, 3 or 4) in RGB order: bool, uint8 as it is, floats within [0, 1]
    as shares of white, any other number as in a file of more than 8 bits. An RGB Pillow image
    without metadata is returned itself. Raises PictureError.
    """
    if isinstance(source, Image.Image):
        if source.mode == "RGB" and not source.info:
            return source
        return decode(source, max_megapixels=max_megapixels)
    if isinstance(source, bytes | bytearray | memoryview):
        return decode(bytes(source), max_megapixels=max_megapixels)
    if isinstance(source, str | os.PathLike):
        return decode(Path(source), max_megapixels=max_megapixels)
    if isinstance(source, np.ndarray):
        return _of_array(source, max_megapixels)
    raise PictureError("picture_type", kind=one_line(type(source).__name__))


def _of_array(values: npt.NDArray[Any], max_megapixels: float) -> Image.Image:
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    shaped = values.ndim == 2 or (values.ndim == 3 and values.shape[2] in _CHANNELS)
    if not shaped or values.dtype.kind not in "buif" or not values.size:
        shape = " × ".join(map(str, values.shape))
        raise PictureError("picture_numbers", shape=shape or "0", kind=str(values.dtype))
    if values.dtype == np.bool_:
        values = values.view(np.uint8) * np.uint8(255)
    elif values.dtype.kind == "f" and _are_shares(values):
        values = np.rint(np.nan_to_num(values) * 255).astype(np.uint8)
    if values.dtype == np.uint8:
        return decode(Image.fromarray(np.ascontiguousarray(values)), max_megapixels=max_megapixels)
    # Deeper numbers are windowed as those of a file are, by the one reader of files.
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return decode(buffer.getvalue(), max_megapixels=max_megapixels)


def _are_shares(values: npt.NDArray[Any]) -> bool:
    """Whether floats are shares of white; NaN among them says nothing."""
    numbers = values[~np.isnan(values)]
    return bool(numbers.size) and numbers.min() >= 0 and numbers.max() <= 1
