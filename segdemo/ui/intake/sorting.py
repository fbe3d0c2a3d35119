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
from segdemo.images.decode import decode_plane, looks_like_image
from segdemo.images.formats import PICTURE_ENDINGS
from segdemo.images.masks import alike, decode_truth
from segdemo.libraries.folders import is_library_folder, loose_weights

_ZIP = b"PK\x03\x04"
_MOST_VALUES = 64
"""Of a mask; a drawing has more."""
_SAFETENSORS_BRACE = slice(8, 9)


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """Files by what they are for."""

    pictures: tuple[Path, ...] = ()
    masks: tuple[Path, ...] = ()
    networks: tuple[Path, ...] = ()
    beside: tuple[Path, ...] = ()
    """What libraries save beside the weights of networks."""


def sort(paths: Sequence[Path], target: str, *, limit: int, max_megapixels: float) -> Sorted:
    """The files by content; ``target`` decides only whether an image is a mask.

    An image that is named as the mask of another is its mask. Where there are two of one size,
    so is the one that holds labels beside one that does not. ``limit`` is the most bytes of an
    image.
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
        if not masks and len(pictures) == 2:
            pictures, masks = _picture_and_mask(pictures, limit, max_megapixels)
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
        return _is_of_networks(path)
    named = path.name.lower().endswith(WEIGHT_ENDINGS)
    return named or target == "network" or _reads_as_weights(head)


def _reads_as_weights(head: bytes) -> bool:
    known = head.startswith(b"\x80") or head[_SAFETENSORS_BRACE] == b"{"
    return known or sentence_for(head) in NETWORKS


def _is_of_networks(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return path.name.lower().endswith(WEIGHT_ENDINGS)
    if sentence_for_archive(names) != "file_archive" or is_library_folder(names):
        return True
    # Who drops checkpoints together is told what to do; with pictures among them, it is for these.
    return bool(loose_weights(names)) and not any(map(_is_named_as_picture, names))


def _is_named_as_picture(name: str) -> bool:
    return Path(name).suffix.lower() in PICTURE_ENDINGS


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


def _picture_and_mask(
    images: tuple[Path, ...], limit: int, max_megapixels: float
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Two images, or one and its mask, whatever they are called."""
    if any(path.stat().st_size > limit for path in images):
        return images, ()
    contents = [path.read_bytes() for path in images]
    try:
        sizes = [
            decode_plane(content, max_megapixels=max_megapixels).image.size for content in contents
        ]
    except PictureError:
        return images, ()
    masks = tuple(
        path
        for path, content in zip(images, contents, strict=True)
        if _holds_labels(content, max_megapixels)
    )
    if len(masks) != 1 or not alike(*sizes):
        return images, ()
    return tuple(path for path in images if path not in masks), masks


def _holds_labels(content: bytes, max_megapixels: float) -> bool:
    """Whether an image is a mask of two labels and more, and no photograph of few colours."""
    try:
        mask = decode_truth(content, max_megapixels=max_megapixels)
    except PictureError:
        return False
    source = mask.source
    few = source is not None and not source.smeared and len(source.counts) <= _MOST_VALUES
    return few and len(mask.numbers) > 1
