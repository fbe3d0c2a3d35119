"""Arrays of NumPy: a .npy file, or one of the arrays of a .npz."""

import io
import lzma
import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from segdemo.errors import PictureError
from segdemo.images.notices import Notice
from segdemo.images.raster import SAMPLES_A_PIXEL, Raster, from_array
from segdemo.wording import printable

NPY_MAGIC = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_NAME = slice(30, None)
_ENDING = ".npy"
_MOST_ARRAYS = 64
"""A file of more holds the weights of a network."""
_LARGEST_ITEM = 16
"""Bytes of a number."""
_HEADER = 65_536
_DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, OSError),
)
_MASKS = ("mask", "label", "seg", "gt", "truth", "annotation", "target", "y")
_IMAGES = ("image", "img", "picture", "data", "input", "x")
"""How arrays of either kind are called, or how their names begin."""


def is_npz(head: bytes) -> bool:
    """Whether a file that begins so is a ZIP whose first entry is an array."""
    if not head.startswith(_ZIP):
        return False
    length = int.from_bytes(head[26:28], "little")
    return head[_NAME][:length].endswith(_ENDING.encode())


def read_npy(content: bytes, *, max_megapixels: float, plane: int | None = None) -> Raster:
    """The image in an array: (H, W), (H, W, bands), (bands, H, W) or (planes, H, W).

    Objects in it are never unpickled. Raises PictureError.
    """
    stream = io.BytesIO(content)
    shape, fortran, dtype = _header(stream)
    count = math.prod(shape)
    if count * dtype.itemsize > len(content) - stream.tell():
        raise PictureError("picture_incomplete")
    array = np.frombuffer(content, dtype, count, stream.tell())
    array = array.reshape(shape, order="F" if fortran else "C")
    return from_array(array, max_megapixels=max_megapixels, plane=plane)


def _header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type. Raises PictureError for what is no image."""
    try:
        version = np.lib.format.read_magic(stream)
        header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = header(stream)
    except Exception as error:
        raise PictureError("picture_incomplete") from error
    shape = tuple(map(int, shape))
    known = not dtype.hasobject and dtype.kind in "biufc"
    if not known or not 2 <= len(shape) <= 4 or min(shape) < 1:
        raise PictureError("picture_array", shape=" × ".join(map(str, shape)), type=str(dtype))
    return shape, bool(fortran), dtype


def read_npz(
    file: BinaryIO, *, max_megapixels: float, plane: int | None = None, mask: bool = False
) -> Raster:
    """The image among the arrays of a file, or the ``mask``: by their names, else the first.

    Raises PictureError.
    """
    limit = int(max_megapixels * 1e6) * SAMPLES_A_PIXEL * _LARGEST_ITEM
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [one for one in archive.infolist() if one.filename.endswith(_ENDING)]
            if not 0 < len(entries) <= _MOST_ARRAYS:
                raise PictureError("picture_arrays", count=len(entries))
            names = [PurePosixPath(one.filename).stem for one in entries]
            number = _chosen(names, _MASKS if mask else _IMAGES)
            with archive.open(entries[number]) as stream:
                content = stream.read(_HEADER)
                shape, _, dtype = _header(io.BytesIO(content))
                size = math.prod(shape) * dtype.itemsize
                if size > limit:
                    raise PictureError("picture_arrays", count=len(entries))
                content += stream.read(size)
    except _DAMAGES as error:
        raise PictureError("picture_incomplete") from error
    raster = read_npy(content, max_megapixels=max_megapixels, plane=plane)
    if len(entries) == 1:
        return raster
    facts: dict[str, str | float] = {"name": printable(names[number]), "count": len(entries)}
    return replace(raster, notices=(Notice(key="picture_one_array", facts=facts), *raster.notices))


def _chosen(names: Sequence[str], wanted: Sequence[str]) -> int:
    lowered = [name.lower() for name in names]
    for word in wanted:
        for number, name in enumerate(lowered):
            if name == word or (len(word) > 1 and name.startswith(word)):
                return number
    return 0
