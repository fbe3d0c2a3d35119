"""Bytes on disk to a state dict, without running code that they may hold."""

import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from segdemo.errors import FileError

METADATA_KEY = "segdemo"
"""Under which a safetensors file carries its own description, one JSON object."""

_SAFETENSORS_OPENING = re.compile(rb".{8}\s*\{", re.DOTALL)
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")


@dataclass(frozen=True, eq=False, kw_only=True)
class CheckpointFile:
    """What a file holds: a mapping that may wrap its tensors, and the file's own words."""

    content: Mapping[str, Any]
    metadata: Mapping[str, str] = field(default_factory=dict)


def read_file(path: str | Path) -> CheckpointFile:
    """The content of a safetensors file, or of a pickle by ``weights_only``; by content, not name.

    Tensors are mapped from the file rather than copied where the format allows it.
    Raises FileError; never runs code from the file.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            opening = file.read(16)
    except OSError as error:
        raise FileError("file_unreadable", name=path.name) from error
    if not opening:
        raise FileError("file_empty", name=path.name)
    if _SAFETENSORS_OPENING.match(opening):
        return _read_safetensors(path)
    return CheckpointFile(content=_read_pickle(path))


def read_metadata(path: str | Path) -> Mapping[str, str]:
    """The metadata in the header of a safetensors file; reads no tensor. Raises FileError."""
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise FileError("file_damaged", name=path.name) from error


def _read_safetensors(path: Path) -> CheckpointFile:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return CheckpointFile(content=tensors, metadata=file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise FileError("file_damaged", name=path.name) from error


def _read_pickle(path: Path) -> Mapping[str, Any]:
    is_zip = zipfile.is_zipfile(path)
    if is_zip and _is_torchscript(path):
        raise FileError("file_torchscript", name=path.name)
    try:
        # mmap exists for the zip format alone.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        # torch's own text advises switching the check off, so only the name is taken from it.
        found = _GLOBAL.search(str(error))
        if found:
            raise FileError("file_runs_code", name=path.name, found=found.group(1)) from error
        raise FileError("file_foreign", name=path.name) from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, AttributeError) as error:
        raise FileError("file_damaged", name=path.name) from error
    if not isinstance(content, Mapping):
        raise FileError("file_not_weights", name=path.name, found=type(content).__name__)
    return content


def _is_torchscript(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())
