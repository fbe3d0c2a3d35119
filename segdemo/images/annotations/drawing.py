"""Shapes of an annotation file and the label map that they are drawn into."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from segdemo.errors import PictureError
from segdemo.images.labels import VOID
from segdemo.images.notices import Notice
from segdemo.wording import first_of, printable

Bits = npt.NDArray[np.bool_]
Ring = Sequence[tuple[float, float]]

MAX_SHAPES = 100_000
MAX_POINTS = 2_000_000
"""Of all shapes of a file, checked before anything is drawn."""
MAX_CLASSES = 250
_MAX_COORDINATE = 1e6
_ROUND = 72
"""Corners of a circle that is drawn as a polygon."""
_TOLD = 8


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The image that an annotation file belongs to, as far as that is known."""

    plane: int = 1
    planes: int = 1
    """Which page or channel of how many the image is."""
    size: tuple[int, int] | None = None
    """Width and height."""
    name: str = ""
    """The name of its file, by which a file about many images is searched."""
    classes: dict[str, int] = field(default_factory=dict)
    """Class name -> label, shared by all files of a data set and filled as they are read."""


ALONE = Beside()
"""Nothing is known of the image."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Shape:
    """One area: rings (even-odd, so that a ring inside another is a hole), or pixels."""

    label: str
    """The name of its class; empty where the format has none."""
    rings: tuple[Ring, ...] = ()
    fill: Literal["centre", "outline"] = "centre"
    """``centre``: integer coordinates are corners of pixels, and a pixel is inside whose centre
    is (QuPath, ImageJ, CVAT). ``outline``: integer coordinates are centres, and the outline is
    inside (LabelMe, OpenCV's fillPoly)."""
    form: Literal["polygon", "rectangle", "ellipse"] = "polygon"
    """What an outline is: of the last two the only ring is the box around."""
    bits: Bits | None = None
    """(h, w): pixels, their upper left corner at ``corner``."""
    corner: tuple[int, int] = (0, 0)
    number: int | None = None
    """Its label, where the format has numbers instead of names."""
    void: bool = False
    """Whether nothing is said of its pixels."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Annotations:
    """What a file says of one image."""

    format: str
    """For people."""
    shapes: tuple[Shape, ...]
    size: tuple[int, int] | None
    """Width and height, where the file says them."""
    left_out: int = 0
    """Shapes without an area: points and lines."""


def label_map(found: Annotations, beside: Beside) -> tuple[npt.NDArray[np.uint8], list[Notice]]:
    """(H, W) of labels, later shapes over earlier ones, and what is to be known about it.

    Classes are numbered from 1 in the order in which their names come. Raises PictureError for
    more than 250 of them, and where nobody says how large the image is.
    """
    size = found.size or beside.size
    if size is None:
        size = _extent(found.shapes)
    labels = np.zeros((size[1], size[0]), np.uint8)
    for shape in found.shapes:
        number = VOID if shape.void else shape.number or _number(shape.label, beside.classes)
        _paint(labels, shape, number)
    return labels, list(_notices(found, beside))


def image_called(names: Sequence[str], beside: Beside) -> int:
    """Which of the images of a file is the one beside it: of that name, or the only one.

    Endings and folders may differ. Raises PictureError where none is called so, ValueError where
    there is none at all.
    """
    if not names:
        raise ValueError("no image")
    wanted = PurePath(beside.name)
    called = [PurePath(name.replace("\\", "/")) for name in names]
    for part in ("name", "stem"):
        for number, one in enumerate(called):
            if wanted.name and getattr(one, part) == getattr(wanted, part):
                return number
    if len(names) == 1:
        return 0
    raise PictureError("annotation_no_image", name=printable(wanted.name), known=first_of(names))


def _number(name: str, classes: dict[str, int]) -> int:
    if name not in classes:
        if len(classes) >= MAX_CLASSES:
            raise PictureError("annotation_classes", limit=MAX_CLASSES)
        classes[name] = len(classes) + 1
    return classes[name]


def _notices(found: Annotations, beside: Beside) -> Iterable[Notice]:
    named = {shape.label for shape in found.shapes if shape.label and not shape.void}
    numbered = sorted((beside.classes[name], name) for name in named if name in beside.classes)
    told = [f"{number} = {printable(name)}" for number, name in numbered[:_TOLD]]
    if len(numbered) > 1:
        more = ", …" if len(numbered) > _TOLD else ""
        facts = {"format": found.format, "classes": ", ".join(told) + more}
        yield Notice(key="annotation_classes_are", facts=facts)
    if found.left_out:
        yield Notice(key="annotation_left_out", facts={"count": found.left_out})


def _extent(shapes: Iterable[Shape]) -> tuple[int, int]:
    """A size in which all shapes have room, for files that say none before an image is there."""
    width = height = 1.0
    for shape in shapes:
        for ring in shape.rings:
            width = max(width, *(x for x, _ in ring))
            height = max(height, *(y for _, y in ring))
    return math.ceil(width) + 1, math.ceil(height) + 1


def _paint(labels: npt.NDArray[np.uint8], shape: Shape, number: int) -> None:
    height, width = labels.shape
    if shape.bits is not None:
        left, top = shape.corner
        inside = shape.bits[max(0, -top) :, max(0, -left) :]
        inside = inside[: max(0, height - max(0, top)), : max(0, width - max(0, left))]
        rows, columns = inside.shape
        labels[max(0, top) :, max(0, left) :][:rows, :columns][inside] = number
    elif shape.fill == "outline":
        layer = Image.new("1", (width, height))
        draw: Any = getattr(ImageDraw.Draw(layer), shape.form)
        for ring in shape.rings:
            draw([tuple(point) for point in ring], outline=1, fill=1)
        labels[np.asarray(layer)] = number
    else:
        _fill_centres(labels, shape.rings, number)


def _fill_centres(labels: npt.NDArray[np.uint8], rings: Sequence[Ring], number: int) -> None:
    """Every pixel whose centre lies inside by the even-odd rule, row by row."""
    height, width = labels.shape
    ends = [
        np.stack([points, np.roll(points, -1, axis=0)], axis=1)
        for points in (np.asarray(ring, np.float64) for ring in rings)
    ]
    edges = np.concatenate(ends)
    first, last = edges[..., 1].min(axis=1), edges[..., 1].max(axis=1)
    top = max(0, math.floor(first.min()))
    for row in range(top, min(height, math.ceil(last.max()))):
        y = row + 0.5
        (x0, y0), (x1, y1) = (
            edges[(first <= y) & (y < last)].transpose(1, 2, 0)
            if ((first <= y) & (y < last)).any()
            else np.zeros((2, 2, 0))
        )
        crossings = np.sort(x0 + (y - y0) / (y1 - y0) * (x1 - x0))
        for begin, end in zip(crossings[::2], crossings[1::2], strict=True):
            left, right = math.ceil(begin - 0.5), math.ceil(end - 0.5)
            labels[row, max(0, left) : max(0, min(width, right))] = number


def ring_of(points: object) -> Ring:
    """Checked corners from pairs of numbers. Raises ValueError for what is none, or endless."""
    if not isinstance(points, (list, tuple)) or len(points) < 3:
        raise ValueError("a ring needs three corners")
    ring = [(float(point[0]), float(point[1])) for point in points]
    if not all(abs(number) <= _MAX_COORDINATE for point in ring for number in point):
        raise ValueError("a corner is far outside of any image")
    return ring


def rectangle(left: float, top: float, right: float, bottom: float) -> Ring:
    """The four corners."""
    return ring_of([(left, top), (right, top), (right, bottom), (left, bottom)])


def ellipse(x: float, y: float, rx: float, ry: float, degrees: float = 0) -> Ring:
    """A polygon of 72 corners around a centre, turned clockwise."""
    turn = math.radians(degrees)
    angles = (2 * math.pi * step / _ROUND for step in range(_ROUND))
    corners = ((rx * math.cos(angle), ry * math.sin(angle)) for angle in angles)
    return ring_of(
        [
            (
                x + a * math.cos(turn) - b * math.sin(turn),
                y + a * math.sin(turn) + b * math.cos(turn),
            )
            for a, b in corners
        ]
    )
