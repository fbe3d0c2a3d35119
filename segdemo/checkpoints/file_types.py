"""Identifies files that are no checkpoints by their first bytes."""

import re
from collections.abc import Collection
from pathlib import PurePosixPath

HEAD_BYTES = 512
"""How much of a file's beginning is looked at."""

_OPENINGS = (
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+)?html", re.IGNORECASE), "file_web_page"),
    (re.compile(rb"version https://git-lfs"), "file_pointer"),
    (re.compile(rb"\x89HDF\r\n\x1a\n"), "file_keras"),
    # Protobuf: the version of the format, which is 3 at least, then another field of the model.
    (re.compile(rb"\x08[\x03-\x20][\x12\x1a\x22\x28\x32\x3a\x42]"), "file_onnx"),
    (re.compile(rb"(?s:.){4}TFL3"), "file_tflite"),
    (re.compile(rb"(?s:.){4}ORTM"), "file_ort"),
    (re.compile(rb"(?s:.){4}ET\d\d"), "file_executorch"),
    (re.compile(rb"GGUF|gg(ml|jt|la|sn)"), "file_gguf"),
    (re.compile(rb"\x93NUMPY"), "file_numpy"),
    # Protobuf again: the version of a SavedModel, which is 1, then its graph.
    (re.compile(rb"\x08\x01\x12"), "file_tensorflow"),
    (re.compile(rb"\s*\{(?s:.)*\"weight_map\""), "file_index"),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|(?s:.){257}ustar"), "file_archive"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|II\*\0|MM\0\*"), "file_picture"),
)


NETWORKS = frozenset(
    {
        *("file_keras", "file_onnx", "file_tflite", "file_ort", "file_executorch", "file_gguf"),
        *("file_tensorflow", "file_index"),
    }
)
"""Strings that say of a file that it holds a network in another program's form."""

_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.\w+)")


def shard_of(path: str) -> tuple[str, int] | None:
    """Name and number of shards of the checkpoint that a shard belongs to; None for no shard."""
    match = _SHARD.fullmatch(path)
    if match is None or int(match[3]) < 2:
        return None
    return match[1] + match[4], int(match[3])


def sentence_for_name(name: str) -> tuple[str, dict[str, str | float]] | None:
    """The string and facts for a part of a checkpoint, which its name alone tells."""
    shard = shard_of(PurePosixPath(name).name)
    if shard is not None:
        return "file_shard", {"whole": shard[0], "count": shard[1]}
    if name.endswith(".distcp") or name == ".metadata":
        return "file_distributed", {}
    return None


def sentence_for(head: bytes) -> str:
    """The string that says what begins like this, in a checkpoint's place."""
    return next((key for opening, key in _OPENINGS if opening.match(head)), "file_foreign")


def sentence_for_archive(names: Collection[str]) -> str | None:
    """The string that says what a zip of these members is; None for what torch.save writes."""
    last = {name.rpartition("/")[2] for name in names}
    folders = {name.partition("/")[2] for name in names}
    if {"models/model.json", "archive_format"} & (folders | set(names)):
        return "file_exported_program"
    if any(name.endswith("configs/metadata.json") for name in names):
        return "file_monai_bundle"
    if "constants.pkl" in last or any("code" in name.split("/")[:-1] for name in names):
        return "file_torchscript"
    if "model.weights.h5" in last:
        return "file_keras"
    return None if "data.pkl" in last else "file_archive"
