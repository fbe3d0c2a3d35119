"""Lays files into the places of a visitor's page, each shown as the server has decoded it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.decode import Decoded
from segdemo.images.masks import VOID, Labels, TruthMask
from segdemo.images.palettes import CLASS_PALETTES
from segdemo.strings import text
from segdemo.ui.gradio_support.errors import explain
from segdemo.ui.intake.desk import Desk
from segdemo.ui.intake.payload import Placed
from segdemo.ui.viewer.map_files import cache_picture
from segdemo.ui.viewer.payload import CachedImage
from segdemo.ui.visitor import Visitor
from segdemo.wording import printable

THUMBNAIL = 320
"""Long side of a thumbnail, in pixels."""
_NAMES_SHOWN = 3
_VOID_COLOUR = (136, 136, 136)


class ReadTruth(Protocol):
    """``Handlers.truth``."""

    def __call__(
        self, path: Path, size: tuple[int, int], *, beside: Decoded | None = None
    ) -> TruthMask:
        """The mask of an image of that size. Raises PictureError."""


class Placing:
    """Remembers for each visitor what lies where."""

    def __init__(self, *, decoded: Callable[[Path], tuple[Decoded, str]], truth: ReadTruth) -> None:
        """``decoded`` and ``truth`` read an image and the mask of one; they raise PictureError."""
        self._decoded = decoded
        self._truth = truth

    def picture(self, visitor: Visitor, path: Path | None) -> Placed | None:
        """What the picture's place shows now; a mask of the last one says nothing of the next."""
        desk = visitor.of(Desk)
        desk.picture = desk.truth = None
        placed = self.show_picture(path) if path else None
        if placed is not None and placed.paths:
            desk.picture = path
        return placed

    def mask(self, visitor: Visitor, path: Path | None, picture: Path | None) -> Placed | None:
        """What the mask's place shows now, beside a ``picture``."""
        placed = self._show_mask(path, picture) if path else None
        visitor.of(Desk).truth = path if placed and placed.paths else None
        return placed

    def many(self, visitor: Visitor, kind: str, paths: Sequence[Path]) -> Placed | None:
        """What the place of many pictures shows now, or that of their masks ("masks")."""
        desk = visitor.of(Desk)
        if kind == "masks":
            desk.masks = tuple(paths)
        else:
            desk.pictures = tuple(paths)
        return _show_many(paths) if paths else None

    def clear(self, visitor: Visitor, kind: str) -> None:
        """Nothing lies in a place any more."""
        desk = visitor.of(Desk)
        if kind == "mask":
            desk.truth = None
        else:
            self.many(visitor, kind, ())

    def show_picture(self, path: Path) -> Placed:
        """A picture, or why it is none; never raises."""
        name = printable(path.name)
        try:
            decoded, _ = self._decoded(path)
        except Exception as error:
            return Placed(name=name, problem=explain(error))
        width, height = decoded.image.size
        notices = (notice.message() for notice in decoded.notices)
        return Placed(
            paths=(str(path),),
            name=name,
            facts=(text("place_size", width=width, height=height), *notices),
            thumbnail=_small(decoded.image),
        )

    def _show_mask(self, path: Path, picture: Path | None) -> Placed:
        name = printable(path.name)
        try:
            if picture is None:
                raise PictureError("place_mask_alone")
            decoded, _ = self._decoded(picture)
            mask = self._truth(path, decoded.image.size, beside=decoded)
        except Exception as error:
            return Placed(name=name, problem=explain(error))
        return Placed(
            paths=(str(path),),
            name=name,
            facts=(text("place_labels", labels=", ".join(map(str, mask.numbers[:12]))),),
            thumbnail=_small(coloured(mask.labels)),
        )

    def say_again(self, visitor: Visitor, kind: str, shown: Path | None = None) -> Placed | None:
        """The place of a picture or of its mask in the visitor's language of now.

        ``shown`` is the picture that lies there where none of theirs does.

        None where nothing has to be said.
        """
        desk = visitor.of(Desk)
        if kind == "picture":
            path = desk.picture or shown
            return self.show_picture(path) if path else None
        return self._show_mask(desk.truth, desk.picture or shown) if desk.truth else None

    def many_again(self, visitor: Visitor, kind: str) -> Placed:
        """A place of many in the visitor's language of now; an empty one is without a name.

        It is never skipped nor updated in part: Gradio 6.31 takes away the props of an HTML
        component for which this happens in a tab that was not opened yet.
        """
        desk = visitor.of(Desk)
        paths = desk.masks if kind == "masks" else desk.pictures
        return _show_many(paths) if paths else Placed()


def _show_many(paths: Sequence[Path]) -> Placed:
    names = [printable(path.name) for path in paths]
    more = len(names) - _NAMES_SHOWN
    line = ", ".join(names[:_NAMES_SHOWN])
    if more > 0:
        line = text("place_and_more", names=line, count=more)
    count = text("place_files", count=len(names)) if len(names) > 1 else text("place_file")
    return Placed(paths=tuple(map(str, paths)), name=count, facts=(line,))


def coloured(labels: Labels) -> Image.Image:
    """The labels (H, W) in colours that everybody can tell apart; the ground is black."""
    table = np.zeros((256, 3), np.uint8)
    colours = CLASS_PALETTES["safe"]
    for label in range(1, 256):
        hexadecimal = colours[label % len(colours)].removeprefix("#")
        table[label] = tuple(bytes.fromhex(hexadecimal))
    table[1] = 255
    table[VOID] = _VOID_COLOUR
    return Image.fromarray(table[labels])


def _small(image: Image.Image) -> CachedImage:
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    shown = cache_picture(small)
    return CachedImage(width=image.width, height=image.height, file=shown.file)
