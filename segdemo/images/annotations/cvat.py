"""CVAT's XML "for images 1.1": shapes of many images."""

from functools import partial
from typing import Any, ClassVar
from xml.etree import ElementTree

from segdemo.images.annotations.beside import Beside, ImageNames
from segdemo.images.annotations.shapes import (
    AnnotationFile,
    Annotations,
    Pixels,
    Shape,
    checked_runs,
    ellipse,
    rectangle,
    ring_of,
    unrolled,
)
from segdemo.images.decode import check_size

_WITHOUT_AREA = frozenset({"polyline", "points", "cuboid", "skeleton"})


class CvatFile(AnnotationFile):
    """The shapes of all images of a task."""

    format: ClassVar[str] = "CVAT"

    def __init__(self, content: bytes) -> None:
        # Entities would grow a small file; CVAT writes none.
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise ValueError("a document type")
        try:
            root = ElementTree.fromstring(content)
        except ElementTree.ParseError as error:
            raise ValueError("no XML") from error
        self._images = root.findall("image")
        self._names = ImageNames([one.attrib.get("name", "") for one in self._images])
        self._classes = [label.text or "" for label in root.iterfind("meta//label/name")]

    @property
    def images(self) -> int:
        """How many it lists."""
        return len(self._images)

    def read(self, beside: Beside, *, max_megapixels: float) -> Annotations:
        """The shapes of the image that is called as the picture, or of the only one.

        Raises PictureError where none is called so; see ``AnnotationFile``.
        """
        image = self._images[self._names.number_of(beside)]
        width, height = int(image.attrib["width"]), int(image.attrib["height"])
        check_size(width, height, max_megapixels)
        beside.shared.number_all(self._classes)
        elements = sorted(image, key=lambda one: int(one.attrib.get("z_order", 0)))
        areas = [_shape(one, width * height) for one in elements if one.tag in _AREAS]
        return Annotations(
            shapes=tuple(areas),
            size=(width, height),
            left_out=sum(one.tag in _WITHOUT_AREA for one in elements),
        )


def _shape(one: ElementTree.Element, most: int) -> Shape:
    label = one.attrib.get("label", "")
    if one.tag == "mask":
        return Shape(label=label, pixels=partial(_pixels, one.attrib, most))
    return Shape(label=label, rings=(_RINGS[one.tag](one.attrib),))


def _polygon(said: Any) -> Any:
    return ring_of([tuple(map(float, point.split(","))) for point in said["points"].split(";")])


def _box(said: Any) -> Any:
    return rectangle(*(float(said[name]) for name in ("xtl", "ytl", "xbr", "ybr")))


def _ellipse(said: Any) -> Any:
    x, y, rx, ry = (float(said[name]) for name in ("cx", "cy", "rx", "ry"))
    return ellipse(x, y, rx, ry, float(said.get("rotation", 0)))


def _pixels(said: Any, most: int) -> Pixels:
    """Run lengths of a box, row by row, beginning with the ground."""
    left, top, width, height = (int(float(said[name])) for name in _BOX)
    if min(width, height) < 1 or width * height > most:
        raise ValueError("a box that is larger than the image")
    runs = checked_runs([int(number) for number in said["rle"].split(",")], width * height)
    return Pixels(unrolled(runs).reshape(height, width), left, top)


_BOX = ("left", "top", "width", "height")
_RINGS = {"polygon": _polygon, "box": _box, "ellipse": _ellipse}
_AREAS = frozenset({*_RINGS, "mask"})
