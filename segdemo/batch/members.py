"""Collects dropped images and masks from files and archives, checks them and pairs them.

Nothing is unpacked to disk: a member is read into memory when its turn comes, and the names in an
archive are only ever shown and compared.
"""

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from segdemo.errors import PictureError
from segdemo.images.annotations.reading import MAX_BYTES, images_in, is_annotation_file
from segdemo.images.formats import PICTURE_ENDINGS
from segdemo.wording import amount, printable

MAX_PICTURES = 200
MAX_ENTRIES = 2000
"""Of one archive, whatever they are."""
MAX_UNPACKED_BYTES = 4_000_000_000
"""Of one archive's images together, as it states them."""
MAX_RATIO = 200
"""Of unpacked to packed bytes, where an entry is large."""

_LARGE = 10_000_000
_MAX_DIRECTORY_BYTES = 2_000_000
_ENCRYPTED = 0x1
_MASK_ENDING = "_mask"
_OF_MANY = (".json", ".xml")
"""Endings of annotations that one file may hold of many images."""

_ARCHIVE_ENDING = ".zip"
# What macOS adds to every archive.
_SIDE_FOLDER = "__MACOSX"

# Of an archive that lies Python says whatever it stumbles over.
_DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError),
    *(OSError, RuntimeError, ValueError, IndexError),
)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file that was dropped, or one in an archive."""

    name: str
    """Its own name without folders, on one line."""
    path: Path
    """The file on this disk."""
    index: int | None = None
    """Its place in the archive at ``path``."""
    failure: PictureError | None = None
    """Why it cannot be read, where that is known already."""

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.name).stem

    def read(self, limit: int) -> bytes:
        """Its bytes, at most ``limit``. Raises PictureError."""
        if self.failure is not None:
            raise self.failure
        try:
            content = self._bytes(limit + 1)
        except _DAMAGES as error:
            raise PictureError("batch_damaged", name=self.name) from error
        if len(content) > limit:
            size = self.path.stat().st_size if self.index is None else len(content)
            raise PictureError("page_picture_bytes", size=amount(size), limit=amount(limit))
        return content

    def _bytes(self, count: int) -> bytes:
        if self.index is None:
            with self.path.open("rb") as file:
                return file.read(count)
        with (
            zipfile.ZipFile(self.path) as archive,
            archive.open(archive.infolist()[self.index]) as entry,
        ):
            return entry.read(count)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An image, and the mask that a person drew of it."""

    picture: Member
    mask: Member | None = None


def gather(paths: Sequence[Path], *, limit: int) -> tuple[Member, ...]:
    """The images in files and ZIP archives, in order; ``limit`` is the most bytes of one.

    Archives in an archive stay closed. What is known to be unreadable is a member that says so.
    Raises PictureError for an archive that nobody would make by accident, and for more than
    MAX_PICTURES.
    """
    members: list[Member] = []
    for path in paths:
        # ImageJ's regions of one image come as an archive, too.
        if path.suffix.lower() == _ARCHIVE_ENDING and not is_annotation_file(path):
            members.extend(_inside(path, limit))
        else:
            members.append(Member(name=printable(path.name), path=path))
    if len(members) > MAX_PICTURES:
        raise PictureError("batch_too_many", count=len(members), limit=MAX_PICTURES)
    return tuple(members)


def _inside(path: Path, limit: int) -> Iterator[Member]:
    name = printable(path.name)
    try:
        with path.open("rb") as file, zipfile.ZipFile(_WaryFile(file)) as archive:
            entries = archive.infolist()
    except _DAMAGES as error:
        raise PictureError("batch_archive", name=name) from error
    if len(entries) > MAX_ENTRIES:
        raise PictureError("batch_entries", name=name, count=len(entries), limit=MAX_ENTRIES)
    chosen = [(index, entry) for index, entry in enumerate(entries) if _is_meant(entry)]
    whole = sum(entry.file_size for _, entry in chosen)
    if whole > MAX_UNPACKED_BYTES:
        limits = {"size": amount(whole), "limit": amount(MAX_UNPACKED_BYTES)}
        raise PictureError("batch_unpacked", name=name, **limits)
    for _, entry in chosen:
        if entry.file_size > _LARGE and entry.file_size > MAX_RATIO * entry.compress_size:
            raise PictureError("batch_bomb", name=name, ratio=MAX_RATIO)
    for index, entry in chosen:
        own = _own_name(entry)
        failure = _failure_of(entry, own, limit)
        yield Member(name=own, path=path, index=index, failure=failure)


class _WaryFile:
    """A file that is not read in large pieces, as an absurd table of entries would be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Raises ValueError for more than the table of an archive may have."""
        if size > _MAX_DIRECTORY_BYTES:
            raise ValueError(size)
        return self._file.read(size)


def _own_name(entry: zipfile.ZipInfo) -> str:
    return printable(PurePosixPath(entry.filename.replace("\\", "/")).name)


def _is_meant(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    return (
        not entry.is_dir()
        and not path.name.startswith(".")
        and _SIDE_FOLDER not in path.parts
        and path.suffix.lower() in {*PICTURE_ENDINGS, _ARCHIVE_ENDING}
    )


def _failure_of(entry: zipfile.ZipInfo, name: str, limit: int) -> PictureError | None:
    if name.lower().endswith(_ARCHIVE_ENDING):
        return PictureError("batch_nested", name=name)
    if entry.flag_bits & _ENCRYPTED:
        return PictureError("batch_encrypted", name=name)
    if entry.file_size > limit:
        return PictureError("page_picture_bytes", size=amount(entry.file_size), limit=amount(limit))
    return None


def match(pictures: Sequence[Member], masks: Sequence[Member]) -> tuple[Pair, ...]:
    """Each image with the mask of its name, whatever their endings: ``a.gif``, ``a_mask.gif``.

    A single file of annotations about several images is that of all. A name that occurs twice on
    either side tells nobody's mask: it becomes one that says so.
    """
    if len(masks) == 1 and _is_of_many(masks[0]):
        # Which of them are an image's is told by its name, when its turn comes.
        return tuple(Pair(picture=picture, mask=masks[0]) for picture in pictures)
    drawn: dict[str, Member] = {}
    for mask in masks:
        drawn[mask.stem] = mask if mask.stem not in drawn else _twice(mask)
    named = Counter(picture.stem for picture in pictures)
    return tuple(Pair(picture=picture, mask=_only(picture, drawn, named)) for picture in pictures)


def _is_of_many(mask: Member) -> bool:
    if PurePosixPath(mask.name).suffix.lower() not in _OF_MANY:
        return False
    try:
        return images_in(mask.read(MAX_BYTES)) > 1
    except PictureError:
        return False


def _only(picture: Member, drawn: dict[str, Member], named: Counter[str]) -> Member | None:
    mask = drawn.get(picture.stem) or drawn.get(picture.stem + _MASK_ENDING)
    return _twice(picture) if mask is not None and named[picture.stem] > 1 else mask


def _twice(member: Member) -> Member:
    failure = PictureError("batch_mask_twice", name=member.name)
    return Member(name=member.name, path=member.path, index=member.index, failure=failure)
