"""Writes what a network says of an image as the files that people keep."""

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from segdemo.errors import ExportError
from segdemo.inference.maps import level_of
from segdemo.inference.prediction import Prediction
from segdemo.outputs.png import encode_png
from segdemo.outputs.render import MAX_CLASSES, View, draw, label_picture
from segdemo.wording import one_line, printable

FileKind = Literal["mask", "probability", "overlay", "cutout", "labels"]
FILE_KINDS: tuple[FileKind, ...] = get_args(FileKind)


def kinds_of(classes: int, asked: Collection[FileKind] = ()) -> tuple[FileKind, ...]:
    """The files of a network of so many classes: those asked for, or all that are usual.

    Labels are usual of 3 to 256 classes; of fewer they are 0 and 1, where asked for; of more there
    are none.
    """
    labelled = 2 < classes <= MAX_CLASSES or (classes <= 2 and "labels" in asked)
    return tuple(
        kind
        for kind in FILE_KINDS
        if (not asked or kind in asked) and (kind != "labels" or labelled)
    )


def target_of(folder: Path, name: os.PathLike[str] | str, kind: FileKind) -> Path:
    """Where the file of that kind goes: ``name.kind.png`` below the folder."""
    path = folder / name
    return path.with_name(f"{path.name}.{kind}.png")


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawing:
    """An image, and what a network says of it, as files of the image's own size.

    Mask, probability and cut-out are those of the class that the view picks, or of the foreground;
    labels and overlay show all classes where there are 3 to 256.
    """

    picture: Image.Image
    """Mode RGB."""
    view: View

    def draw(self, kind: FileKind) -> Image.Image:
        """One of the files as an image."""
        view, winners = self.view, self.winners
        if kind == "labels":
            if winners.by_class:
                return draw("mask", self.picture, winners)
            return label_picture(view.mask.view(np.uint8), ("#000000", view.colour))
        return draw(kind, self.picture, winners if kind == "overlay" and winners.by_class else view)

    def write(
        self, folder: Path, name: os.PathLike[str] | str, asked: Collection[str] = ()
    ) -> dict[FileKind, Path]:
        """The files asked for, or all that are usual, each whole or not there. Raises ExportError.

        ``name`` may have folders, which are made.
        """
        written: dict[FileKind, Path] = {}
        for kind in kinds_of(self.view.classes, require_kinds(asked)):
            target = target_of(folder, name, kind)
            write_whole(target, encode_png(self.draw(kind)))
            written[kind] = target
        return written

    @cached_property
    def winners(self) -> View:
        """The view of all classes, where there are several."""
        return replace(self.view, pick="all")

    @cached_property
    def shares(self) -> tuple[dict[str, Any], ...]:
        """Number, name and share of the pixels of each class that wins any, the largest first.

        Nothing where there are no 3 to 256 classes.
        """
        winners, names = self.winners, self.view.class_names
        if not winners.by_class:
            return ()
        shares = np.bincount(winners.labels.ravel(), minlength=winners.classes)
        rows = [
            {
                "number": number,
                "name": names[number] if number < len(names) else "",
                "share": share / winners.labels.size,
            }
            for number, share in enumerate(shares.tolist())
            if share
        ]
        return tuple(sorted(rows, key=lambda row: -row["share"]))


def drawing_of(prediction: Prediction, picture: Image.Image, threshold: float | None) -> Drawing:
    """The files of a prediction, cut at a threshold or the checkpoint's own."""
    own = prediction.threshold if threshold is None else threshold
    view = View(prediction=prediction, threshold=level_of(own), class_names=prediction.class_names)
    return Drawing(picture=picture, view=view)


def require_kinds(words: Collection[str]) -> tuple[FileKind, ...]:
    """The kinds of files that words name. Raises ExportError for another."""
    known: dict[str, FileKind] = {kind: kind for kind in FILE_KINDS}
    for word in words:
        if word not in known:
            listed = ", ".join(FILE_KINDS)
            raise ExportError("output_kind", value=one_line(word), known=listed)
    return tuple(known[word] for word in words)


def write_whole(target: Path, content: bytes) -> None:
    """The bytes as a file that is never seen half written. Raises ExportError."""
    unfinished = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error


def require_folder(folder: Path) -> None:
    """Makes a folder for outputs where there is none. Raises ExportError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if folder.exists():
            raise ExportError("output_no_folder", name=printable(str(folder))) from error
        raise _unwritable(folder, error) from error


def _unwritable(path: Path, error: OSError) -> ExportError:
    reason = error.strerror or type(error).__name__
    return ExportError("output_unwritable", name=printable(str(path)), reason=reason)
