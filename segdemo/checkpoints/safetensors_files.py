"""Reads safetensors files; the header is checked before any tensor is read."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from mmap import mmap
from typing import Any, BinaryIO

import torch
from torch import Tensor

from segdemo.checkpoints.limits import MAX_HEADER_BYTES, MAX_TENSORS, too_many
from segdemo.errors import FileError
from segdemo.wording import amount, shown

_PREFIX_BYTES = 8  # little endian, how long the header is
_FORMAT_LIMIT = 100_000_000  # bytes of a header, by the format's definition
_MAX_DIMENSIONS = 16
_METADATA = "__metadata__"
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "C64": torch.complex64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "U16": torch.uint16,
    "U32": torch.uint32,
    "U64": torch.uint64,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "F8_E8M0": torch.float8_e8m0fnu,
}
_PACKED_BITS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
"""Kinds of which several numbers share a byte; PyTorch has no arithmetic for them."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a tensor lies: ``start`` counts bytes from the file's beginning."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Header:
    """What a safetensors file says before its tensors."""

    entries: Mapping[str, Entry]
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Extent:
    """A part of a file, in bytes."""

    start: int
    count: int
    in_archive: bool = False
    """Whether a member of an archive begins at ``start``, its own header first."""


class Extents:
    """The place of each memory that tensors on the meta device stand for."""

    def __init__(self) -> None:
        self._found: dict[int, Extent] = {}
        self._memories: list[Tensor] = []

    def note(self, memory: Tensor, place: Extent) -> None:
        """That this memory lies there; one with numbers in it lies nowhere else."""
        if memory.is_meta:
            # Held, so that no other memory gets its number.
            self._memories.append(memory)
            self._found[_number(memory)] = place

    def of(self, tensor: Tensor) -> Extent | None:
        """Where the memory of a tensor, or of what it is a view of, lies; None for any other."""
        return self._found.get(_number(tensor))


def _number(tensor: Tensor) -> int:
    number: int = tensor.untyped_storage()._cdata
    return number


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


def read_tensors(
    file: BinaryIO,
    header: Header,
    *,
    name: str,
    device: torch.device,
    mapped: mmap | None,
    extents: Extents | None = None,
) -> dict[str, Tensor]:
    """The tensors that the header describes, on ``device``; see ``take`` for their memory.

    Where they lie is noted in ``extents``. Raises FileError and OSError.
    """
    tensors = {}
    # In the order in which they lie, which is the one that disks are fast in.
    for key, entry in sorted(header.entries.items(), key=lambda item: item[1].start):
        item = entry.dtype.itemsize
        count = math.prod(entry.shape) * item
        taken = take(file, entry.start, count, item=item, name=name, device=device, mapped=mapped)
        if extents is not None:
            extents.note(taken, Extent(start=entry.start, count=count))
        tensors[key] = taken.view(entry.dtype).view(entry.shape)
    return {key: tensors[key] for key in header.entries}


def take(
    file: BinaryIO,
    start: int,
    count: int,
    *,
    item: int,
    name: str,
    device: torch.device,
    mapped: mmap | None,
) -> Tensor:
    """``count`` bytes from ``start`` on, uint8, on ``device``: read into memory of their own.

    In a file that is ``mapped`` they stay where they are until they are used, if that is a place
    for numbers of ``item`` bytes; to write into them changes no file. Raises FileError and OSError.
    """
    # At other places processors are slow, or refuse.
    if mapped is not None and count and start % item == 0:
        if start + count > len(mapped):
            raise FileError("file_damaged", name=name)
        return torch.frombuffer(mapped, dtype=torch.uint8, count=count, offset=start)
    memory = torch.empty(count, dtype=torch.uint8, device=device)
    if not memory.is_meta:
        file.seek(start)
        fill(file, memory, name)
    return memory


def fill(file: BinaryIO, tensor: Tensor, name: str) -> None:
    """Read the bytes of a contiguous tensor from where the file stands. Raises FileError."""
    if not tensor.nbytes:
        return
    numbers: Any = tensor.reshape(-1).view(torch.uint8).numpy()
    memory = memoryview(numbers)
    while memory:  # a single read of the system returns 2 GiB at most
        count = file.readinto(memory)  # type: ignore[attr-defined]
        if not count:
            raise FileError("file_damaged", name=name)
        memory = memory[count:]


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
        if not isinstance(dtype, str) or dtype not in _DTYPES:
            raise _DamageError
        if 0 in shape:
            raise FileError("file_tensor_empty", name=name, tensor=shown(key))
        claimed = math.prod(shape) * _DTYPES[dtype].itemsize
        if claimed > end - start >= 0:
            facts = {"tensor": shown(key), "claimed": amount(claimed), "held": amount(end - start)}
            raise FileError("file_claims", name=name, **facts)
        if claimed != end - start:
            raise _DamageError
        places.append((start, end))
        entries[key] = Entry(dtype=_DTYPES[dtype], shape=shape, start=first + start)
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
