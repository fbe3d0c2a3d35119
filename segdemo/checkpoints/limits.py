"""How large the structure of a checkpoint may be, and how much of anything is told."""

import re
from collections.abc import Iterable

from segdemo.errors import FileError
from segdemo.strings import text

MAX_TENSORS = 10_000
"""In one file, side data included; several times what the largest network has."""
MAX_HEADER_BYTES = 1_000_000
"""Of what describes the tensors: a hundred bytes for each."""
MAX_DEPTH = 8
"""Of containers in containers; a pickle can contain itself."""

_SHOWN_CHARACTERS = 80
_SHOWN_NAMES = 5
_UNITS = (
    (10**12, "amount_terabytes"),
    (10**9, "amount_gigabytes"),
    (10**6, "amount_megabytes"),
    (10**3, "amount_kilobytes"),
    (1, "amount_bytes"),
)


def amount(count: int) -> str:
    """A number of bytes for people: "160 GB", "16 bytes"."""
    unit, key = next(((unit, key) for unit, key in _UNITS if count >= unit), _UNITS[-1])
    whole = min(count // unit, 10**6)
    return text(key, count=f"{count / unit:.1f}" if unit > 1 and whole < 10 else whole)


def shown(name: str) -> str:
    """A name from a file as it may stand in a sentence: one line, and not long."""
    return re.sub(r"[^\x20-\x7e]", "?", name[:_SHOWN_CHARACTERS])


def printable(name: str) -> str:
    """The name of a person's own file or folder, in any script: one line, and not long."""
    return "".join(sign if sign.isprintable() else "?" for sign in name[:_SHOWN_CHARACTERS])


def first_of(names: Iterable[str]) -> str:
    """The first few names, as they may stand in a sentence."""
    several = [shown(name) for name in names]
    return ", ".join(several[:_SHOWN_NAMES] + ["…"] * (len(several) > _SHOWN_NAMES))


def too_many(name: str) -> FileError:
    """For a file whose structure is larger than that of any network."""
    return FileError("file_too_many", name=name, limit=f"{MAX_TENSORS:,}")
