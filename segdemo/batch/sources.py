"""Finds the images behind files, folders, patterns and lists, and names their outputs."""

import glob
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from segdemo.errors import PictureError
from segdemo.images.formats import PICTURE_ENDINGS
from segdemo.outputs.files import FILE_KINDS
from segdemo.outputs.png import is_own_png
from segdemo.wording import printable

_HEAD_BYTES = 512
_OWN_NAME = re.compile(rf"(.+)\.({'|'.join(FILE_KINDS)})\.png", re.IGNORECASE)
_SIGNS = frozenset("*?[")


@dataclass(frozen=True, kw_only=True)
class Source:
    """An image on this disk, and what its outputs are called."""

    path: Path
    name: PurePath
    """Below the folder of the outputs, without an ending; no two sources of a run share it."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a person's words lead to."""

    sources: tuple[Source, ...]
    own: tuple[Path, ...] = ()
    """Left out, because an earlier run wrote them."""


def find_sources(named: Iterable[str | Path]) -> Found:
    """The images behind files, folders (with all below them) and patterns such as ``a/**/*.png``.

    Each file is there once, in the order in which it is named; folders in the order of names. In
    folders, hidden files and what has no ending of an image are left out; what an earlier run of
    ours wrote is left out everywhere. Raises PictureError for what leads to nothing.
    """
    paths: dict[Path, Path] = {}
    own: list[Path] = []
    for word in named:
        for path in _behind(word):
            if is_own(path):
                own.append(path)
            else:
                paths.setdefault(path.resolve(), path)
    if not paths:
        key = "predict_only_own" if own else "predict_nothing"
        raise PictureError(key, count=len(own))
    chosen = tuple(paths.values())
    names = names_below(chosen)
    sources = (Source(path=path, name=name) for path, name in zip(chosen, names, strict=True))
    return Found(sources=tuple(sources), own=tuple(own))


def listed(lines: Iterable[str]) -> list[str]:
    """What a list names, a line each; empty lines and those that begin with # are none."""
    words = (line.strip() for line in lines)
    return [word for word in words if word and not word.startswith("#")]


def names_below(paths: Sequence[Path]) -> list[PurePath]:
    """A name for each path, as it lies below the folder that all have in common.

    Without its ending where that is enough to tell it from the others, on a disk that does not
    tell capital letters apart, too.
    """
    absolute = [Path(os.path.abspath(path)) for path in paths]
    try:
        common = Path(os.path.commonpath([path.parent for path in absolute]))
        whole = [PurePath(path.relative_to(common)) for path in absolute]
    except ValueError:  # on several drives
        whole = [PurePath(path.drive.rstrip(":\\/"), *path.parts[1:]) for path in absolute]
    names = [path.with_suffix("") if path.stem else path for path in whole]
    while twice := _twice(names):
        # Whole names differ, but for capital letters: those are counted.
        fresh = [
            whole[i] if i in twice and names[i] != whole[i] else names[i] for i in range(len(names))
        ]
        names = fresh if fresh != names else _counted(names, twice)
    return names


def _twice(names: Sequence[PurePath]) -> set[int]:
    keys = [str(name).casefold() for name in names]
    counts = Counter(keys)
    return {place for place, key in enumerate(keys) if counts[key] > 1}


def _counted(names: Sequence[PurePath], twice: set[int]) -> list[PurePath]:
    return [
        name.with_name(f"{name.name}_{place + 1}") if place in twice else name
        for place, name in enumerate(names)
    ]


def _behind(word: str | Path) -> Iterator[Path]:
    path = Path(word).expanduser()
    if path.is_dir():
        yield from pictures_in(path)
    elif path.exists() or not _SIGNS & set(str(word)):
        # What is not there says so when its turn comes, and the others go on.
        yield path
    else:
        for found in sorted(glob.glob(str(path), recursive=True)):
            if Path(found).is_file():
                yield Path(found)


def pictures_in(folder: Path, endings: Collection[str] = PICTURE_ENDINGS) -> Iterator[Path]:
    """The files below a folder that have the ending of an image, in the order of names.

    Raises PictureError for a folder that cannot be read.
    """

    def refused(error: OSError) -> None:
        raise PictureError("predict_folder", name=printable(str(folder))) from error

    for parent, folders, files in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in endings:
                yield Path(parent, name)


def is_own(path: Path) -> bool:
    """Whether an earlier run wrote it: it is called so, and says so or lies beside its image."""
    called = _OWN_NAME.fullmatch(path.name)
    if called is None:
        return False
    try:
        with path.open("rb") as file:
            if is_own_png(file.read(_HEAD_BYTES)):
                return True
        beside = path.parent.glob(f"{glob.escape(called[1])}.*")
        return any(
            other.stem == called[1] and other.suffix.lower() in PICTURE_ENDINGS for other in beside
        )
    except OSError:
        return False
