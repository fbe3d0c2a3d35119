"""Splits a large image into overlapping tiles that fit in memory and give the same output."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from segdemo.engine.receptive_field import ReceptiveField

_MOST_PARTS = 16
"""Along one side."""
_MOST_WORK = 3.0
"""How many times the image's pixels may be computed in all: what overlaps is computed again."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A part of one side: what the network is given, and what of its answer is kept."""

    start: int
    stop: int
    kept_start: int
    """In the whole answer, as ``kept_stop``."""
    kept_stop: int | None
    """None: to the end of the answer."""


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """Every part of the rows with every part of the columns."""

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def count(self) -> int:
        """How many parts there are."""
        return len(self.rows) * len(self.columns)

    @property
    def sizes(self) -> frozenset[tuple[int, int]]:
        """The height and width of each part, every pair once."""
        rows, columns = ({s.stop - s.start for s in spans} for spans in (self.rows, self.columns))
        return frozenset(product(rows, columns))


def best_tiling(height: int, width: int, field: ReceptiveField, share: float) -> Tiling | None:
    """The least work of which no part has more than ``share`` of the pixels.

    None when the parts would overlap so much that it is not worth it.
    """
    sides = [list(_splits(length, field)) for length in (height, width)]
    fitting = [
        (work, Tiling(rows=rows, columns=columns))
        for rows, columns in product(*sides)
        if _largest(rows) * _largest(columns) <= share * height * width
        and (work := _total(rows) * _total(columns)) <= _MOST_WORK * height * width
    ]
    return min(fitting, key=lambda entry: entry[0])[1] if fitting else None


def tiled(run: Callable[[Tensor], Tensor], pictures: Tensor, parts: Tiling) -> Tensor:
    """``run(pictures)`` within rounding: what each part of the image says of its own middle.

    ``run`` takes (N, C, H, W) and has the receptive field that the parts were made for.
    """
    made = [
        [_kept(run(_part(pictures, row, column)), row, column) for column in parts.columns]
        for row in parts.rows
    ]
    return torch.cat([torch.cat(row, dim=3) for row in made], dim=2)


def _part(pictures: Tensor, row: Span, column: Span) -> Tensor:
    return pictures[:, :, row.start : row.stop, column.start : column.stop]


def _kept(answer: Tensor, row: Span, column: Span) -> Tensor:
    rows, columns = (
        slice(span.kept_start - span.start, span.kept_stop and span.kept_stop - span.start)
        for span in (row, column)
    )
    # A copy, or else the whole answer would stay in memory.
    return answer[:, :, rows, columns].clone()


def _splits(length: int, field: ReceptiveField) -> Iterator[tuple[Span, ...]]:
    """One part, two parts and so on, all but the last of the same length."""
    yield (Span(start=0, stop=length, kept_start=0, kept_stop=None),)
    before, after = (_up(margin, field.step) for margin in (field.before, field.after))
    overlap = before + after
    for count in range(2, _MOST_PARTS + 1):
        window = _up(-(-(length + (count - 1) * overlap) // count), field.step)
        if window <= overlap or window >= length:
            return
        starts = [number * (window - overlap) for number in range(count)]
        # Rounding up may have made the last one superfluous.
        starts = [start for start in starts if start == 0 or start + overlap < length]
        yield tuple(
            Span(
                start=start,
                stop=min(start + window, length),
                kept_start=start + before if start else 0,
                kept_stop=None if start == starts[-1] else start + window - after,
            )
            for start in starts
        )


def _up(length: int, step: int) -> int:
    return length + -length % step


def _largest(spans: tuple[Span, ...]) -> int:
    return max(span.stop - span.start for span in spans)


def _total(spans: tuple[Span, ...]) -> int:
    return sum(span.stop - span.start for span in spans)
