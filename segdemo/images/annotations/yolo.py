"""YOLO's segmentation labels: a line of class number and normalised corners for each object."""

import re

from segdemo.errors import PictureError
from segdemo.images.annotations.drawing import Annotations, Beside, Shape, rectangle, ring_of

_NUMBER = rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_LINE = re.compile(rb"\A\d{1,4}(?:[ \t]+" + _NUMBER + rb"){4,}[ \t]*\r?\Z")
_MOST_CLASSES = 250
_PLAIN_SIDE = 256
"""Pixels of a side as long as no image is there to say them."""


def is_yolo(content: bytes) -> bool:
    """Whether every line that is not empty is a class number and at least four numbers."""
    lines = [line for line in content.split(b"\n") if line.strip()]
    return bool(lines) and all(_LINE.match(line) for line in lines)


def read(content: bytes, beside: Beside) -> Annotations:
    """Polygons, or boxes where a line has four numbers, on the pixels of the image.

    Corners are cut to whole pixels and outlines belong to the area, as in ultralytics 8
    (polygons2masks: OpenCV's fillPoly). Class 0 gets the label 1. Raises PictureError and
    ValueError.
    """
    width, height = beside.size or (_PLAIN_SIDE, _PLAIN_SIDE)
    shapes = []
    for line in content.split(b"\n"):
        words = line.split()
        if not words:
            continue
        number, numbers = int(words[0]) + 1, [float(word) for word in words[1:]]
        if number > _MOST_CLASSES:
            raise PictureError("annotation_classes", limit=_MOST_CLASSES)
        if len(numbers) == 4:
            x, y, w, h = numbers
            corners = rectangle(x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        else:
            corners = ring_of(list(zip(numbers[::2], numbers[1::2], strict=True)))
        ring = [(int(x * width), int(y * height)) for x, y in corners]
        shapes.append(Shape(label="", number=number, rings=(ring,), fill="outline"))
    return Annotations(format="YOLO", shapes=tuple(shapes), size=(width, height))
