"""The checkpoints that the page offers, as data read from the files themselves."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from segdemo import checkpoints
from segdemo.checkpoints import parse_metadata, read_metadata
from segdemo.checkpoints.places import SHIPPED_FOLDER, own_folder, torchvision_folder
from segdemo.checkpoints.published import (
    Place,
    Published,
    known_by_digest,
    known_by_place,
    known_file,
    published,
    sha256_of,
)
from segdemo.checkpoints.verdict import Verdict
from segdemo.errors import CheckpointError, FileError
from segdemo.hub.about import allows_commerce
from segdemo.hub.cached import cached_files
from segdemo.hub.references import Address, Repository, WeightFile
from segdemo.settings import Settings
from segdemo.strings import DEFAULT_LANGUAGE, table, text
from segdemo.wording import file_name, one_line

Source = Literal["shipped", "own", "folder", "cached", "hub", "torchvision", "upload"]

_MAX_FILES = 1000  # that are looked at in a folder and those in it
_MEGABYTE = 1_000_000
# What libraries call all their weights.
_NAMES_OF_ALL = frozenset(("model", "pytorch_model", "diffusion_pytorch_model"))
_SAMPLES = 32
_SAMPLE_BYTES = 1 << 14


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """One checkpoint on offer."""

    id: str
    """Unique on the page, and the same each time: what a browser remembers."""
    title: str
    """What people call it; no two on offer have the same."""
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

    @property
    def title_here(self) -> str:
        """The title in the current language; those of shipped files alone are translated."""
        return translated(self.id, self.title) if self.source == "shipped" else self.title


def translated(name: str, title: str) -> str:
    """The title of the shipped file of that id in the current language, unless it has another."""
    key = f"title_{name}"
    return text(key) if table().get(key, {}).get(DEFAULT_LANGUAGE) == title else title


def offered(settings: Settings) -> tuple[CatalogEntry, ...]:
    """All that the page offers without asking anybody, in the same order each time.

    First what is shipped, then what a person trained here, the operator's folders, published
    checkpoints, and the rest of the Hub's cache. The same weights are there once, and no two
    titles are the same.
    """
    at_hand = cached(most_bytes=settings.max_download_megabytes * _MEGABYTE)
    by_id = {entry.id: entry for entry in at_hand}
    entries = (
        *shipped(),
        *own(own_folder()),
        *in_folders(settings.weights_folders),
        *(_at_hand(entry, by_id.get(entry.id)) for entry in curated()),
        *at_hand,
    )
    return tuple(_with_own_titles(_once(entries)))


def shipped(folder: Path = SHIPPED_FOLDER) -> tuple[CatalogEntry, ...]:
    """The checkpoints in a folder, by task and title; a file that cannot be read is left out."""
    return tuple(
        sorted(
            _described(sorted(folder.glob("*.safetensors"))),
            key=lambda entry: (entry.task, entry.title),
        )
    )


def _described(paths: Iterable[Path]) -> Iterator[CatalogEntry]:
    for path in paths:
        try:
            words = parse_metadata(read_metadata(path))
        except CheckpointError:
            # One damaged file must not empty the page; opening it by hand says what is wrong.
            continue
        licence = one_line(words.get("licence", ""))
        yield CatalogEntry(
            id=path.stem,
            path=path,
            title=one_line(words.get("title", path.stem)),
            architecture=str(words.get("architecture", "")),
            task=one_line(words.get("task", "")),
            bytes=path.stat().st_size,
            licence=licence,
            commercial=allows_commerce(licence.lower()),
        )


def own(folder: Path) -> tuple[CatalogEntry, ...]:
    """What a person trained here, in the order of names; runs that go on are none of it."""
    paths = sorted(folder.glob("*.safetensors"))
    return tuple(filter(None, (_loadable(path, "own") for path in paths)))


def in_folders(folders: Sequence[Path]) -> tuple[CatalogEntry, ...]:
    """Whatever loads in these folders and those inside, in the order of the folders and names.

    Hidden files are left out, and so is what cannot be read.
    """
    paths = (path for folder in folders for path in _files_in(folder))
    return tuple(filter(None, (_loadable(path, "folder") for path in paths)))


def _files_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
        if len(found) >= _MAX_FILES:
            break
    return [path for path in found[:_MAX_FILES] if path.is_file()]


def cached(folder: Path | None = None, *, most_bytes: int) -> tuple[CatalogEntry, ...]:
    """Whatever loads in the Hub's cache and is no larger; asks nobody.

    Repositories that the operator's token has opened are the operator's, so they are among it.
    """
    entries = (
        _loadable(file.path, "cached", file.address)
        for file in cached_files(folder, most_bytes=most_bytes)
    )
    return tuple(filter(None, entries))


def curated() -> tuple[CatalogEntry, ...]:
    """Published checkpoints that can be fetched and read, in the order of our list.

    Those of torchvision have a path where torchvision has fetched them before.
    """
    return tuple(_of_published(one, one.source) for one in published() if one.source != "elsewhere")


def _of_published(known: Published, source: Literal["hub", "torchvision"]) -> CatalogEntry:
    return CatalogEntry(
        id=known.id,
        title=known.title,
        architecture=known.architecture,
        task=known.task,
        bytes=known.bytes,
        source=source,
        path=_fetched_by_torchvision(known) if source == "torchvision" else None,
        address=Address(
            repo_id=known.repo_id,
            source=source,
            repo_type=known.repo_type,
            revision=known.revision,
            filename=known.filename,
        ),
        licence=known.licence,
        commercial=known.commercial,
    )


def _fetched_by_torchvision(known: Published) -> Path | None:
    path = torchvision_folder() / known.filename
    try:
        return path if known_file(path) is known else None
    except OSError:
        return None


def _at_hand(entry: CatalogEntry, found: CatalogEntry | None) -> CatalogEntry:
    """A published checkpoint with the path of its copy in the cache."""
    if found is None:
        return entry
    return replace(entry, path=found.path, bytes=found.bytes, address=found.address)


def from_file(path: Path, source: Source) -> CatalogEntry:
    """The entry of a file on this machine, judged from its header. Raises CheckpointError."""
    return _from_file(path, source, None)


def _loadable(path: Path, source: Source, address: Address | None = None) -> CatalogEntry | None:
    try:
        return _from_file(path, source, address)
    except CheckpointError:
        return None


def _from_file(path: Path, source: Source, address: Address | None) -> CatalogEntry:
    try:
        status = path.stat()
        verdict = _verdict(path, status.st_mtime_ns, status.st_size, _described_at(path))
        known = known_file(path) if verdict.reason is None else None
    except OSError as error:
        raise FileError("file_unreadable", name=one_line(path.name)) from error
    if verdict.reason is not None:
        raise verdict.reason.with_traceback(None)
    words = _words(path)
    licence = one_line(words.get("licence", ""))
    return CatalogEntry(
        id=known.id if known else _id_of(address or path),
        title=known.title
        if known
        else one_line(words.get("title", _name_of(path, source, address))),
        architecture=verdict.architecture,
        task=known.task if known else one_line(words.get("task", "")),
        bytes=status.st_size,
        source=source,
        path=path,
        address=address,
        licence=known.licence if known else licence,
        commercial=known.commercial if known else allows_commerce(licence.lower()),
    )


@lru_cache(maxsize=4096)
def _verdict(path: Path, changed: int, size: int, described: int) -> Verdict:
    with path.open("rb") as file:
        return checkpoints.judge(file, name=path.name, size=size, folder=path.parent)


def _described_at(path: Path) -> int:
    """When the config.json beside a file was written; 0 where there is none."""
    try:
        return path.with_name("config.json").stat().st_mtime_ns
    except OSError:
        return 0


def _words(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself; only safetensors can. Raises SpecError."""
    try:
        metadata = read_metadata(path)
    except FileError:
        return {}
    return parse_metadata(metadata)


def from_weight_file(repository: Repository, file: WeightFile) -> CatalogEntry:
    """The entry of a file that was looked at on the Hub, before it is fetched."""
    address = file.address
    name = address.filename or ""
    known = known_by_digest(file.sha256) if file.sha256 else None
    known = known or known_by_place(
        Place(repo_id=address.repo_id, filename=name, repo_type=address.repo_type)
    )
    # What the repository says of its own copy counts; where it is silent, what the authors said.
    terms = repository if repository.licence or known is None else known
    return CatalogEntry(
        id=known.id if known else _id_of(address),
        title=known.title if known else one_line(f"{address.repo_id} · {name}"),
        architecture=file.verdict.architecture,
        task=known.task if known else "",
        bytes=file.bytes,
        source="hub",
        address=address,
        licence=terms.licence,
        commercial=terms.commercial,
    )


def _name_of(path: Path, source: Source, address: Address | None) -> str:
    if address:
        return f"{address.repo_id} · {address.filename}"
    # Libraries call all their weights alike; the folder tells them apart, but for an upload's.
    of_folder = path.stem in _NAMES_OF_ALL and source != "upload"
    return path.parent.name if of_folder and path.parent.name else path.stem


def _id_of(place: Address | Path) -> str:
    """Short, and it does not tell a visitor where the operator keeps files.

    That of a file is its name and its content, wherever it lies: the same on every machine.
    """
    if isinstance(place, Path):
        status = place.stat()
        name = file_name(place.stem, otherwise="file", ascii_only=True)
        return f"{name}-{_sampled(place, status.st_mtime_ns, status.st_size)[:8]}"
    facts = (place.repo_type, place.repo_id, place.revision or "", place.filename or "")
    return f"hub-{_hashed(chr(10).join(facts))}"


@lru_cache(maxsize=4096)
def _sampled(path: Path, changed: int, size: int) -> str:
    """A hash of a file's size and of pieces of it: of gigabytes nobody waits for the whole."""
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for part in range(_SAMPLES):
            file.seek(max(0, size - _SAMPLE_BYTES) * part // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _once(entries: Iterable[CatalogEntry]) -> Iterator[CatalogEntry]:
    """Without those whose id or content an earlier one has."""
    ids: set[str] = set()
    sizes: dict[int, list[CatalogEntry]] = {}
    for entry in entries:
        same_size = sizes.setdefault(entry.bytes, [])
        if entry.id not in ids and not any(_is_same(entry, other) for other in same_size):
            ids.add(entry.id)
            same_size.append(entry)
            yield entry


def _is_same(one: CatalogEntry, other: CatalogEntry) -> bool:
    """Whether two files of one size have the same content; hashed only when sizes agree."""
    if one.path is None or other.path is None:
        return False
    try:
        return _content(one.path) == _content(other.path)
    except OSError:
        return False


def _content(path: Path) -> str:
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _digest(path: Path, changed: int, size: int) -> str:
    return sha256_of(path)


def _with_own_titles(entries: Iterable[CatalogEntry]) -> Iterator[CatalogEntry]:
    """The same entries; a title that an earlier one has is followed by what tells them apart."""
    taken: set[str] = set()
    for entry in entries:
        titles = (entry.title, *(f"{entry.title} ({detail})" for detail in _details(entry)))
        title = next((title for title in titles if title not in taken), entry.id)
        taken.add(title)
        yield entry if title == entry.title else replace(entry, title=title)


def _details(entry: CatalogEntry) -> Iterator[str]:
    """What its title does not say yet, the most telling first; the last is its own alone."""
    address, path = entry.address, entry.path
    details = (
        *((address.repo_id, address.filename, (address.revision or "")[:7]) if address else ()),
        *((path.name, "/".join(path.parts[-2:])) if path else ()),
        entry.id,
    )
    return (one_line(detail) for detail in details if detail and detail not in entry.title)
