"""Bytes on disk to a state dict, without running code that they may hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segdemo.checkpoints.foreign import HEAD_BYTES, sentence_for
from segdemo.checkpoints.pickles import PickleError
from segdemo.checkpoints.safe import opens_safetensors, read_header, read_tensors
from segdemo.checkpoints.saved import read_archive, read_legacy
from segdemo.errors import FileError

METADATA_KEY = "segdemo"
"""Under which a safetensors file carries its own description, one JSON object."""

# What a file opens with decides who reads it; nothing else reaches a parser.
_ZIP = b"PK\x03\x04"
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


@dataclass(frozen=True, eq=False, kw_only=True)
class CheckpointFile:
    """What a file holds: a mapping that may wrap its tensors, and the file's own words."""

    content: Mapping[str, Any]
    metadata: Mapping[str, str] = field(default_factory=dict)


def read_file(path: str | Path) -> CheckpointFile:
    """The content of a safetensors file or of what torch.save wrote; by content, not name.

    The tensors own their memory, so that the file may change or vanish afterwards; they take
    no more than the file is long. Objects of classes that are not PyTorch's are left out.
    Raises FileError; never runs code from the file.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if not head:
            raise FileError("file_empty", name=path.name)
        if opens_safetensors(head):
            content, metadata = read_tensors(path)
            return CheckpointFile(content=content, metadata=metadata)
        if head.startswith(_ZIP):
            return CheckpointFile(content=read_archive(path))
        if head.startswith(_PICKLES):
            return CheckpointFile(content=read_legacy(path))
    except FileError:
        raise
    except OSError as error:
        raise FileError("file_unreadable", name=path.name) from error
    except (PickleError, LookupError, TypeError, ValueError, AttributeError) as error:
        # Where a file does not have the shape that its opening promises.
        raise FileError("file_damaged", name=path.name) from error
    raise FileError(sentence_for(head), name=path.name)


def read_metadata(path: str | Path) -> Mapping[str, str]:
    """The metadata in the header of a safetensors file; reads no tensor. Raises FileError."""
    path = Path(path)
    try:
        return read_header(path).metadata
    except OSError as error:
        raise FileError("file_unreadable", name=path.name) from error
