"""Reads the tensor names and shapes of a checkpoint from its header alone."""

from typing import BinaryIO

import torch

from segdemo.checkpoints.files import CheckpointFile, read_content
from segdemo.errors import FileError
from segdemo.wording import shown


def peek(file: BinaryIO, *, name: str, size: int) -> CheckpointFile:
    """What ``read_file`` would give, its tensors on the meta device; ``size`` is the file's length.

    Read are: of safetensors the header; of an archive the table of members at its end and what
    describes the tensors at its start; of a row of pickles these, which stand at its start. The
    checks are those of ``read_file``, but for the numbers themselves. Raises FileError and
    whatever else the file raises, save OSError.
    """
    name = shown(name)
    try:
        return read_content(file, name=name, size=size, device=torch.device("meta"))
    except OSError as error:
        raise FileError("file_unreadable", name=name) from error
