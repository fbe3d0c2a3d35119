"""Reads a checkpoint file into a state dict without running code from it."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from typing import Any, BinaryIO

import torch

from segdemo.checkpoints.file_types import HEAD_BYTES, sentence_for, sentence_for_name
from segdemo.checkpoints.pickle_reader import PickleError
from segdemo.checkpoints.places import opened
from segdemo.checkpoints.safetensors_files import Extents, read_tensors
from segdemo.checkpoints.safetensors_header import opens_safetensors, read_header
from segdemo.checkpoints.torch_files import read_archive, read_legacy
from segdemo.errors import FileError

# What a file opens with decides who reads it; nothing else reaches a parser.
_ZIP = b"PK\x03\x04"
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))

# A server may say so of a file; PyTorch cannot count the bytes of such tensors, even on meta.
_NO_FILE_BYTES = 2**63


@dataclass(frozen=True, eq=False, kw_only=True)
class CheckpointFile:
    """What a file holds: a mapping that may wrap its tensors, and the file's own words."""

    content: Mapping[str, Any]
    metadata: Mapping[str, str] = field(default_factory=dict)
    extents: Extents = field(default_factory=Extents, repr=False)
    """Where the numbers of meta tensors lie; of rows of pickles it is not noted."""


def read_file(path: str | Path, *, mmap: bool = False) -> CheckpointFile:
    """The content of a safetensors file or of what torch.save wrote; by content, not name.

    The tensors own their memory, so that the file may change or vanish afterwards; they take
    no more than the file is long. Of a ``mmap`` file, into which nobody ever writes, numbers
    are read once they are used, and may be forgotten again: it may vanish, but a change would end
    the process. Objects of classes that are not PyTorch's are left out.
    Raises FileError; never runs code from the file.
    """
    with opened(path) as (file, name, size):
        mapped = _mapped(file) if mmap else None
        return read_content(file, name=name, size=size, device=torch.device("cpu"), mapped=mapped)


def read_content(
    file: BinaryIO, *, name: str, size: int, device: torch.device, mapped: mmap | None = None
) -> CheckpointFile:
    """What ``read_file`` gives, of a seekable file of ``size`` bytes, its tensors on ``device``.

    For meta tensors only what describes them is read. Raises FileError, and OSError where the
    file does.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if not head:
        raise FileError("file_empty", name=name)
    if size >= _NO_FILE_BYTES:
        raise FileError("file_damaged", name=name)
    part = sentence_for_name(name)
    if part is not None:
        raise FileError(part[0], name=name, **part[1])
    file.seek(0)
    extents = Extents()
    try:
        if opens_safetensors(head):
            header = read_header(file, name=name, size=size)
            tensors = read_tensors(
                file, header, name=name, device=device, mapped=mapped, extents=extents
            )
            return CheckpointFile(content=tensors, metadata=header.metadata, extents=extents)
        if head.startswith(_ZIP):
            content = read_archive(
                file, name=name, size=size, device=device, mapped=mapped, extents=extents
            )
            return CheckpointFile(content=content, extents=extents)
        if head.startswith(_PICKLES):
            content = read_legacy(file, name=name, size=size, device=device)
            return CheckpointFile(content=content)
    except (PickleError, LookupError, TypeError, ValueError, AttributeError) as error:
        # Where a file does not have the shape that its opening promises.
        raise FileError("file_damaged", name=name) from error
    raise FileError(sentence_for(head), name=name)


def _mapped(file: BinaryIO) -> mmap | None:
    """The file as memory of our own; None where that cannot be had."""
    # Elsewhere nobody could delete the file while it is in use.
    if os.name != "posix":
        return None
    with suppress(OSError, ValueError):
        return mmap(file.fileno(), 0, access=ACCESS_COPY)
    return None
