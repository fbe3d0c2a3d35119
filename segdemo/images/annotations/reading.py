"""Which format an annotation file has, and the label map that it stands for."""

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import Beside, Shared
from segdemo.images.annotations.coco import CocoFile
from segdemo.images.annotations.cvat import CvatFile
from segdemo.images.annotations.drawing import label_map, label_of
from segdemo.images.annotations.geojson import GeoJsonFile
from segdemo.images.annotations.imagej import MAGIC, ImageJFile, is_roi_set
from segdemo.images.annotations.labelme import LabelMeFile
from segdemo.images.annotations.shapes import AnnotationFile, Annotations, make_sure_it_ends
from segdemo.images.annotations.yolo import YoloFile, is_yolo
from segdemo.images.labels import Labels
from segdemo.images.notices import Notice

ENDINGS = frozenset({".json", ".geojson", ".xml", ".txt", ".roi", ".zip"})
"""Of annotation files, which masks may be."""
MAX_BYTES = 100_000_000
"""Of an annotation file."""

_JSON_FORMATS = (LabelMeFile, CocoFile, GeoJsonFile)
_ZIP = b"PK\x03\x04"
_JSON = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*[\[{]")
_XML = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<annotations\b", re.S
)
_TEXT = re.compile(rb"\A[\d\s.eE+-]+\Z")


def is_annotation_file(path: Path) -> bool:
    """Whether a file is annotations, by its ending and by what it holds; of a ZIP by its names."""
    if path.suffix.lower() not in ENDINGS or path.stat().st_size > MAX_BYTES:
        return False
    with path.open("rb") as file:
        if file.read(len(_ZIP)) == _ZIP:
            return is_roi_set(file)
    return is_annotation(path.read_bytes())


def is_annotation(content: bytes) -> bool:
    """Whether a file's content is annotations in any format that is read."""
    return _format_of(content) is not None


def images_in(content: bytes) -> int:
    """Of how many images an annotation file may say something; 0 for any other file."""
    try:
        file = _opened(content)
    except PictureError:
        return 1
    return file.images if file else 0


def read_annotations(
    content: bytes, beside: Beside, *, max_megapixels: float
) -> tuple[Labels, list[Notice]] | None:
    """Labels (H, W) and remarks; None for a file of another kind.

    LabelMe, COCO, CVAT for images, YOLO, GeoJSON of QuPath, regions of ImageJ. ``beside`` is the
    image; of a survey one row of all labels is returned. Raises PictureError for damaged ones, for
    too many shapes, for a size above the limit, where nobody says the size, and where a package is
    missing.
    """
    file: AnnotationFile | None = beside.shared.parsed(content, _opened)
    if file is None:
        return None
    try:
        found = file.read(beside, max_megapixels=max_megapixels)
        make_sure_it_ends(found.shapes)
        if beside.survey:
            return _labels_in(found, beside.shared), []
        return label_map(found, file.format, beside.shared)
    except PictureError:
        raise
    except Exception as error:
        # Whatever a parser stumbles over: the file is not in the shape that it promises.
        raise PictureError("annotation_damaged", format=file.format) from error


def _labels_in(found: Annotations, shared: Shared) -> Labels:
    """(1, n): the ground and every label that occurs."""
    numbers = {label_of(shape, shared) for shape in found.shapes}
    return np.array([sorted({0, *numbers})], np.uint8)


def _opened(content: bytes) -> AnnotationFile | None:
    found = _format_of(content)
    if found is None:
        return None
    form, document = found
    try:
        return form(document)
    except PictureError:
        raise
    except Exception as error:
        raise PictureError("annotation_damaged", format=form.format) from error


def _format_of(content: bytes) -> tuple[type[AnnotationFile], Any] | None:
    """The class of the format, and what it is made from."""
    if content.startswith(MAGIC):
        return ImageJFile, content
    if content.startswith(_ZIP):
        return (ImageJFile, content) if is_roi_set(io.BytesIO(content)) else None
    if _XML.match(content):
        return CvatFile, content
    if _JSON.match(content):
        return _json_format(content)
    if _TEXT.match(content) and is_yolo(content):
        return YoloFile, content
    return None


def _json_format(content: bytes) -> tuple[type[AnnotationFile], Any] | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return next(((form, document) for form in _JSON_FORMATS if form.holds(document)), None)
