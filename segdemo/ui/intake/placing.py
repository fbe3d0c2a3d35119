"""Lays files into the places of a visitor's page, each shown as the server has decoded it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.decode import Decoded
from segdemo.images.masks import TruthMask
from segdemo.strings import text
from segdemo.ui.gradio_support.errors import explain
from segdemo.ui.intake.desk import Desk
from segdemo.ui.intake.label_colours import coloured
from segdemo.ui.intake.mask_panel import panel_of
from segdemo.ui.intake.payload import Placed
from segdemo.ui.viewer.map_files import cache_picture
from segdemo.ui.viewer.payload import CachedImage
from segdemo.ui.visitor import Visitor
from segdemo.wording import printable

THUMBNAIL = 320
"""Long side of a thumbnail, in pixels."""
_NAMES_SHOWN = 3


class ReadTruth(Protocol):
    """``Handlers.truth``."""

    def __call__(
        self,
        path: Path,
        size: tuple[int, int],
        *,
        beside: Decoded | None = None,
        reading: str | None = None,
        name: str = "",
    ) -> TruthMask:
        """The mask of an image of that size, read as ``reading``. Raises PictureError."""


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
        desk.reading = ""
        placed = self.show_picture(path) if path else None
        if placed is not None and placed.paths:
            desk.picture = path
        return placed

    def mask(
        self, visitor: Visitor, path: Path | None, picture: Path | None, reading: str = ""
    ) -> Placed | None:
        """What the mask's place shows now, beside a ``picture``; how the last was read is over."""
        placed = self._show_mask(path, picture, reading) if path else None
        desk = visitor.of(Desk)
        desk.truth = path if placed and placed.paths else None
        desk.reading = reading if desk.truth else ""
        return placed

    def read_as(self, visitor: Visitor, reading: str, picture: Path | None) -> Placed | None:
        """The mask's place with the mask read as ``reading``; "" is as it was read first.

        Raises PictureError, and nothing changes, where it cannot be read so. None without a mask.
        """
        desk = visitor.of(Desk)
        if desk.truth is None:
            return None
        placed = self._read_mask(desk.truth, desk.picture or picture, reading)
        desk.reading = reading
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
            desk.truth, desk.reading = None, ""
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

    def _show_mask(self, path: Path, picture: Path | None, reading: str) -> Placed:
        try:
            return self._read_mask(path, picture, reading)
        except Exception as error:
            return Placed(name=printable(path.name), problem=explain(error))

    def _read_mask(self, path: Path, picture: Path | None, reading: str) -> Placed:
        if picture is None:
            raise PictureError("place_mask_alone")
        decoded, _ = self._decoded(picture)
        mask = self._truth(
            path,
            decoded.image.size,
            beside=decoded,
            reading=reading or None,
            name=picture.name,
        )
        return Placed(
            paths=(str(path),),
            name=printable(path.name),
            facts=(text("place_labels", labels=", ".join(map(str, mask.numbers[:12]))),),
            thumbnail=_small(coloured(mask.labels)),
            panel=panel_of(mask, reading),
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
        if desk.truth is None:
            return None
        return self._show_mask(desk.truth, desk.picture or shown, desk.reading)

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


def _small(image: Image.Image) -> CachedImage:
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    shown = cache_picture(small)
    return CachedImage(width=image.width, height=image.height, file=shown.file)
