"""NIfTI volumes through nibabel: one axial slice as radiologists look at it."""

import math
import zlib
from importlib import import_module
from typing import Any

import numpy as np

from segdemo.errors import PictureError
from segdemo.images.notices import Notice
from segdemo.images.raster import Raster, require_pixels, require_plane

GZIP = b"\x1f\x8b"
_HEADER = 352
_MAGIC = (b"n+1\0", b"n+2\0")
_MOST_BYTES = 2_000_000_000
"""Of a volume that is unpacked."""


def is_nifti(content: bytes) -> bool:
    """Whether a file, packed or not, is one that holds header and volume together."""
    head = _unpacked(content, _HEADER) if content.startswith(GZIP) else content[:_HEADER]
    return head[344:348] in _MAGIC or head[4:8] in _MAGIC


def _unpacked(content: bytes, limit: int) -> bytes:
    """At most ``limit`` bytes of what a gzip file holds."""
    try:
        return zlib.decompressobj(31).decompress(content, limit)
    except zlib.error:
        return b""


def read_nifti(content: bytes, *, max_megapixels: float, plane: int | None = None) -> Raster:
    """One axial slice: front at the top, the patient's right at the left.

    ``plane`` counts slices from the feet, then volumes, from 1; by default it is the middle one.
    Values are scaled as the header says. Raises PictureError, also where nibabel is not installed.
    """
    try:
        nibabel: Any = import_module("nibabel")
    except ImportError as error:
        raise PictureError("picture_nifti") from error
    limit = min(_MOST_BYTES, _HEADER + _size_in(content))
    whole = _unpacked(content, limit) if content.startswith(GZIP) else content
    kind = nibabel.Nifti2Image if whole[4:8] in _MAGIC else nibabel.Nifti1Image
    try:
        image = kind.from_bytes(whole)
        image = nibabel.as_closest_canonical(image)
        shape = tuple(map(int, image.shape))
    except Exception as error:
        raise PictureError("picture_incomplete") from error
    if len(shape) < 2 or not all(shape):
        raise PictureError("picture_incomplete")
    width, height, slices = (*shape, 1)[:3]
    volumes = math.prod(shape[3:])
    require_pixels(width, height, max_megapixels)
    require_plane(plane, slices * volumes)
    number = plane or (slices + 1) // 2
    place = np.unravel_index((number - 1) // slices, shape[3:] or (1,))
    index = (slice(None), slice(None), (number - 1) % slices, *map(int, place))
    try:
        values = np.asarray(image.dataobj[index[: len(shape)]])
    except Exception as error:
        raise PictureError("picture_incomplete") from error
    # Canonical axes point to the patient's right, front and head.
    shown = values[::-1, ::-1].T
    notice = Notice(key="picture_slice", facts={"number": number, "count": slices * volumes})
    return Raster(
        values=np.ascontiguousarray(shown),
        planes=slices * volumes,
        plane=number,
        notices=(notice,) if slices * volumes > 1 else (),
    )


def _size_in(content: bytes) -> int:
    """Bytes that a volume of this header may have, with room for what stands before it."""
    head = _unpacked(content, _HEADER) if content.startswith(GZIP) else content[:_HEADER]
    order = "<" if head[:4] in (b"\x5c\x01\0\0", b"\x1c\x02\0\0") else ">"
    if head[4:8] in _MAGIC:
        lengths = np.frombuffer(head, f"{order}i8", 8, 16)
        bits = int(np.frombuffer(head, f"{order}i2", 1, 14)[0])
    else:
        lengths = np.frombuffer(head, f"{order}i2", 8, 40)
        bits = int(np.frombuffer(head, f"{order}i2", 1, 72)[0])
    axes = [max(1, int(length)) for length in lengths[1 : 1 + max(0, min(7, int(lengths[0])))]]
    return math.prod(axes) * max(1, bits // 8) + (1 << 16)
