"""ImageJ's regions (.roi, or a .zip of them) through roifile; corners of pixels as units."""

import io
import zipfile
from importlib import import_module
from typing import IO, Any, ClassVar

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import Beside
from segdemo.images.annotations.shapes import (
    MAX_SHAPES,
    AnnotationFile,
    Annotations,
    Shape,
    ellipse,
    rectangle,
    ring_of,
)

MAGIC = b"Iout"
_ENDING = ".roi"
_MAX_BYTES = 64_000_000  # of all regions together


def is_roi_set(file: IO[bytes]) -> bool:
    """Whether a ZIP holds regions and nothing else, by the names in it."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = [one for one in archive.namelist() if not one.endswith("/")]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return bool(names) and all(name.lower().endswith(_ENDING) for name in names)


class ImageJFile(AnnotationFile):
    """The regions of one image."""

    format: ClassVar[str] = "ImageJ"

    def __init__(self, content: bytes) -> None:
        """``content`` of a .roi or of a ZIP. Raises PictureError where roifile is absent."""
        try:
            tool: Any = import_module("roifile")
        except ImportError as error:
            raise PictureError("annotation_roi") from error
        regions = [tool.ImagejRoi.frombytes(one) for one in _files(content)]
        self._shapes = tuple(shape for one in regions for shape in _shapes(one, tool.ROI_TYPE))
        self._left_out = len(regions) - len(self._shapes)

    def read(self, beside: Beside, *, max_megapixels: float) -> Annotations:
        """Every region with an area; a group of ImageJ's, 1 and up, is a class of its own.

        See ``AnnotationFile``.
        """
        return Annotations(shapes=self._shapes, size=beside.size, left_out=self._left_out)


def _files(content: bytes) -> list[bytes]:
    if content.startswith(MAGIC):
        return [content]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [one for one in archive.infolist() if not one.is_dir()]
        whole = sum(one.file_size for one in members)
        if len(members) > MAX_SHAPES or whole > _MAX_BYTES:
            raise ValueError("too many regions, or too large ones")
        return [archive.read(one) for one in members]


def _shapes(region: Any, kinds: Any) -> list[Shape]:
    """Rectangle, oval, polygon, freehand and traced outlines, and what is composed of them."""
    label = f"group {region.group}" if region.group else ""
    left, top, right, bottom = region.left, region.top, region.right, region.bottom
    if region.composite:
        rings = tuple(ring_of(one.tolist()) for one in region.coordinates(multi=True))
    elif region.roitype == kinds.RECT:
        rings = (rectangle(left, top, right, bottom),)
    elif region.roitype == kinds.OVAL:
        centre = (left + right) / 2, (top + bottom) / 2
        rings = (ellipse(*centre, (right - left) / 2, (bottom - top) / 2),)
    elif region.roitype in (kinds.POLYGON, kinds.FREEHAND, kinds.TRACED):
        rings = (ring_of(region.coordinates().tolist()),)
    else:
        return []
    return [Shape(label=label, rings=rings)]
