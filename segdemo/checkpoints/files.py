"""Bytes on disk to a state dict, without running code that they may hold."""

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from segdemo.devices import is_out_of_memory
from segdemo.errors import FileError

METADATA_KEY = "segdemo"
"""Under which a safetensors file carries its own description, one JSON object."""

# What a file opens with decides who reads it; nothing else reaches a parser.
_HEAD_BYTES = 512
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_SAFETENSORS_HEADER_LIMIT = 100_000_000  # bytes, by the format's definition
_WEB_PAGE = re.compile(rb"\A(\xef\xbb\xbf)?\s*<(!doctype\s+)?html", re.IGNORECASE)
_POINTER = re.compile(rb"\Aversion https://git-lfs")

_GLOBAL = re.compile(r"GLOBAL ([\w.]{1,80})")


@dataclass(frozen=True, eq=False, kw_only=True)
class CheckpointFile:
    """What a file holds: a mapping that may wrap its tensors, and the file's own words."""

    content: Mapping[str, Any]
    metadata: Mapping[str, str] = field(default_factory=dict)


def read_file(path: str | Path) -> CheckpointFile:
    """The content of a safetensors file, or of a pickle by ``weights_only``; by content, not name.

    The tensors own their memory, so that the file may change or vanish afterwards.
    Raises FileError; never runs code from the file.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise FileError("file_unreadable", name=path.name) from error
    if not head:
        raise FileError("file_empty", name=path.name)
    if _opens_safetensors(head):
        return _read_safetensors(path)
    if head.startswith(_ZIP):
        _check_archive(path)
    elif not head.startswith(_PICKLE):
        raise FileError(_foreign(head), name=path.name)
    return CheckpointFile(content=_read_pickle(path))


def read_metadata(path: str | Path) -> Mapping[str, str]:
    """The metadata in the header of a safetensors file; reads no tensor. Raises FileError."""
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise FileError("file_damaged", name=path.name) from error


def _opens_safetensors(head: bytes) -> bool:
    """Eight bytes say how long the header is, which is a JSON object."""
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and length <= _SAFETENSORS_HEADER_LIMIT


def _foreign(head: bytes) -> str:
    """The sentence for what is often found in a checkpoint's place."""
    if _WEB_PAGE.match(head):
        return "file_web_page"
    return "file_pointer" if _POINTER.match(head) else "file_foreign"


def _read_safetensors(path: Path) -> CheckpointFile:
    try:
        with safe_open(path, framework="pt") as file:
            # Copied, because a mapped file that somebody overwrites ends the whole process.
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
            return CheckpointFile(content=tensors, metadata=file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise FileError("file_damaged", name=path.name) from error


def _check_archive(path: Path) -> None:
    """Refuse archives that hold no state dict or unpack to more than they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileError("file_damaged", name=path.name) from error
    names = {member.filename.rpartition("/")[2] for member in members}
    if "constants.pkl" in names:
        raise FileError("file_torchscript", name=path.name)
    if "data.pkl" not in names:
        raise FileError("file_foreign", name=path.name)
    # PyTorch never compresses: what is larger inside was made to exhaust the memory.
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise FileError("file_damaged", name=path.name)


def _read_pickle(path: Path) -> Mapping[str, Any]:
    try:
        # Opened here, because torch.load goes by the name of a path.
        with path.open("rb") as file, warnings.catch_warnings():
            # It warns of pickles that it refuses a moment later.
            warnings.simplefilter("ignore")
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own text advises switching the check off, so only the name is taken from it.
        found = _GLOBAL.search(str(error))
        if found:
            raise FileError("file_runs_code", name=path.name, found=found.group(1)) from error
        raise FileError("file_foreign", name=path.name) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise
        # The unpickler answers a damaged file with whatever it stumbled over.
        raise FileError("file_damaged", name=path.name) from error
    if not isinstance(content, Mapping):
        raise FileError("file_not_weights", name=path.name, found=type(content).__name__)
    return content
