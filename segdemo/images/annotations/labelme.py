"""LabelMe's JSON: shapes of one image, drawn as labelme 5 and 6 draw them (utils/shape.py)."""

import base64
import binascii
import io
import math
from typing import Any, Literal

import numpy as np
from PIL import Image

from segdemo.images.annotations.drawing import Annotations, Shape, ring_of
from segdemo.images.decode import check_size

_IGNORED = "__ignore__"
"""labelme's own name for pixels of which nothing is said."""
_GROUND = "_background_"
_AREAS = ("polygon", "rectangle", "oriented_rectangle", "circle", "mask")


def is_labelme(document: Any) -> bool:
    """Whether it is one of labelme's files."""
    return isinstance(document, dict) and isinstance(document.get("shapes"), list)


def read(document: dict[str, Any], *, max_megapixels: float) -> Annotations:
    """The shapes with an area, in the order of the file. Raises ValueError and LookupError."""
    width, height = document.get("imageWidth"), document.get("imageHeight")
    size = None
    if isinstance(width, int) and isinstance(height, int) and min(width, height) > 0:
        check_size(width, height, max_megapixels)
        size = width, height
    kinds = [str(shape.get("shape_type") or "polygon") for shape in document["shapes"]]
    areas = [shape for shape, kind in zip(document["shapes"], kinds, strict=True) if kind in _AREAS]
    return Annotations(
        format="LabelMe",
        shapes=tuple(_shape(one) for one in areas if one.get("label") != _GROUND),
        size=size,
        left_out=len(kinds) - len(areas),
    )


def _shape(one: dict[str, Any]) -> Shape:
    label, points = str(one.get("label") or ""), one["points"]
    kind = one.get("shape_type") or "polygon"
    void = label == _IGNORED
    if kind == "mask":
        left, top = (int(float(number)) for number in points[0])
        return Shape(label=label, bits=_bits(one["mask"]), corner=(left, top), void=void)
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


def _bits(encoded: str) -> Any:
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=["PNG"]) as picture:
            return np.asarray(picture.convert("L")) > 0
    except (binascii.Error, OSError) as error:
        raise ValueError("no image of a mask") from error
