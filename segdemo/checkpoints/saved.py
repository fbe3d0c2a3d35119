"""What torch.save wrote, as a zip archive or as a row of pickles, to tensors that own their memory.

PyTorch's own reader is not asked: it reserves what a row of pickles claims before it looks, and
gives up on weights beside which an object of some class is stored. Here such objects are left
out, because no pickle is given anything that it could call (see ``pickles``).
"""

import io
import math
import re
import struct
import sys
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch
from torch import Tensor

from segdemo.checkpoints.foreign import sentence_for_archive
from segdemo.checkpoints.limits import MAX_TENSORS, amount, shown, too_many
from segdemo.checkpoints.pickles import LongPickleError, Named, Opaque, PickleError, read_pickle
from segdemo.checkpoints.safe import fill
from segdemo.errors import FileError

_MAX_PICKLE_BYTES = 8_000_000  # of what describes the tensors; several times what the limit needs
_MAX_DIRECTORY_BYTES = 2_000_000  # of an archive; likewise
_COUNT_BYTES = 8  # before each storage in a row of pickles
_BLOCK_BYTES = 16 * 1024  # of what describes the tensors, fetched at a time
_LEGACY_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
_LOCAL_HEADER = struct.Struct("<26xHH")

_STORAGES = {
    "Double": torch.float64,
    "Float": torch.float32,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
    "ComplexFloat": torch.complex64,
    "ComplexDouble": torch.complex128,
    "Untyped": torch.uint8,
}
_STORAGE = re.compile(r"torch\.(?:cuda\.|storage\.)?(\w+)Storage")

# Functions that honest metadata call, and what of the standard library they are made of.
_INERT_FUNCTIONS = re.compile(
    r"copyreg\._reconstructor|_codecs\.encode|numpy\.(dtype|ndarray)"
    r"|numpy\._?core\.multiarray\.(scalar|_reconstruct)|torch\.(device|_utils\._rebuild_\w+)"
    r"|torch\.storage\._load_from_bytes|functools\.partial|collections\.(deque|defaultdict)"
    r"|builtins\.(set|frozenset|bytearray|complex|object|slice|range)"
    r"|datetime\.\w+"
)
_INERT_MODULES = {
    *("argparse", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions"),
    *("pathlib", "types", "typing", "uuid"),
}


@dataclass(frozen=True, eq=False, slots=True)
class _Storage:
    """Numbers in a row; ``memory`` is None where the file holds fewer bytes than claimed."""

    dtype: torch.dtype
    memory: Tensor | None
    claimed: int
    held: int


@dataclass(frozen=True, eq=False, slots=True)
class _Claim:
    """In the place of a tensor that says it is larger than what the file holds of it."""

    claimed: int
    held: int


def read_archive(
    file: BinaryIO, *, name: str, size: int, device: torch.device
) -> Mapping[str, Any]:
    """The mapping in a zip archive of torch.save, its tensors on ``device``.

    For meta tensors only the table of members and what describes the tensors is read. Raises
    FileError and OSError.
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
        memory = torch.empty(count, dtype=torch.uint8, device=device)
        if not memory.is_meta:
            _seek_start(file, member)
            fill(file, memory, name)
        return memory, member.file_size

    reader = _Reader(name, locate)
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

    reader = _Reader(name, locate)
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


def _seek_start(file: BinaryIO, member: zipfile.ZipInfo) -> None:
    """Go to where the bytes of a member begin."""
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise PickleError
    name_length, extra_length = _LOCAL_HEADER.unpack(header)
    file.seek(int(name_length) + int(extra_length), io.SEEK_CUR)


def _bytes_of(file: BinaryIO, member: zipfile.ZipInfo) -> bytes:
    _seek_start(file, member)
    return file.read(member.file_size)


class _Reader:
    """Turns what pickles describe into tensors over memory that ``locate`` gives.

    ``locate(key, count)`` returns as many bytes, or None if the file has fewer, and how many it
    has.
    """

    def __init__(self, name: str, locate: Callable[[str, int], tuple[Tensor | None, int]]) -> None:
        self.name = name
        self.locate = locate
        self.storages: dict[str, _Storage] = {}
        self.objects: list[str] = []
        self.tensors = 0

    @property
    def item_sizes(self) -> dict[str, int]:
        """Bytes of one number, by the storage's key."""
        return {key: storage.dtype.itemsize for key, storage in self.storages.items()}

    def read(self, stream: io.BytesIO) -> Any:
        """The next pickle."""
        try:
            return read_pickle(stream, call=self.call, persistent=self.stored)
        except LongPickleError as error:
            raise too_many(self.name) from error

    def read_bare(self, stream: io.BytesIO) -> None:
        """Raises FileError for a pickle that torch.save did not write."""
        # Damaged, or not all of it was read: it is no state dict either way.
        with suppress(PickleError):
            self.read(stream)
        raise FileError("file_pickle", name=self.name)

    def mapping(self, content: Any) -> Mapping[str, Any]:
        """The content if it is one and holds tensors as large as they claim."""
        if isinstance(content, Opaque):
            raise FileError("file_whole_object", name=self.name, found=shown(content.name))
        if not isinstance(content, dict):
            raise FileError("file_not_weights", name=self.name, found=type(content).__name__)
        if not self._has_tensors(content) and self.objects:
            raise FileError("file_whole_object", name=self.name, found=shown(self.objects[0]))
        return content

    def _has_tensors(self, content: dict[Any, Any]) -> bool:
        """Raises FileError for a tensor that claims more than there is."""
        found = False
        seen: set[int] = set()
        waiting = [content]
        while waiting:
            holder = waiting.pop()
            if id(holder) in seen:  # a pickle can contain itself, and the same dict often
                continue
            seen.add(id(holder))
            for key, value in holder.items():
                if isinstance(value, _Claim):
                    facts = {"claimed": amount(value.claimed), "held": amount(value.held)}
                    raise FileError("file_claims", name=self.name, tensor=shown(str(key)), **facts)
                found |= isinstance(value, Tensor)
                if isinstance(value, dict):
                    waiting.append(value)
        return found

    def stored(self, identity: Any) -> Any:
        """The storage that a pickle refers to."""
        kind, named, key, *_ = identity
        if kind == "module":
            return named
        count = identity[4]
        match = _STORAGE.fullmatch(named.name)
        dtype = _STORAGES.get(match[1]) if match else None
        if kind != "storage" or type(key) is not str or type(count) is not int or count < 0:
            raise PickleError
        if dtype is None:
            return Opaque(named.name)
        if key not in self.storages:
            claimed = count * dtype.itemsize
            memory, held = self.locate(key, claimed)
            self.storages[key] = _Storage(dtype, memory, claimed, held)
        view = identity[5] if len(identity) > 5 else None
        if view is not None:
            return self._part(self.storages[key], view)
        return self.storages[key]

    def _part(self, storage: _Storage, view: Any) -> _Storage:
        """Of a storage, as PyTorch before 0.4 shared them: key, first number, count."""
        _, first, count = view
        size = storage.dtype.itemsize
        if storage.memory is None:
            return storage
        part = storage.memory[first * size : (first + count) * size]
        if not 0 <= first <= first + count or part.nbytes != count * size:
            raise PickleError
        return _Storage(storage.dtype, part, part.nbytes, storage.held)

    def call(self, name: str, arguments: Any) -> Any:
        """What stands for a call: a tensor, a dict, or nothing that matters to weights.

        Raises FileError where a call has no other purpose than to run something.
        """
        if name in ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"):
            return self._tensor(*arguments[:4])
        if name == "torch._utils._rebuild_tensor_v3":
            storage, offset, shape, strides, _, _, dtype, *_ = arguments
            return self._tensor(storage, offset, shape, strides, _dtype_named(dtype))
        if name.startswith("torch._utils._rebuild_parameter"):
            return arguments[0]
        if name == "torch._tensor._rebuild_from_type_v2" and isinstance(arguments[0], Named):
            return self.call(arguments[0].name, arguments[2])
        if name == "collections.OrderedDict":
            return dict(_pairs(*arguments))
        if name == "torch.Size":
            return arguments[0]
        if not _is_inert(name):
            raise FileError("file_runs_code", name=self.name, found=shown(name))
        if name.endswith("._reconstructor") and isinstance(arguments[0], Named):
            name = arguments[0].name
        if not _INERT_FUNCTIONS.fullmatch(name):
            self.objects.append(name)
        return Opaque(name)

    def _tensor(
        self, storage: Any, offset: Any, shape: Any, strides: Any, dtype: torch.dtype | None = None
    ) -> Any:
        """A view of a storage that is large enough for each of its numbers to be stored."""
        self.tensors += 1
        if self.tensors > MAX_TENSORS:
            raise too_many(self.name)
        if not isinstance(storage, _Storage):
            return Opaque("torch.Tensor")
        numbers = [offset, *shape, *strides]
        if len(shape) != len(strides) or len(shape) > 16:
            raise PickleError
        if not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
            raise PickleError
        dtype = dtype or storage.dtype
        claimed = math.prod(shape) * dtype.itemsize
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        reached = 0 if 0 in shape else (last + 1) * dtype.itemsize
        if storage.memory is None or max(claimed, reached) > storage.memory.nbytes:
            held = storage.held if storage.memory is None else storage.memory.nbytes
            return _Claim(max(claimed, reached, storage.claimed), held)
        if 0 in shape:
            return torch.empty(0, dtype=dtype)
        whole = storage.memory[: storage.memory.nbytes // dtype.itemsize * dtype.itemsize]
        numbers_of = whole.view(dtype)
        return numbers_of.as_strided(shape, strides, numbers_of.storage_offset() + offset)


def _dtype_named(named: Any) -> torch.dtype:
    dtype = getattr(torch, named.name.removeprefix("torch."), None)
    if not isinstance(dtype, torch.dtype):
        raise PickleError
    return dtype


def _pairs(pairs: Any = ()) -> list[tuple[str, Any]]:
    """Of an ordered dict, as Python 2 wrote it; keys that name no tensor are left out."""
    return [(key, value) for key, value in pairs if isinstance(key, str)]


def _is_inert(name: str) -> bool:
    """Whether calling it makes an object, as metadata are made of, rather than does something."""
    if _INERT_FUNCTIONS.fullmatch(name):
        return True
    package, last = name.partition(".")[0], name.rpartition(".")[2]
    if package in sys.stdlib_module_names and package not in _INERT_MODULES:
        return False
    return last.lstrip("_")[:1].isupper()
