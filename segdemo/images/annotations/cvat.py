"""CVAT's XML "for images 1.1": shapes of many images."""

from typing import Any
from xml.etree import ElementTree

import numpy as np

from segdemo.images.annotations.drawing import (
    Annotations,
    Beside,
    Bits,
    Shape,
    ellipse,
    image_called,
    rectangle,
    ring_of,
)
from segdemo.images.decode import check_size

_WITHOUT_AREA = frozenset({"polyline", "points", "cuboid", "skeleton"})


def read(content: bytes, beside: Beside, *, max_megapixels: float) -> Annotations:
    """The shapes of the image that is called as the picture, or of the only one.

    Raises PictureError where none is called so; ValueError and LookupError for another document.
    """
    # Entities would grow a small file; CVAT writes none.
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("a document type")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ValueError("no XML") from error
    images = root.findall("image")
    image = images[image_called([one.attrib.get("name", "") for one in images], beside)]
    width, height = int(image.attrib["width"]), int(image.attrib["height"])
    check_size(width, height, max_megapixels)
    for label in root.iterfind("meta//label/name"):
        beside.classes.setdefault(label.text or "", len(beside.classes) + 1)
    elements = sorted(image, key=lambda one: int(one.attrib.get("z_order", 0)))
    areas = [_shape(one) for one in elements if one.tag in _READERS]
    return Annotations(
        format="CVAT",
        shapes=tuple(areas),
        size=(width, height),
        left_out=sum(one.tag in _WITHOUT_AREA for one in elements),
    )


def _shape(one: ElementTree.Element) -> Shape:
    label, read = one.attrib.get("label", ""), _READERS[one.tag]
    if one.tag == "mask":
        corner = int(float(one.attrib["left"])), int(float(one.attrib["top"]))
        return Shape(label=label, bits=_bits(one.attrib), corner=corner)
    return Shape(label=label, rings=(read(one.attrib),))


def _polygon(said: Any) -> Any:
    return ring_of([tuple(map(float, point.split(","))) for point in said["points"].split(";")])


def _box(said: Any) -> Any:
    return rectangle(*(float(said[name]) for name in ("xtl", "ytl", "xbr", "ybr")))


def _ellipse(said: Any) -> Any:
    x, y, rx, ry = (float(said[name]) for name in ("cx", "cy", "rx", "ry"))
    return ellipse(x, y, rx, ry, float(said.get("rotation", 0)))


def _bits(said: Any) -> Bits:
    """Run lengths of a box, row by row, beginning with the ground."""
    width, height = int(float(said["width"])), int(float(said["height"]))
    counts = [int(number) for number in said["rle"].split(",")]
    if min(counts) < 0 or sum(counts) != width * height:
        raise ValueError("run lengths of another size")
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(height, width)


_READERS = {"polygon": _polygon, "box": _box, "ellipse": _ellipse, "mask": _bits}
