"""Finds possible checkpoints in the Hub's cache on this machine, without any request."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from huggingface_hub import constants

from segdemo.checkpoints.file_types import shard_of
from segdemo.checkpoints.published import Place
from segdemo.errors import HubError
from segdemo.hub.forms import form_of
from segdemo.hub.references import Address

# A laptop's cache holds models of all kinds, with tens of thousands of files at times.
_MAX_FILES = 500
_MAX_VISITED = 20_000
_MIN_BYTES = 10_000  # less than any network; what is not in large file storage mostly is

# What only repositories of language and diffusion models hold; most of a full cache is theirs.
_OTHER_MODELS = {
    *("tokenizer.json", "tokenizer_config.json", "vocab.json", "vocab.txt", "merges.txt"),
    "model_index.json",
}


@dataclass(frozen=True, kw_only=True)
class CachedFile:
    """A file in the Hub's cache."""

    address: Address
    """Pinned to the commit."""
    path: Path
    bytes: int


def cached_files(folder: Path | None = None, *, most_bytes: int) -> tuple[CachedFile, ...]:
    """List files of at most ``most_bytes`` that may hold weights, each content once.

    ``folder`` is a cache of the Hub, the one of the environment by default. They are in the
    order of their repositories and names; a cache that cannot be read is empty.
    """
    folder = folder or Path(constants.HF_HUB_CACHE)
    paths = islice(_paths(str(folder)), _MAX_VISITED)
    contents: dict[str, CachedFile] = {}
    for path in sorted(paths):
        file = _file(path, most_bytes)
        if file is not None:
            contents.setdefault(os.path.realpath(path), file)
        if len(contents) == _MAX_FILES:
            break
    return tuple(contents.values())


def is_cached(path: Path) -> bool:
    """Whether the file lies in the environment's cache of the Hub.

    Files there are stored under the digest of their content: they may vanish, but never change.
    """
    return path.resolve().is_relative_to(Path(constants.HF_HUB_CACHE).resolve())


def _paths(folder: str) -> Iterator[str]:
    """Everything in the snapshots of models and Spaces, but for models of another kind."""
    for repository in _entries(folder):
        if repository.startswith(("models--", "spaces--")):
            snapshots = os.path.join(folder, repository, "snapshots")
            for parent, folders, names in os.walk(snapshots):
                if _OTHER_MODELS.intersection(names):
                    folders.clear()
                else:
                    yield from (os.path.join(parent, name) for name in names)


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _file(path: str, most_bytes: int) -> CachedFile | None:
    """The file if it may hold weights, as far as its name and size tell."""
    # In several parts it is larger than any network of ours.
    if form_of(path, large=True) != "weights" or shard_of(path):
        return None
    found = Place.in_cache(Path(path))
    try:
        # Of a link whose content is gone there is nothing to ask.
        size = os.stat(path).st_size
    except OSError:
        return None
    if found is None or not os.path.isfile(path) or not _MIN_BYTES <= size <= most_bytes:
        return None
    place, commit = found
    try:
        address = Address(
            repo_id=place.repo_id,
            repo_type=place.repo_type,
            revision=commit,
            filename=place.filename,
        )
    except HubError:
        # A name that could not be asked for.
        return None
    return CachedFile(address=address, path=Path(path), bytes=size)
