"""Judges a checkpoint from its header: which network it is, or why it cannot be used."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from segdemo.checkpoints.detection import Detection, detect
from segdemo.checkpoints.evidence import inputs_beforehand
from segdemo.checkpoints.files import read_file
from segdemo.checkpoints.peek import peek
from segdemo.checkpoints.sidecar_files import description
from segdemo.checkpoints.verdict import Verdict
from segdemo.errors import FileError, SegdemoError
from segdemo.graphs.detection import is_graph, look
from segdemo.wording import shown


def judge(
    file: BinaryIO,
    *,
    name: str,
    size: int,
    folder: Path | None = None,
    described: Mapping[str, Any] | None = None,
    numbers: BinaryIO | None = None,
) -> Verdict:
    """The verdict on a seekable file of ``size`` bytes; of its tensors no number is read.

    It holds for loading too, unless the numbers are none to compute with, or onnxruntime refuses
    a graph. ``folder`` is where a graph's other files and a library's config.json lie, unless
    what the latter says is ``described``. From ``numbers``, the same file, the first layer is
    read, which tells what the network was trained on. What the file's content or its source
    raise as a SegdemoError becomes the reason.
    """
    try:
        if _is_graph(file, name):
            return _of(look(file, name=shown(name), size=size, folder=folder))
        if described is None and folder is not None:
            described = description(folder / name)
        checkpoint = peek(file, name=name, size=size)
        detection = detect(checkpoint.content, description=described)
        verdict = _of(detection)
        if numbers is None:
            return verdict
        inputs = inputs_beforehand(detection, checkpoint, numbers, name=shown(name))
        return replace(verdict, inputs=inputs)
    except SegdemoError as reason:
        return Verdict(reason=reason)


def judge_whole(path: Path) -> Verdict:
    """The verdict on a file that lies here: its numbers are read as well, where it would load."""
    with path.open("rb") as file:
        verdict = judge(file, name=path.name, size=path.stat().st_size, folder=path.parent)
        has_numbers = not _is_graph(file, path.name)
    if verdict.reason is None and has_numbers:
        try:
            detect(read_file(path, mmap=True).content, description=description(path))
        except SegdemoError as reason:
            return Verdict(reason=reason)
    return verdict


def _is_graph(file: BinaryIO, name: str) -> bool:
    try:
        return is_graph(file)
    except OSError as error:
        raise FileError("file_unreadable", name=shown(name)) from error


def _of(detection: Detection) -> Verdict:
    architecture, config = detection.architecture, detection.config
    return Verdict(
        architecture=architecture.id,
        title=architecture.title,
        configuration=architecture.describe(config),
        origin=detection.origin,
        in_channels=config.in_channels,
        classes=config.classes,
        parameters=detection.parameters,
        alternatives=len(detection.alternatives),
    )
