"""Checks of a download: its size before any byte, its digest as it arrives."""

import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from segdemo.errors import HubError
from segdemo.wording import amount, shown

_CHUNK = 2**20


def make_sure_it_fits(filename: str, size: int, *, max_bytes: int, folder: Path) -> None:
    """Raise HubError for a file of more than ``max_bytes``, or than are free on the disk."""
    name = shown(filename)
    if size > max_bytes:
        raise HubError("hub_too_large", name=name, size=amount(size), limit=amount(max_bytes))
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if size > free:
        facts = {"name": name, "size": amount(size), "free": amount(free)}
        raise HubError("hub_disk_small", folder=str(folder), **facts)


class CheckedFile:
    """Counts and hashes a file as it is written, and refuses it at its end when it differs."""

    def __init__(
        self, filename: str, digest: str, size: int, *, progress: Callable[[int, int], None]
    ) -> None:
        """``digest``: see ``matches``. ``progress`` is told the bytes so far and in all."""
        self._filename = filename
        self._digest = digest
        self._hash = _hash(digest, size)
        self._size = size
        self._progress = progress

    def copy(self, pieces: Iterable[bytes], out: BinaryIO) -> None:
        """Write all ``pieces`` to ``out``. Raises HubError when they are too few, or differ."""
        received = 0
        for piece in pieces:
            self._hash.update(piece)
            out.write(piece)
            received += len(piece)
            self._progress(received, self._size)
        if received < self._size:
            raise HubError("hub_size", name=shown(self._filename))
        if not self._hash.hexdigest().startswith(self._digest):
            raise damaged(self._filename)


def damaged(filename: str) -> HubError:
    """The error for a file whose digest is not the announced one."""
    return HubError("hub_corrupt", name=shown(filename))


def matches(path: Path, digest: str) -> bool:
    """Whether the file has this digest.

    It is the SHA-1 of a git blob (40 hexadecimal digits), or the first digits of a SHA-256.
    """
    found = _hash(digest, path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest().startswith(digest)


def _hash(digest: str, size: int) -> "hashlib._Hash":
    if len(digest) == 40:
        # As git names its files, not to keep secrets.
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    return hashlib.sha256()
