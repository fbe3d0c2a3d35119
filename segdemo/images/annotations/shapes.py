"""What an annotation file says: shapes with the names of their classes."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import Beside

Bits = npt.NDArray[np.bool_]
Ring = Sequence[tuple[float, float]]

MAX_SHAPES = 100_000
MAX_POINTS = 2_000_000
"""Of all shapes of an image, checked before anything is drawn."""
_MAX_COORDINATE = 1e6
_ROUND = 72
"""Corners of a circle that is drawn as a polygon."""


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
    pixels: Callable[[], "Pixels"] | None = None
    """Instead of rings; made when they are drawn, so that those of one shape are in memory."""
    number: int | None = None
    """Its label, where the format has numbers instead of names."""
    void: bool = False
    """Whether nothing is said of its pixels."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """A part of an image, its upper left corner at ``left`` and ``top``."""

    bits: Bits
    """(h, w): which of its pixels belong to the shape."""
    left: int = 0
    top: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Annotations:
    """What a file says of one image."""

    shapes: tuple[Shape, ...]
    size: tuple[int, int] | None
    """Width and height, where the file or the image beside it says them."""
    left_out: int = 0
    """Shapes without an area: points and lines."""


class AnnotationFile(ABC):
    """A file of one of the formats, parsed once and asked for each of its images."""

    format: ClassVar[str]
    """For people."""

    @abstractmethod
    def __init__(self, content: Any) -> None:
        """``content`` are the file's bytes, or its JSON document.

        Raises PictureError; ValueError, LookupError and TypeError for a file that breaks the
        rules of its format.
        """

    @property
    def images(self) -> int:
        """Of how many images it may say something."""
        return 1

    @abstractmethod
    def read(self, beside: Beside, *, max_megapixels: float) -> Annotations:
        """What it says of an image. Raises as the parser does."""


def make_sure_it_ends(shapes: Iterable[Shape]) -> None:
    """Raise PictureError for more shapes or corners than anybody draws."""
    points = 0
    for counted, shape in enumerate(shapes, 1):
        points += sum(len(ring) for ring in shape.rings)
        if counted > MAX_SHAPES or points > MAX_POINTS:
            raise endless()


def endless() -> PictureError:
    """The sentence for more shapes than can be drawn in reasonable time."""
    return PictureError("annotation_endless", shapes=MAX_SHAPES, points=MAX_POINTS)


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


def checked_runs(
    lengths: Sequence[int] | npt.NDArray[np.int64], pixels: int
) -> npt.NDArray[np.int64]:
    """Run lengths, ground and area by turns from the ground on, that make so many pixels.

    Raises ValueError for others.
    """
    runs = np.asarray(lengths, np.int64)
    # No single one is larger than all, so that the sum cannot wrap around.
    if runs.ndim != 1 or not len(runs) or len(runs) > 2 * pixels + 1:
        raise ValueError("run lengths of another size")
    if runs.min() < 0 or runs.max() > pixels or int(runs.sum()) != pixels:
        raise ValueError("run lengths of another size")
    return runs


def unrolled(runs: npt.NDArray[np.int64]) -> Bits:
    """(pixels,): the area of run lengths."""
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs)
