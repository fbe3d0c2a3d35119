"""A table of published checkpoints: where they are, their classes, preprocessing and licence."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

_DATA = Path(__file__).with_name("published.json")
_BLOCK_BYTES = 1 << 20

# How the Hub's cache names what it holds: models--owner--name/snapshots/COMMIT/FILE.
_CACHED_REPOSITORY = re.compile(r"(model|space)s--(.+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A file in a repository of the Hub."""

    repo_id: str
    filename: str
    repo_type: Literal["model", "space"] = "model"
    seen: bool = field(default=False, compare=False)
    """Whether the SHA-256 of what lies there was seen, so that another one is another content."""

    @classmethod
    def in_cache(cls, path: Path) -> tuple["Place", str] | None:
        """The place and the commit of a file in a cache of the Hub; None for any other file."""
        parts = path.parts
        for index in range(len(parts) - 3):
            repository = _CACHED_REPOSITORY.fullmatch(parts[index])
            if (
                repository
                and parts[index + 1] == "snapshots"
                and _COMMIT.fullmatch(parts[index + 2])
            ):
                kind, name = repository.groups()
                place = cls(
                    repo_id=name.replace("--", "/"),
                    filename="/".join(parts[index + 3 :]),
                    repo_type="model" if kind == "model" else "space",
                )
                return place, parts[index + 2]
        return None


@dataclass(frozen=True, kw_only=True)
class Published:
    """A checkpoint that its authors published."""

    id: str
    title: str
    task: str
    architecture: str
    """The id of its architecture."""
    source: Literal["hub", "torchvision", "elsewhere"] = "hub"
    """Who serves it; what lies elsewhere is known when it comes, but cannot be fetched."""
    repo_id: str
    """"owner/name"; for torchvision the name of its builder."""
    repo_type: Literal["model", "space"] = "model"
    filename: str
    revision: str | None = None
    """The commit that was seen to hold it; None when none was."""
    bytes: int
    rounding: int = 0
    """By how much the true size may differ from ``bytes``; 0 when it is known exactly."""
    sha256: str = ""
    """64 hexadecimal digits; torchvision gives the first 8 alone; empty when unknown."""
    licence: str = ""
    """Empty when none is stated."""
    commercial: bool | None = None
    """Whether the licence allows commercial use; None when that is unknown."""
    words: Mapping[str, Any]
    """Its pre- and post-processing in the spec's JSON form, the names of its classes included."""
    mirrors: tuple[Place, ...] = ()
    """Other places of the same weights."""
    evidence: tuple[str, ...] = ()
    """Pages on which the SHA-256 can be read."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The name of each channel of the network."""
        return tuple(self.words["postprocessing"]["classes"])

    @property
    def places(self) -> tuple[Place, ...]:
        """Where it lies on the Hub, the best place first."""
        own = Place(
            repo_id=self.repo_id,
            filename=self.filename,
            repo_type=self.repo_type,
            seen=bool(self.sha256),
        )
        return ((own,) if self.source == "hub" else ()) + self.mirrors


@cache
def published() -> tuple[Published, ...]:
    """All that are known, in the order in which people are shown them."""
    document = json.loads(_DATA.read_text(encoding="utf-8"))
    return tuple(_read(entry, document["words"]) for entry in document["checkpoints"])


def known_by_digest(sha256: str) -> Published | None:
    """The checkpoint whose content has this SHA-256, in 64 lower-case hexadecimal digits."""
    return next((one for one in published() if one.sha256 and sha256.startswith(one.sha256)), None)


def known_by_size(size: int) -> bool:
    """Whether a file of so many bytes may have a known SHA-256: no other needs to be hashed."""
    return any(one.sha256 and abs(size - one.bytes) <= one.rounding for one in published())


def known_by_place(place: Place) -> Published | None:
    """The checkpoint that is said to lie there, where nobody has seen the content's SHA-256.

    The owner may put another one there, so that its tensors have to agree.
    """
    return next(
        (one for one in published() for other in one.places if other == place and not other.seen),
        None,
    )


def known_file(path: Path) -> Published | None:
    """The checkpoint that a file is, by its content or by its place in a cache of the Hub.

    Reads the file only if its size could be a known one. Raises OSError.
    """
    status = path.stat()
    return _known_file(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _known_file(path: Path, changed: int, size: int) -> Published | None:
    known = known_by_digest(sha256_of(path)) if known_by_size(size) else None
    cached = Place.in_cache(path)
    return known or (known_by_place(cached[0]) if cached else None)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _read(entry: Mapping[str, Any], words: Mapping[str, Any]) -> Published:
    facts = dict(entry)
    own = {part: dict(values) for part, values in words[facts["words"]].items()}
    if "classes" in facts:
        own["postprocessing"]["classes"] = facts.pop("classes")
    facts["mirrors"] = tuple(Place(**place) for place in facts.get("mirrors", ()))
    facts["evidence"] = tuple(facts.get("evidence", ()))
    return Published(**{**facts, "words": own})
