"""Reads what a safetensors file says before its tensors, checked; needs no PyTorch."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from segdemo.checkpoints.limits import MAX_HEADER_BYTES, MAX_TENSORS, too_many
from segdemo.checkpoints.places import opened
from segdemo.errors import FileError, SpecError
from segdemo.wording import amount, shown

METADATA_KEY = "segdemo"
"""Under which a safetensors file carries its own description, one JSON object."""

_PREFIX_BYTES = 8  # little endian, how long the header is
_FORMAT_LIMIT = 100_000_000  # bytes of a header, by the format's definition
_MAX_DIMENSIONS = 16
_METADATA = "__metadata__"
ITEM_BYTES = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL"), 1),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0"), 1),
}
"""Bytes of a number of each kind, by the names of safetensors 0.8."""

_PACKED_BITS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
"""Kinds of which several numbers share a byte; PyTorch has no arithmetic for them."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a tensor lies: ``start`` counts bytes from the file's beginning."""

    kind: str
    """The name of its dtype in the format, see ``ITEM_BYTES``."""
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Header:
    """What a safetensors file says before its tensors."""

    entries: Mapping[str, Entry]
    metadata: Mapping[str, str]


class _DamageError(Exception):
    """The header contradicts itself or the file."""


def opens_safetensors(head: bytes) -> bool:
    """Eight bytes say how long the header is, which is a JSON object.

    A text whose ninth character is a brace is none, whatever length its letters would be.
    """
    length = int.from_bytes(head[:_PREFIX_BYTES], "little")
    is_text = all(0x20 <= byte < 0x7F for byte in head[:_PREFIX_BYTES])
    return head[_PREFIX_BYTES : _PREFIX_BYTES + 1] == b"{" and not (
        is_text and length > _FORMAT_LIMIT
    )


def read_header(file: BinaryIO, *, name: str, size: int) -> Header:
    """The checked header of a file of ``size`` bytes that stands at its beginning.

    Sizes, places and the file's length agree. Raises FileError and OSError.
    """
    length = int.from_bytes(file.read(_PREFIX_BYTES), "little")
    if length > _FORMAT_LIMIT:
        raise FileError("file_header", name=name)
    if _PREFIX_BYTES + length > size:
        raise FileError("file_damaged", name=name)
    if length > MAX_HEADER_BYTES:
        raise too_many(name)
    try:
        document = json.loads(file.read(length), object_pairs_hook=_object)
        return _checked(document, _PREFIX_BYTES + length, size, name)
    except _TwiceError as error:
        raise FileError("file_twice", name=name, tensor=shown(error.key)) from error
    except (_DamageError, ValueError, RecursionError) as error:
        raise FileError("file_header", name=name) from error


def read_metadata(path: str | Path) -> Mapping[str, str]:
    """The metadata in the header of a safetensors file; reads no tensor. Raises FileError."""
    with opened(path) as (file, name, size):
        return read_header(file, name=name, size=size).metadata


def parse_metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What a safetensors file says of itself under ``segdemo``; {} when it is silent.

    Raises SpecError when that is no JSON object, or ``assume`` in it no name.
    """
    document = metadata.get(METADATA_KEY, "{}")
    try:
        words = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise senseless(METADATA_KEY, document, "a JSON object") from error
    if not isinstance(words, dict):
        raise senseless(METADATA_KEY, document, "a JSON object")
    if not isinstance(words.get("assume", ""), str):
        raise senseless("assume", words["assume"], "the name of a spelling")
    return words


def senseless(field: str, value: object, expected: str) -> SpecError:
    """For a field whose value is none of what is expected."""
    return SpecError("spec_invalid", field=field, value=repr(value)[:60], expected=expected)


class _TwiceError(Exception):
    """A name stands in an object twice: which of the two is meant?"""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found


def _checked(document: Any, first: int, size: int, name: str) -> Header:
    """The header whose tensors fill the file from ``first`` to its end, none over another."""
    if not isinstance(document, dict):
        raise _DamageError
    metadata = document.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _DamageError
    if len(document) > MAX_TENSORS:
        raise too_many(name)
    entries = {}
    places: list[tuple[int, int]] = []
    for key, said in document.items():
        if not isinstance(said, dict):
            raise _DamageError
        dtype, shape = said.get("dtype"), _shape(said.get("shape"))
        start, end = _pair(said.get("data_offsets"))
        if dtype in _PACKED_BITS:
            raise FileError("file_kind", name=name, tensor=shown(key), kind=dtype)
        if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
            raise _DamageError
        if 0 in shape:
            raise FileError("file_tensor_empty", name=name, tensor=shown(key))
        claimed = math.prod(shape) * ITEM_BYTES[dtype]
        if claimed > end - start >= 0:
            facts = {"tensor": shown(key), "claimed": amount(claimed), "held": amount(end - start)}
            raise FileError("file_claims", name=name, **facts)
        if claimed != end - start:
            raise _DamageError
        places.append((start, end))
        entries[key] = Entry(kind=dtype, shape=shape, start=first + start)
    position = 0
    for start, end in sorted(places):
        if start != position:
            raise _DamageError
        position = end
    if first + position > size:
        raise FileError("file_damaged", name=name)
    if first + position != size:
        raise _DamageError
    return Header(entries=entries, metadata=metadata)


def _pair(offsets: Any) -> tuple[int, int]:
    if not isinstance(offsets, list) or [type(place) for place in offsets] != [int, int]:
        raise _DamageError
    return offsets[0], offsets[1]


def _shape(shape: Any) -> tuple[int, ...]:
    """Of few dimensions, so that the product of absurd ones cannot take long either."""
    if not isinstance(shape, list) or len(shape) > _MAX_DIMENSIONS:
        raise _DamageError
    if not all(type(side) is int and 0 <= side < 2**63 for side in shape):
        raise _DamageError
    return tuple(shape)
