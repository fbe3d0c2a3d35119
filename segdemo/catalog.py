"""The checkpoints that the page offers, as data read from the files themselves."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from segdemo.checkpoints import read_metadata
from segdemo.errors import CheckpointError
from segdemo.hub.references import Address, Repository, WeightFile
from segdemo.published import Place, Published, known_by_digest, known_by_place, published
from segdemo.segmenter import parse_metadata

SHIPPED_FOLDER = Path(__file__).resolve().parent.parent / "weights"

Source = Literal["shipped", "folder", "cached", "hub", "torchvision", "upload"]


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """One checkpoint on offer."""

    id: str
    """Unique on the page, and the same each time: what a browser remembers."""
    title: str
    """What people call it; no two entries have the same."""
    architecture: str
    """The id of its architecture; empty when the file does not say."""
    task: str
    bytes: int
    source: Source = "shipped"
    path: Path | None = None
    """None when it must be fetched first."""
    address: Address | None = None
    """Where it was found, or where it can be fetched."""
    licence: str = ""
    """Empty when none is stated."""
    commercial: bool | None = None
    """Whether the licence allows commercial use; None when that is unknown."""


def shipped(folder: Path = SHIPPED_FOLDER) -> tuple[CatalogEntry, ...]:
    """The checkpoints in a folder, by task and title; a file that cannot be read is left out."""
    return tuple(
        sorted(
            _entries(sorted(folder.glob("*.safetensors"))),
            key=lambda entry: (entry.task, entry.title),
        )
    )


def _entries(paths: Iterable[Path]) -> Iterator[CatalogEntry]:
    for path in paths:
        try:
            words = parse_metadata(read_metadata(path))
        except CheckpointError:
            # One damaged file must not empty the page; opening it by hand says what is wrong.
            continue
        yield CatalogEntry(
            id=path.stem,
            path=path,
            title=str(words.get("title", path.stem)),
            architecture=str(words.get("architecture", "")),
            task=str(words.get("task", "")),
            bytes=path.stat().st_size,
        )


def curated() -> tuple[CatalogEntry, ...]:
    """Published checkpoints that can be fetched and read, in the order of our list."""
    return tuple(_of_published(one) for one in published() if one.source != "elsewhere")


def from_weight_file(repository: Repository, file: WeightFile) -> CatalogEntry:
    """The entry of a file that was looked at on the Hub, before it is fetched."""
    address = file.address
    name = address.filename or ""
    known = known_by_digest(file.sha256) if file.sha256 else None
    known = known or known_by_place(
        Place(repo_id=address.repo_id, filename=name, repo_type=address.repo_type)
    )
    return CatalogEntry(
        id=known.id if known else _id_of(address),
        title=known.title if known else f"{address.repo_id} · {name}",
        architecture=file.verdict.architecture,
        task=known.task if known else "",
        bytes=file.bytes,
        source="hub",
        address=address,
        licence=repository.licence or (known.licence if known else ""),
        commercial=repository.commercial if repository.licence or not known else known.commercial,
    )


def _of_published(known: Published) -> CatalogEntry:
    return CatalogEntry(
        id=known.id,
        title=known.title,
        architecture=known.architecture,
        task=known.task,
        bytes=known.bytes,
        source="torchvision" if known.source == "torchvision" else "hub",
        address=Address(
            repo_id=known.repo_id,
            source="torchvision" if known.source == "torchvision" else "hub",
            repo_type=known.repo_type,
            revision=known.revision,
            filename=known.filename,
        ),
        licence=known.licence,
        commercial=known.commercial,
    )


def _id_of(address: Address) -> str:
    """Short, and without anything that a page or a file name could not hold."""
    place = "\n".join(
        (address.repo_type, address.repo_id, address.revision or "", address.filename or "")
    )
    return f"hub-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
