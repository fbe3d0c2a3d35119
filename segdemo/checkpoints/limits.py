"""Limits on the structure of a checkpoint file: tensors, header bytes, nesting."""

from segdemo.errors import FileError

MAX_TENSORS = 10_000
"""In one file, side data included; several times what the largest network has."""
MAX_HEADER_BYTES = 1_000_000
"""Of what describes the tensors: a hundred bytes for each."""
MAX_DEPTH = 8
"""Of containers in containers; a pickle can contain itself."""


def too_many(name: str) -> FileError:
    """For a file whose structure is larger than that of any network."""
    return FileError("file_too_many", name=name, limit=f"{MAX_TENSORS:,}")
