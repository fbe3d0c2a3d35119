"""COCO's JSON: polygons and run lengths of many images; pycocotools draws the polygons."""

from collections import defaultdict
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import Beside, ImageNames
from segdemo.images.annotations.shapes import (
    MAX_POINTS,
    AnnotationFile,
    Annotations,
    Pixels,
    Shape,
    checked_runs,
    endless,
    rectangle,
    ring_of,
    unrolled,
)
from segdemo.images.decode import check_size

_FEWEST = 6
"""Numbers of a polygon; tools leave lines and points among them."""
_MOST_OUTLINE = 20_000_000
"""Pixels along all outlines of an image, each of which pycocotools goes along."""


class CocoFile(AnnotationFile):
    """The instances of all images of a data set."""

    format: ClassVar[str] = "COCO"

    def __init__(self, document: dict[str, Any]) -> None:
        self._images = document["images"]
        self._names = ImageNames([str(one.get("file_name", "")) for one in self._images])
        categories = document.get("categories") or []
        self._classes = {one["id"]: str(one.get("name") or one["id"]) for one in categories}
        self._of: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
        for one in document["annotations"]:
            self._of[one.get("image_id")].append(one)

    @staticmethod
    def holds(document: Any) -> bool:
        """Whether it is in the format of COCO's instances."""
        return (
            isinstance(document, dict)
            and isinstance(document.get("annotations"), list)
            and isinstance(document.get("images"), list)
        )

    @property
    def images(self) -> int:
        """How many it lists."""
        return len(self._images)

    def read(self, beside: Beside, *, max_megapixels: float) -> Annotations:
        """The shapes of the image that is called as the picture, or of the only one.

        Raises PictureError where none is called so, or pycocotools is not installed; see
        ``AnnotationFile``.
        """
        image = self._images[self._names.number_of(beside)]
        width, height = int(image["width"]), int(image["height"])
        check_size(width, height, max_megapixels)
        beside.shared.number_all(list(self._classes.values()))
        own = self._of.get(image["id"], [])
        _require_short(own)
        shapes = [
            Shape(
                label=self._classes.get(one.get("category_id"), str(one.get("category_id", ""))),
                pixels=partial(_pixels, one, width, height),
            )
            for one in own
            if isinstance(one.get("segmentation"), dict) or _polygons_of(one)
        ]
        return Annotations(
            shapes=tuple(shapes), size=(width, height), left_out=len(own) - len(shapes)
        )


def _pixels(one: dict[str, Any], width: int, height: int) -> Pixels:
    said = one.get("segmentation")
    if isinstance(said, dict):
        rows, columns = (int(number) for number in said["size"])
        if (columns, rows) != (width, height):
            raise ValueError("run lengths of another size")
        counts = said["counts"]
        lengths = counts if isinstance(counts, list) else _unpacked(counts)
    else:
        lengths = _unpacked(_drawn(_polygons_of(one), width, height))
    return _columns(checked_runs(lengths, width * height), width, height)


def _polygons_of(one: dict[str, Any]) -> list[list[float]]:
    """Its polygons of three corners and more, or the box around it; else none."""
    said = one.get("segmentation")
    if said and not isinstance(said, dict):
        return [polygon for polygon in said if len(polygon) >= _FEWEST]
    return [_box(one)] if one.get("bbox") and not said else []


def _require_short(annotations: list[dict[str, Any]]) -> None:
    """Raise PictureError where pycocotools would go along outlines for minutes.

    It also goes along what lies outside of the image.
    """
    corners, outline = 0, 0.0
    for one in annotations:
        if isinstance(one.get("segmentation"), dict):
            continue
        for polygon in _polygons_of(one):
            ring = np.array(ring_of(list(zip(polygon[::2], polygon[1::2], strict=True))))
            corners += len(ring)
            outline += float(np.abs(ring - np.roll(ring, 1, axis=0)).max(axis=1).sum())
            if corners > MAX_POINTS or outline > _MOST_OUTLINE:
                raise endless()


def _box(one: dict[str, Any]) -> list[float]:
    x, y, w, h = (float(number) for number in one["bbox"])
    return [number for point in rectangle(x, y, x + w, y + h) for number in point]


def _drawn(polygons: list[list[float]], width: int, height: int) -> str:
    """The packed run lengths of polygons together, as pycocotools draws them."""
    try:
        tool: Any = import_module("pycocotools.mask")
    except ImportError as error:
        raise PictureError("annotation_coco") from error
    flat = [[float(number) for number in polygon] for polygon in polygons]
    packed: bytes = tool.merge(tool.frPyObjects(flat, height, width))["counts"]
    return packed.decode()


def _unpacked(packed: str) -> list[int]:
    """The run lengths in COCO's string (maskApi.c, rleFrString).

    Five bits a character from "0" on, the lowest first, 32 for more to come and the sign in the
    last; from the fourth number on the difference to that two before. They are unpacked here
    because pycocotools 2.0.11 takes any string on trust.
    """
    lengths: list[int] = []
    number = shift = 0
    for character in packed.encode("ascii"):
        bits = character - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError("no run lengths")
        number |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            number -= 1 << shift
        if len(lengths) > 2:
            number += lengths[-2]
        lengths.append(number)
        number = shift = 0
    if shift:
        raise ValueError("run lengths that end early")
    return lengths


def _columns(runs: npt.NDArray[np.int64], width: int, height: int) -> Pixels:
    """The columns that run lengths touch, which go from column to column."""
    places = np.cumsum(runs)
    last = len(runs) - (len(runs) % 2 == 1)  # runs of the area come second, fourth, ...
    if last == 0 or places[last - 1] == places[0]:
        return Pixels(np.zeros((0, 0), bool))
    begin, end = int(places[0]) // height, -(-int(places[last - 1]) // height)
    starts, ends = places[:last:2], places[1:last:2]
    columns = starts // height
    if (columns == (ends - 1) // height).all():
        return _within_columns(starts % height, (ends - 1) % height + 1, columns - begin, begin)
    inside = runs[:last].copy()
    inside[0] -= begin * height
    bits = np.zeros((end - begin) * height, bool)
    found = unrolled(inside)
    bits[: len(found)] = found
    return Pixels(bits.reshape(end - begin, height).T, left=begin)


def _within_columns(
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    left: int,
) -> Pixels:
    """The box around runs of which none goes on in the next column.

    ``first`` and ``last`` are their rows, the latter outside; ``columns`` count from ``left``.
    """
    top, bottom = int(first.min()), int(last.max())
    flips = np.zeros((bottom - top + 1, int(columns.max()) + 1), bool)
    flips[first - top, columns] = True
    flips[last - top, columns] = True
    inside = np.logical_xor.accumulate(flips, axis=0)[:-1]
    return Pixels(inside, left=left, top=top)
