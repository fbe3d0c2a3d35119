"""COCO's JSON: polygons and run lengths of many images, drawn by pycocotools itself."""

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from segdemo.errors import PictureError
from segdemo.images.annotations.drawing import (
    Annotations,
    Beside,
    Bits,
    Shape,
    image_called,
    rectangle,
    ring_of,
)
from segdemo.images.decode import check_size


def is_coco(document: Any) -> bool:
    """Whether it is in the format of COCO's instances."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("annotations"), list)
        and isinstance(document.get("images"), list)
    )


def read(document: dict[str, Any], beside: Beside, *, max_megapixels: float) -> Annotations:
    """The shapes of the image that is called as the picture, or of the only one.

    Raises PictureError where none is called so, or pycocotools is not installed; ValueError and
    LookupError for another shape of document.
    """
    images = document["images"]
    names = [str(one.get("file_name", "")) for one in images]
    image = images[image_called(names, beside)]
    width, height = int(image["width"]), int(image["height"])
    check_size(width, height, max_megapixels)
    categories = document.get("categories") or []
    classes = {one["id"]: str(one.get("name") or one["id"]) for one in categories}
    # All classes of the file are numbered in its order, whichever this image shows.
    for name in classes.values():
        beside.classes.setdefault(name, len(beside.classes) + 1)
    own = [one for one in document["annotations"] if one.get("image_id") == image["id"]]
    shapes = [
        Shape(
            label=classes.get(one.get("category_id"), str(one.get("category_id", ""))),
            bits=_bits(one, width, height),
        )
        for one in own
        if one.get("segmentation") or one.get("bbox")
    ]
    return Annotations(
        format="COCO",
        shapes=tuple(shapes),
        size=(width, height),
        left_out=len(own) - len(shapes),
    )


def _bits(one: dict[str, Any], width: int, height: int) -> Bits:
    try:
        tool: Any = import_module("pycocotools.mask")
    except ImportError as error:
        raise PictureError("annotation_coco") from error
    said = one.get("segmentation")
    if isinstance(said, dict):
        rows, columns = (int(number) for number in said["size"])
        if (columns, rows) != (width, height):
            raise ValueError("run lengths of another size")
        counts = said["counts"]
        if isinstance(counts, list):
            encoded = tool.frPyObjects({"size": [height, width], "counts": counts}, height, width)
            if sum(counts) != width * height or min(counts, default=0) < 0:
                raise ValueError("run lengths of another size")
        else:
            encoded = {"size": [height, width], "counts": counts}
            if int(tool.area(encoded)) > width * height:
                raise ValueError("run lengths of another size")
    else:
        if said:
            flat = [[float(number) for number in polygon] for polygon in said]
            for polygon in flat:
                ring_of(list(zip(polygon[::2], polygon[1::2], strict=True)))
        else:
            x, y, w, h = (float(number) for number in one["bbox"])
            flat = [[number for point in rectangle(x, y, x + w, y + h) for number in point]]
        encoded = tool.merge(tool.frPyObjects(flat, height, width))
    with warnings.catch_warnings():
        # pycocotools 2.0.11 lacks what NumPy 2 asks of arrays, which is no fault of the file.
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.asarray(tool.decode(encoded), bool)
