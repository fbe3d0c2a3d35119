"""What torch.save wrote, as a zip archive or as a row of pickles, to tensors.

PyTorch's own reader is not asked: it reserves what a row of pickles claims before it looks, and
gives up on weights beside which an object of some class is stored. Here such objects are left
out, because no pickle is given anything that it could call (see ``pickles``).
"""

import io
import struct
import zipfile
from collections.abc import Mapping
from mmap import mmap
from typing import Any, BinaryIO

import torch
from torch import Tensor

from segdemo.checkpoints.file_types import sentence_for_archive
from segdemo.checkpoints.limits import too_many
from segdemo.checkpoints.pickle_reader import PickleError
from segdemo.checkpoints.safetensors_files import Extent, Extents, fill, take
from segdemo.checkpoints.storages import StorageReader
from segdemo.errors import FileError
from segdemo.wording import amount

_MAX_PICKLE_BYTES = 8_000_000  # of what describes the tensors; several times what the limit needs
_MAX_DIRECTORY_BYTES = 2_000_000  # of an archive; likewise
_COUNT_BYTES = 8  # before each storage in a row of pickles
_BLOCK_BYTES = 4096  # how far pickles are read ahead of what is known to be theirs
_LEGACY_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
_LARGEST_ITEM = 8  # bytes of a number
_LOCAL_HEADER = struct.Struct("<26xHH")


def read_archive(
    file: BinaryIO,
    *,
    name: str,
    size: int,
    device: torch.device,
    mapped: mmap | None,
    extents: Extents | None = None,
) -> Mapping[str, Any]:
    """The mapping in a zip archive of torch.save, its tensors on ``device``; see ``take``.

    For meta tensors only the table of members and what describes the tensors is read, and where
    they lie is noted in ``extents``. Raises FileError and OSError.
    """
    members = _members(file, name, size)
    pickled = min(
        (member for member in members if member.rpartition("/")[2] == "data.pkl"),
        key=lambda member: member.count("/"),
    )
    folder = pickled.removesuffix("data.pkl")
    if members[pickled].file_size > _MAX_PICKLE_BYTES:
        raise too_many(name)
    stream = io.BytesIO(_bytes_of(file, members[pickled]))
    order = members.get(f"{folder}byteorder")
    if order is not None and _bytes_of(file, order) != b"little":
        raise FileError("file_foreign", name=name)

    def locate(key: str, count: int) -> tuple[Tensor | None, int]:
        member = members[f"{folder}data/{key}"]
        if count > member.file_size:
            return None, member.file_size
        start = 0 if device.type == "meta" else _start(file, member.header_offset)
        memory = take(
            file, start, count, item=_LARGEST_ITEM, name=name, device=device, mapped=mapped
        )
        if extents is not None and member.header_offset >= 0:
            extent = Extent(start=member.header_offset, count=count, in_archive=True)
            extents.note(memory, extent)
        return memory, member.file_size

    reader = StorageReader(name, locate)
    return reader.mapping(reader.read(stream))


def read_legacy(file: BinaryIO, *, name: str, size: int, device: torch.device) -> Mapping[str, Any]:
    """The mapping in the pickles that PyTorch wrote before 1.6, its tensors on ``device``.

    For meta tensors only the pickles are read. Raises FileError and OSError.
    """
    left = size
    claimed: dict[str, Tensor] = {}

    def locate(key: str, count: int) -> tuple[Tensor | None, int]:
        nonlocal left
        left -= _COUNT_BYTES + count
        # Mostly it is cut off: its storages follow behind all that describes them.
        if left < 0:
            raise FileError("file_damaged", name=name)
        memory = torch.empty(count, dtype=torch.uint8, device=device)
        return claimed.setdefault(key, memory), count

    reader = StorageReader(name, locate)
    stream = _Opening(file)
    if _LEGACY_MAGIC not in stream.read(32):
        stream.seek(0)
        reader.read_bare(stream)
    stream.seek(0)
    _, _, system, content, keys = (reader.read(stream) for _ in range(5))
    if not isinstance(system, dict) or not system.get("little_endian", True):
        raise FileError("file_foreign", name=name)
    mapping = reader.mapping(content)
    if not isinstance(keys, list) or set(keys) != claimed.keys() or stream.tell() > left:
        raise FileError("file_damaged", name=name)
    if device.type == "meta":
        return mapping
    file.seek(stream.tell())
    item_sizes = reader.item_sizes
    for key in keys:
        count = int.from_bytes(file.read(_COUNT_BYTES), "little")
        if count * item_sizes[key] != claimed[key].nbytes:
            raise FileError("file_damaged", name=name)
        fill(file, claimed[key], name)
    return mapping


class _Opening(io.BytesIO):
    """The beginning of a file, fetched as far as it is read and never beyond a pickle's limit."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        file.seek(0)
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        """Shorter only where the file or the limit ends."""
        assert size is not None
        data = super().read(size)
        while len(data) < size and self._fetch():
            data += super().read(size - len(data))
        return data

    def readline(self, size: int | None = -1) -> bytes:
        """Without its end only where the file or the limit ends."""
        line = super().readline()
        while not line.endswith(b"\n") and self._fetch():
            line += super().readline()
        return line

    def _fetch(self) -> bool:
        """Take another block, if there is one; the position stays."""
        position = self.tell()
        end = self.seek(0, io.SEEK_END)
        block = self._file.read(min(_BLOCK_BYTES, _MAX_PICKLE_BYTES - end))
        self.write(block)
        self.seek(position)
        return bool(block)


class _WaryFile:
    """A file that is not read in large pieces, as an absurd table of members would be."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Raises FileError for more than an archive's table may have."""
        if size > _MAX_DIRECTORY_BYTES:
            raise too_many(self._name)
        return self._file.read(size)


def _members(file: BinaryIO, name: str, size: int) -> dict[str, zipfile.ZipInfo]:
    """The members of an archive that holds no more than it is long, none of them compressed."""
    try:
        with zipfile.ZipFile(_WaryFile(file, name)) as archive:
            members = {member.filename: member for member in archive.infolist()}
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError) as error:
        raise FileError("file_damaged", name=name) from error
    key = sentence_for_archive(members)
    if key is not None:
        raise FileError(key, name=name)
    whole = sum(member.file_size for member in members.values())
    # PyTorch never compresses: what is larger inside was made to exhaust the memory.
    if whole > size or any(m.compress_type != zipfile.ZIP_STORED for m in members.values()):
        raise FileError("file_compressed", name=name, size=amount(size), whole=amount(whole))
    return members


def _start(file: BinaryIO, header_offset: int) -> int:
    """Where the bytes of a member begin, and the file then stands."""
    if header_offset < 0:  # of a table that lies about where the archive begins
        raise PickleError
    file.seek(header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise PickleError
    name_length, extra_length = _LOCAL_HEADER.unpack(header)
    return file.seek(int(name_length) + int(extra_length), io.SEEK_CUR)


def numbers_of(tensor: Tensor, extents: Extents, file: BinaryIO, *, name: str) -> Tensor | None:
    """The tensor on the CPU, read from its extent in the file; None where it has none.

    Raises FileError, PickleError and OSError.
    """
    extent = extents.of(tensor)
    if extent is None:
        return None
    memory = torch.empty(extent.count, dtype=torch.uint8)
    if extent.in_archive:
        _start(file, extent.start)
    else:
        file.seek(extent.start)
    fill(file, memory, name)
    numbers = memory.view(tensor.dtype)
    return numbers.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset()).clone()


def _bytes_of(file: BinaryIO, member: zipfile.ZipInfo) -> bytes:
    _start(file, member.header_offset)
    return file.read(member.file_size)
