"""Where a checkpoint lies on the Hub, and what is known of it before it is downloaded."""

from dataclasses import dataclass
from typing import Literal

from segdemo.checkpoints.verdict import Verdict

Source = Literal["hub", "torchvision"]
RepoType = Literal["model", "space"]


@dataclass(frozen=True, kw_only=True)
class Address:
    """A repository, or one file of it, at a revision."""

    repo_id: str
    """"owner/name"; for torchvision the name of its builder, such as "fcn_resnet50"."""
    source: Source = "hub"
    repo_type: RepoType = "model"
    revision: str | None = None
    """A branch, a tag or a full commit; None for the repository's main branch."""
    filename: str | None = None
    """Inside the repository, with forward slashes; None for the repository as a whole."""


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """A file of a repository that may hold weights, judged from its header alone."""

    address: Address
    """Pinned to the commit."""
    bytes: int
    sha256: str | None
    """None for a file that is not in large file storage."""
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository that was looked at."""

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
    """Files with weights in forms that segdemo does not read, such as .onnx or .keras."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A repository in a search result."""

    repo_id: str
    downloads: int
    likes: int
    licence: str
    gated: bool
