"""YOLO's segmentation labels: a line of class number and normalised corners for each object."""

import re
from typing import ClassVar

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import MAX_CLASSES, Beside
from segdemo.images.annotations.shapes import AnnotationFile, Annotations, Shape, rectangle, ring_of

_NUMBER = rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_LINE = re.compile(rb"\A\d{1,4}(?:[ \t]+" + _NUMBER + rb"){4,}[ \t]*\r?\Z")


def is_yolo(content: bytes) -> bool:
    """Whether every line that is not empty is a class number and at least four numbers."""
    lines = [line for line in content.split(b"\n") if line.strip()]
    return bool(lines) and all(_LINE.match(line) for line in lines)


class YoloFile(AnnotationFile):
    """One image's objects."""

    format: ClassVar[str] = "YOLO"

    def __init__(self, content: bytes) -> None:
        self._lines = [line.split() for line in content.split(b"\n") if line.strip()]

    def read(self, beside: Beside, *, max_megapixels: float) -> Annotations:
        """Polygons, or boxes where a line has four numbers, on the pixels of the image.

        Corners are cut to whole pixels and outlines belong to the area, as in ultralytics 8
        (polygons2masks: OpenCV's fillPoly). Class 0 gets the label 1. See ``AnnotationFile``.
        """
        width, height = beside.size or (1, 1)
        shapes = []
        for words in self._lines:
            number, numbers = int(words[0]) + 1, [float(word) for word in words[1:]]
            if number > MAX_CLASSES:
                raise PictureError("annotation_classes", limit=MAX_CLASSES)
            if len(numbers) == 4:
                x, y, w, h = numbers
                corners = rectangle(x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            else:
                corners = ring_of(list(zip(numbers[::2], numbers[1::2], strict=True)))
            ring = ring_of([(int(x * width), int(y * height)) for x, y in corners])
            shapes.append(Shape(label="", number=number, rings=(ring,), fill="outline"))
        return Annotations(shapes=tuple(shapes), size=beside.size)
