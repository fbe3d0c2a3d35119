"""Identifies files that are no checkpoints by their first bytes."""

import re
from collections.abc import Collection

HEAD_BYTES = 512
"""How much of a file's beginning is looked at."""

_OPENINGS = (
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+)?html", re.IGNORECASE), "file_web_page"),
    (re.compile(rb"version https://git-lfs"), "file_pointer"),
    (re.compile(rb"\x89HDF\r\n\x1a\n"), "file_keras"),
    # Protobuf: the version of the format, which is 3 at least, then another field of the model.
    (re.compile(rb"\x08[\x03-\x20][\x12\x1a\x22\x28\x32\x3a\x42]"), "file_onnx"),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|(?s:.){257}ustar"), "file_archive"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|II\*\0|MM\0\*"), "file_picture"),
)


def sentence_for(head: bytes) -> str:
    """The string that says what begins like this, in a checkpoint's place."""
    return next((key for opening, key in _OPENINGS if opening.match(head)), "file_foreign")


def sentence_for_archive(names: Collection[str]) -> str | None:
    """The string that says what a zip of these members is; None for what torch.save writes."""
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last or any("code" in name.split("/")[:-1] for name in names):
        return "file_torchscript"
    if "model.weights.h5" in last:
        return "file_keras"
    return None if "data.pkl" in last else "file_archive"
