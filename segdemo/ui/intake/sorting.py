"""Sorts uploads by what they hold: images, masks of them, checkpoints."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segdemo.batch import gather, match
from segdemo.checkpoints import sidecar_files
from segdemo.checkpoints.file_types import (
    HEAD_BYTES,
    NETWORKS,
    sentence_for,
    sentence_for_archive,
)
from segdemo.errors import PictureError
from segdemo.hub.forms import WEIGHT_ENDINGS
from segdemo.images.annotations.reading import is_annotation_file
from segdemo.images.decode import looks_like_image
from segdemo.libraries.folders import is_library_folder

_ZIP = b"PK\x03\x04"
_SAFETENSORS_BRACE = slice(8, 9)


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """Files by what they are for."""

    pictures: tuple[Path, ...] = ()
    masks: tuple[Path, ...] = ()
    networks: tuple[Path, ...] = ()
    beside: tuple[Path, ...] = ()
    """What libraries save beside the weights of networks."""


def sort(paths: Sequence[Path], target: str, *, limit: int) -> Sorted:
    """The files by content; ``target`` decides only whether an image is a mask.

    Of two images of which one is named as the mask of the other, it is their mask. ``limit`` is
    the most bytes of an image in an archive.
    """
    beside = tuple(path for path in paths if path.name in sidecar_files.NAMES)
    paths = [path for path in paths if path not in beside]
    drawn = tuple(path for path in paths if is_annotation_file(path))
    paths = [path for path in paths if path not in drawn]
    networks = tuple(path for path in paths if is_network(path, target))
    images = tuple(path for path in paths if path not in networks)
    if target in ("mask", "masks"):
        return Sorted(masks=(*images, *drawn), networks=networks, beside=beside)
    if len(images) > 1:
        pictures, masks = _apart(images, limit)
        return Sorted(pictures=pictures, masks=(*masks, *drawn), networks=networks, beside=beside)
    return Sorted(pictures=images, masks=drawn, networks=networks, beside=beside)


def is_network(path: Path, target: str = "any") -> bool:
    """Whether a file is to be judged as a checkpoint: by its content, then by its name.

    What is of neither kind is what the person meant by its ``target``, so that they are told why
    it is none.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if looks_like_image(head):
        return False
    if head.startswith(_ZIP):
        return _is_saved_by_torch(path)
    named = path.name.lower().endswith(WEIGHT_ENDINGS)
    return named or target == "network" or _reads_as_weights(head)


def _reads_as_weights(head: bytes) -> bool:
    known = head.startswith(b"\x80") or head[_SAFETENSORS_BRACE] == b"{"
    return known or sentence_for(head) in NETWORKS


def _is_saved_by_torch(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            return sentence_for_archive(names) != "file_archive" or is_library_folder(names)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return path.name.lower().endswith(WEIGHT_ENDINGS)


def _apart(images: tuple[Path, ...], limit: int) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Images, and those among them that are masks by their names."""
    drawn = tuple(path for path in images if path.stem.lower().endswith("_mask"))
    others = tuple(path for path in images if path not in drawn)
    if not drawn or not others:
        return images, ()
    try:
        pairs = match(gather(others, limit=limit), gather(drawn, limit=limit))
    except PictureError:
        return images, ()
    paired = {pair.mask.path for pair in pairs if pair.mask is not None}
    masks = tuple(path for path in drawn if path in paired)
    return tuple(path for path in images if path not in masks), masks
