"""Addresses of repositories and files on the Hub, and what is known before a download."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from segdemo.checkpoints.verdict import Verdict
from segdemo.errors import HubError
from segdemo.wording import shown

Source = Literal["hub", "torchvision"]
RepoType = Literal["model", "space"]

COMMIT = re.compile(r"[0-9a-f]{40}")
"""A full commit, and the digest of a file that is not in large file storage."""
SHA256 = re.compile(r"[0-9a-f]{64}")

_WORD = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
_REPO_ID = re.compile(rf"(?:{_WORD}/)?{_WORD}")
_MAX_REPO_ID = 96
# What git forbids in the name of a branch, and what could leave a folder when joined to its path.
_NO_REVISION = re.compile(r"[^!-~]|[\\:?*\[^~]|\.\.|//|@\{|^[/.-]|[/.]$|/\.|\.lock$")
_NO_PATH = re.compile(r"[\x00-\x1f\x7f\\]|//|^/|/$|(?:^|/)\.\.?(?:/|$)|(?:^|/)[A-Za-z]:")
_MAX_PATH = 500


@dataclass(frozen=True, kw_only=True)
class Address:
    """A repository, or one file of it, at a revision.

    Its parts are safe to join to a folder or a URL. Raises HubError for any that are not.
    """

    repo_id: str
    """"owner/name"; for torchvision the name of its builder, such as "fcn_resnet50"."""
    source: Source = "hub"
    repo_type: RepoType = "model"
    revision: str | None = None
    """A branch, a tag or a full commit; None for the repository's main branch."""
    filename: str | None = None
    """Inside the repository, with forward slashes; None for the repository as a whole."""

    def __post_init__(self) -> None:
        repo = self.repo_id
        fits = _REPO_ID.fullmatch(repo) and len(repo) <= _MAX_REPO_ID and not repo.endswith(".git")
        if not fits or "--" in repo or ".." in repo:
            raise HubError("hub_not_an_address", text=shown(repo))
        for part, forbidden in ((self.revision, _NO_REVISION), (self.filename, _NO_PATH)):
            if part is not None and (not 0 < len(part) <= _MAX_PATH or forbidden.search(part)):
                raise HubError("hub_not_an_address", text=shown(part))


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """A weight file of a repository, with a verdict from its header alone."""

    address: Address
    """Pinned to the commit."""
    bytes: int
    sha256: str | None
    """None for a file that is not in large file storage."""
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository that was inspected."""

    address: Address
    """Without a filename, pinned to the commit."""
    files: tuple[WeightFile, ...]
    """The loadable ones first, then by name."""
    licence: str
    """As its card states it; empty when it states none."""
    commercial: bool | None
    """Whether the licence allows commercial use; None when that is unknown."""
    private: bool
    gated: bool
    unread: tuple[str, ...] = ()
    """Files with weights in forms that segdemo does not read, such as .gguf or .keras."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A repository in a search result."""

    repo_id: str
    downloads: int
    likes: int
    licence: str
    gated: bool


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A downloaded file."""

    path: Path
    unchecked: bool = False
    """Whether it is an older copy, because the Hub could not be asked for a newer one."""
