"""Which format an annotation file has, and the label map that it stands for."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import PictureError
from segdemo.images.annotations import coco, cvat, geojson, imagej, labelme, yolo
from segdemo.images.annotations.drawing import (
    MAX_POINTS,
    MAX_SHAPES,
    Annotations,
    Beside,
    Shape,
    label_map,
)
from segdemo.images.notices import Notice

ENDINGS = frozenset({".json", ".geojson", ".xml", ".txt", ".roi", ".zip"})
"""Of annotation files, which masks may be."""

_JSON_FORMATS = {
    "LabelMe": labelme.is_labelme,
    "COCO": coco.is_coco,
    "GeoJSON": geojson.is_geojson,
}
_JSON_FORMATS = {
    "LabelMe": labelme.is_labelme,
    "COCO": coco.is_coco,
    "GeoJSON": geojson.is_geojson,
}
_ZIP = b"PK\x03\x04"
_JSON = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*[\[{]")
_XML = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<annotations\b", re.S
)
_TEXT = re.compile(rb"\A[\d\s.eE+-]+\Z")


def is_annotation(content: bytes) -> bool:
    """Whether a file is annotations in any format that is read."""
    try:
        return _format_of(content) is not None
    except PictureError:
        return True


def read_annotations(
    content: bytes, beside: Beside, *, max_megapixels: float
) -> tuple[npt.NDArray[np.uint8], list[Notice]] | None:
    """Labels (H, W) and remarks; None for a file of another kind.

    LabelMe, COCO, CVAT for images, YOLO, GeoJSON of QuPath, regions of ImageJ. ``beside`` is the
    image. Raises PictureError for damaged ones, for too many shapes, for a size above the limit,
    and where a package is missing.
    """
    form = _format_of(content)
    if form is None:
        return None
    name, document = form
    try:
        found = _read(name, content, document, beside, max_megapixels)
        _make_sure_it_ends(found.shapes)
        return label_map(found, beside)
    except PictureError:
        raise
    except Exception as error:
        # Whatever a parser stumbles over: the file is not in the shape that it promises.
        raise PictureError("annotation_damaged", format=name) from error


def _format_of(content: bytes) -> tuple[str, Any] | None:
    """The name of the format, and the document where it is JSON."""
    if content.startswith(imagej.MAGIC):
        return "ImageJ", None
    if content.startswith(_ZIP):
        return ("ImageJ", None) if imagej.is_roi_set(content) else None
    if _XML.match(content):
        return "CVAT", None
    if _JSON.match(content):
        return _json_format(content)
    if _TEXT.match(content) and yolo.is_yolo(content):
        return "YOLO", None
    return None


def _json_format(content: bytes) -> tuple[str, Any] | None:
    document = _document(content)
    for name, fits in _JSON_FORMATS.items():
        if fits(document):
            return name, document
    return None


@lru_cache(maxsize=1)
def _document(content: bytes) -> Any:
    """Of one file for many images, which is asked for each of them; None where it is no JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _read(
    name: str, content: bytes, document: Any, beside: Beside, max_megapixels: float
) -> Annotations:
    match name:
        case "LabelMe":
            return labelme.read(document, max_megapixels=max_megapixels)
        case "COCO":
            return coco.read(document, beside, max_megapixels=max_megapixels)
        case "CVAT":
            return cvat.read(content, beside, max_megapixels=max_megapixels)
        case "YOLO":
            return yolo.read(content, beside)
        case "GeoJSON":
            return geojson.read(document)
    return imagej.read(content)


def _make_sure_it_ends(shapes: Iterable[Shape]) -> None:
    """Raise PictureError for more shapes or corners than anybody draws."""
    counted = points = 0
    for shape in shapes:
        counted += 1
        points += sum(len(ring) for ring in shape.rings)
    if counted > MAX_SHAPES or points > MAX_POINTS:
        raise PictureError("annotation_endless", shapes=MAX_SHAPES, points=MAX_POINTS)
