"""What the pickles of torch.save describe: tensors over storages that lie outside of them."""

import io
import math
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from segdemo.checkpoints.limits import MAX_TENSORS, too_many
from segdemo.checkpoints.pickle_reader import (
    LongPickleError,
    Named,
    Opaque,
    PickleError,
    read_pickle,
)
from segdemo.errors import FileError
from segdemo.strings import text
from segdemo.wording import amount, shown

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
    r"|torch\.serialization\._get_layout|re\._compile|random\.Random"
    r"|numpy\.(poly1d|finfo)|numpy\._?core\.numeric\._frombuffer|numpy\.ma\.core\._mareconstruct"
    r"|numpy\.random\.(\w+\.)*__\w+"
    r"|pandas\.(\w+\.)*_\w*(unpickle|new_Index)\w*"
)
_DISTRIBUTED = "torch.distributed.checkpoint."
# Whose objects are saved whole -> the family, and the string that says what to do.
_LIBRARIES = {
    "ultralytics": ("YOLO", "family_yolo"),
    "monai": ("MONAI", "family_monai"),
    "nnunetv2": ("nnU-Net", "family_nnunet"),
    "nnunet": ("nnU-Net", "family_nnunet"),
    "detectron2": ("detectron2", "family_detectron2"),
    "mmseg": ("mmsegmentation", "family_mmseg"),
    "mmengine": ("mmsegmentation", "family_mmseg"),
}
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


class StorageReader:
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
            raise self._whole(content.name)
        if not isinstance(content, dict):
            raise FileError("file_not_weights", name=self.name, found=type(content).__name__)
        if not self._has_tensors(content) and self.objects:
            raise self._whole(self.objects[0])
        return content

    def _whole(self, found: str) -> FileError:
        """For an object that is no weights: what it is, and the way out of its library."""
        if found.startswith(_DISTRIBUTED):
            return FileError("file_distributed", name=self.name)
        package = found.partition(".")[0]
        if package in _LIBRARIES:
            family, key = _LIBRARIES[package]
            facts = {"found": shown(found), "family": family, "way_out": text(key)}
            return FileError("file_whole_family", name=self.name, **facts)
        return FileError("file_whole_object", name=self.name, found=shown(found))

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
