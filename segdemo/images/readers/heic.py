"""HEIC and HEIF photos through pillow-heif."""

import io
from importlib import import_module
from typing import Any

from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.raster import require_pixels


def open_heic(content: bytes, *, max_megapixels: float) -> Image.Image:
    """The first image of the file, upright. Its size is checked before a pixel is decoded.

    Raises PictureError, also where pillow-heif is not installed.
    """
    try:
        pillow_heif: Any = import_module("pillow_heif")
    except ImportError as error:
        raise PictureError("picture_heic") from error
    try:
        file = pillow_heif.open_heif(io.BytesIO(content))
        width, height = map(int, file.size)
    except Exception as error:
        raise PictureError("picture_incomplete") from error
    require_pixels(width, height, max_megapixels)
    try:
        picture: Image.Image = file.to_pillow()
    except Exception as error:
        raise PictureError("picture_incomplete") from error
    # What EXIF says of orientation was done already.
    picture.info.pop("exif", None)
    return picture
