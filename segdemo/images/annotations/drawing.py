"""Draws the shapes of an annotation file into a label map."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import Shared
from segdemo.images.annotations.shapes import Annotations, Bits, Pixels, Shape, endless
from segdemo.images.labels import VOID, Labels
from segdemo.images.notices import Notice
from segdemo.wording import printable

_TOLD = 8
MOST_STEPS = 1_000_000_000
"""Pixels that are looked at for all shapes: some seconds."""
_CROSSING = 20
"""What it costs that an edge crosses a row, in pixels that are looked at."""
_STRIP = 4_000_000
"""Pixels and edges that are looked at together."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two are outside."""


def label_map(found: Annotations, form: str, shared: Shared) -> tuple[Labels, list[Notice]]:
    """(H, W) of labels, later shapes over earlier ones, and what is to be known about it.

    ``form`` is the name of the format, for people. Classes are numbered from 1 in the order in
    which their names come. Raises PictureError for more than 250 of them, for what would take
    minutes to draw, and where nobody says how large the image is.
    """
    if found.size is None:
        raise PictureError("annotation_no_size", format=form)
    labels = np.zeros(found.size[::-1], np.uint8)
    steps = 0
    for shape in found.shapes:
        number = label_of(shape, shared)
        if shape.pixels is not None:
            pixels = shape.pixels()
            steps += pixels.bits.size
            _paste(labels, pixels, number)
        else:
            box = _box_of(shape, found.size)
            steps += _steps_of(shape, box, found.size[1])
            if steps <= MOST_STEPS:
                _fill(labels, shape, box, number)
        if steps > MOST_STEPS:
            raise endless()
    return labels, list(_notices(found, form, shared))


def label_of(shape: Shape, shared: Shared) -> int:
    """The label of a shape, VOID where it says nothing. Raises PictureError for too many."""
    if shape.void:
        return VOID
    return shared.number(shape.label) if shape.number is None else shape.number


def _notices(found: Annotations, form: str, shared: Shared) -> Iterable[Notice]:
    named = {shape.label for shape in found.shapes if shape.label and not shape.void}
    numbered = sorted((shared.classes[name], name) for name in named if name in shared.classes)
    told = [f"{number} = {printable(name)}" for number, name in numbered[:_TOLD]]
    if len(numbered) > 1:
        more = ", …" if len(numbered) > _TOLD else ""
        facts = {"format": form, "classes": ", ".join(told) + more}
        yield Notice(key="annotation_classes_are", facts=facts)
    if found.left_out:
        yield Notice(key="annotation_left_out", facts={"count": found.left_out})


def _paste(labels: Labels, pixels: Pixels, number: int) -> None:
    height, width = labels.shape
    left, top = max(0, pixels.left), max(0, pixels.top)
    inside = pixels.bits[max(0, -pixels.top) :, max(0, -pixels.left) :]
    inside = inside[: max(0, height - top), : max(0, width - left)]
    rows, columns = inside.shape
    labels[top:, left:][:rows, :columns][inside] = number


def _box_of(shape: Shape, size: tuple[int, int]) -> Box:
    """What a shape may cover of an image."""
    width, height = size
    xs = [x for ring in shape.rings for x, _ in ring]
    ys = [y for ring in shape.rings for _, y in ring]
    return (
        min(width, max(0, math.floor(min(xs)))),
        min(height, max(0, math.floor(min(ys)))),
        max(0, min(width, math.ceil(max(xs)) + 1)),
        max(0, min(height, math.ceil(max(ys)) + 1)),
    )


def _steps_of(shape: Shape, box: Box, height: int) -> int:
    left, top, right, bottom = box
    crossings = 0.0
    for ring in shape.rings:
        rows = np.clip([y for _, y in ring], 0, height)
        crossings += float(np.abs(rows - np.roll(rows, 1)).sum()) + len(ring)
        if shape.form == "ellipse":
            # Pillow goes along all of it, in the image or not.
            (x0, y0), (x1, y1) = ring
            crossings += 2 * (x1 - x0 + y1 - y0)
    area = max(0, bottom - top) * max(0, right - left)
    return area + _CROSSING * math.ceil(crossings)


def _fill(labels: Labels, shape: Shape, box: Box, number: int) -> None:
    left, top, right, bottom = box
    if left >= right or top >= bottom:
        return
    part = labels[top:bottom, left:right]
    if shape.fill == "centre":
        _fill_centres(part, [np.asarray(ring) - (left, top) for ring in shape.rings], number)
        return
    layer = Image.new("1", (right - left, bottom - top))
    draw: Any = getattr(ImageDraw.Draw(layer), shape.form)
    for ring in shape.rings:
        draw([(x - left, y - top) for x, y in ring], outline=1, fill=1)
    part[np.asarray(layer)] = number


def _fill_centres(labels: Labels, rings: Sequence[npt.NDArray[np.float64]], number: int) -> None:
    """Set every pixel whose centre lies inside by the even-odd rule, some rows at a time."""
    height, width = labels.shape
    begins = np.concatenate(rings)
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    rising = begins[:, 1] <= ends[:, 1]
    upper = np.where(rising[:, None], begins, ends)
    lower = np.where(rising[:, None], ends, begins)
    # The rows whose centres an edge crosses, its upper end included.
    first = np.clip(np.ceil(upper[:, 1] - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(lower[:, 1] - 0.5), 0, height).astype(np.int64)
    rows = max(1, _STRIP // max(width + 1, len(begins)))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        near = (first < bottom) & (last > top)
        inside = _parity(
            *(upper[near], lower[near]),
            np.maximum(first[near], top),
            np.minimum(last[near], bottom),
            (top, bottom, width),
        )
        labels[top:bottom][inside] = number


def _parity(
    upper: npt.NDArray[np.float64],
    lower: npt.NDArray[np.float64],
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    strip: tuple[int, int, int],
) -> Bits:
    """(rows, width): which centres have an odd number of edges on their left.

    Edges go from ``upper`` to ``lower`` and cross the rows from ``first`` to before ``last``;
    ``strip`` is its first row, the row after its last, and its width.
    """
    top, bottom, width = strip
    counts = last - first
    edges = np.repeat(np.arange(len(counts)), counts)
    rows = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edges]
    (x0, y0), (x1, y1) = upper[edges].T, lower[edges].T
    crossed = x0 + (rows + 0.5 - y0) / (y1 - y0) * (x1 - x0)
    columns = np.clip(np.ceil(crossed - 0.5), 0, width).astype(np.int64)
    cells = (bottom - top) * (width + 1)
    flips = np.bincount((rows - top) * (width + 1) + columns, minlength=cells) & 1
    grid = flips.astype(bool).reshape(bottom - top, width + 1)[:, :width]
    inside: Bits = np.logical_xor.accumulate(grid, axis=1)
    return inside
