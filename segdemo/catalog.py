"""The checkpoints that the page offers, as data read from the files themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from segdemo.checkpoints import read_metadata
from segdemo.errors import CheckpointError
from segdemo.segmenter import parse_metadata

SHIPPED_FOLDER = Path(__file__).resolve().parent.parent / "weights"


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """One checkpoint on offer."""

    id: str
    """Unique on the page: the file's name without its ending."""
    path: Path
    title: str
    architecture: str
    """The id of its architecture; empty when the file does not say."""
    task: str
    bytes: int


def shipped(folder: Path = SHIPPED_FOLDER) -> tuple[CatalogEntry, ...]:
    """The checkpoints in a folder, by task and title; a file that cannot be read is left out."""
    return tuple(
        sorted(
            _entries(sorted(folder.glob("*.safetensors"))),
            key=lambda entry: (entry.task, entry.title),
        )
    )


def _entries(paths: Iterable[Path]) -> Iterable[CatalogEntry]:
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
