"""LabelMe's JSON: shapes of one image, drawn as labelme 5 and 6 draw them (utils/shape.py)."""

import base64
import binascii
import io
import math
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from PIL import Image

from segdemo.images.annotations.beside import Beside
from segdemo.images.annotations.shapes import AnnotationFile, Annotations, Pixels, Shape, ring_of
from segdemo.images.decode import check_size
from segdemo.images.raster import require_pixels

_IGNORED = "__ignore__"
"""labelme's own name for pixels of which nothing is said."""
_GROUND = "_background_"
_AREAS = ("polygon", "rectangle", "oriented_rectangle", "circle", "mask")


class LabelMeFile(AnnotationFile):
    """One image's shapes; those of its file name are nobody's concern."""

    format: ClassVar[str] = "LabelMe"

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    @staticmethod
    def holds(document: Any) -> bool:
        """Whether it is one of labelme's files."""
        return isinstance(document, dict) and isinstance(document.get("shapes"), list)

    def read(self, beside: Beside, *, max_megapixels: float) -> Annotations:
        """The shapes with an area, in the order of the file; see ``AnnotationFile``."""
        width, height = self._document.get("imageWidth"), self._document.get("imageHeight")
        size = beside.size
        if isinstance(width, int) and isinstance(height, int) and min(width, height) > 0:
            check_size(width, height, max_megapixels)
            size = width, height
        shapes = self._document["shapes"]
        kinds = [str(shape.get("shape_type") or "polygon") for shape in shapes]
        areas = [shape for shape, kind in zip(shapes, kinds, strict=True) if kind in _AREAS]
        return Annotations(
            shapes=tuple(
                _shape(one, max_megapixels) for one in areas if one.get("label") != _GROUND
            ),
            size=size,
            left_out=len(kinds) - len(areas),
        )


def _shape(one: dict[str, Any], max_megapixels: float) -> Shape:
    label, points = str(one.get("label") or ""), one["points"]
    kind = one.get("shape_type") or "polygon"
    void = label == _IGNORED
    if kind == "mask":
        left, top = (int(float(number)) for number in points[0])
        return Shape(
            label=label, pixels=partial(_pixels, one["mask"], left, top, max_megapixels), void=void
        )
    if kind == "circle":
        (x, y), edge = points
        radius = math.dist((x, y), edge)
        box = [(x - radius, y - radius), (x + radius, y + radius)]
    elif kind == "rectangle":
        (x0, y0), (x1, y1) = points
        box = [(min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))]
    else:
        return Shape(label=label, rings=(ring_of(points),), fill="outline", void=void)
    form: Literal["ellipse", "rectangle"] = "ellipse" if kind == "circle" else "rectangle"
    ring_of([*box, *box])
    return Shape(label=label, rings=(box,), fill="outline", form=form, void=void)


def _pixels(encoded: str, left: int, top: int, max_megapixels: float) -> Pixels:
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=["PNG"]) as picture:
            require_pixels(*picture.size, max_megapixels)
            return Pixels(np.asarray(picture.convert("L")) > 0, left, top)
    except (binascii.Error, OSError) as error:
        raise ValueError("no image of a mask") from error
