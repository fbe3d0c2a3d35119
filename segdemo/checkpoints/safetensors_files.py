"""Reads the tensors of safetensors files, whose header was checked before."""

import math
from dataclasses import dataclass
from mmap import mmap
from typing import Any, BinaryIO

import torch
from torch import Tensor

from segdemo.checkpoints.safetensors_header import Header
from segdemo.errors import FileError

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
        dtype = _DTYPES[entry.kind]
        item = dtype.itemsize
        count = math.prod(entry.shape) * item
        taken = take(file, entry.start, count, item=item, name=name, device=device, mapped=mapped)
        if extents is not None:
            extents.note(taken, Extent(start=entry.start, count=count))
        tensors[key] = taken.view(dtype).view(entry.shape)
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
