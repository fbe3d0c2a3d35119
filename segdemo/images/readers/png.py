"""A PNG of several channels with 16 bits each, of which Pillow keeps the upper 8."""

import io
import struct
import zlib
from typing import BinaryIO

import numpy as np
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.raster import Raster, Values, require_pixels

_HEADER = 33
"""Bytes of the signature and of the first chunk, IHDR."""
_GREY_ALPHA, _RGB, _RGBA = 4, 2, 6
# What Pillow reads the upper bytes by, and what picks the lower bytes instead.
_LOWER_HALVES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}


def read_deep_png(stream: BinaryIO, *, max_megapixels: float) -> Raster | None:
    """The numbers of a PNG in uint16, with opacity where there is any; None for any other PNG.

    Raises PictureError when it is too large or damaged.
    """
    header = stream.read(_HEADER)
    if len(header) < _HEADER or header[12:16] != b"IHDR":
        return None
    width, height, bits, kind = struct.unpack(">IIBB", header[16:26])
    if bits != 16 or kind not in (_GREY_ALPHA, _RGB, _RGBA):
        return None
    require_pixels(width, height, max_megapixels)
    try:
        if kind == _GREY_ALPHA:
            return _grey_and_alpha(header, stream.read())
        values = _colours(stream)
    except PictureError:
        raise
    except Exception as error:
        raise PictureError("picture_incomplete") from error
    if kind == _RGBA:
        return Raster(values=values[..., :3], colour=True, alpha=values[..., 3], plane=0)
    return Raster(values=values, colour=True, plane=0)


def _colours(stream: BinaryIO) -> Values:
    """(H, W, 3 or 4): decoded twice, for the upper and for the lower bytes."""
    stream.seek(0)
    with Image.open(stream, formats=["PNG"]) as picture:
        upper = np.asarray(picture)
    stream.seek(0)
    with Image.open(stream, formats=["PNG"]) as picture:
        picture.tile = [tile._replace(args=_LOWER_HALVES[str(tile.args)]) for tile in picture.tile]
        lower = np.asarray(picture)
    joined: Values = (upper.astype(np.uint16) << 8) | lower
    return joined


def _grey_and_alpha(header: bytes, rest: bytes) -> Raster:
    """Two numbers of 16 bits are four of 8 to the filters of a PNG: read as such, then joined."""
    chunk = b"IHDR" + header[16:24] + bytes((8, _RGBA)) + header[26:29]
    renamed = header[:12] + chunk + struct.pack(">I", zlib.crc32(chunk))
    with Image.open(io.BytesIO(renamed + rest), formats=["PNG"]) as picture:
        bytes_of = np.asarray(picture).astype(np.uint16)
    joined = (bytes_of[..., 0::2] << 8) | bytes_of[..., 1::2]
    return Raster(values=joined[..., 0], alpha=joined[..., 1])
