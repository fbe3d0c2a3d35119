"""What a Hub holds: repositories with their commits, branches, tags and readers."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

# What the .gitattributes of a new repository on the Hub name, as far as tests need it.
LFS_SUFFIXES = tuple(
    f".{suffix}"
    for suffix in re.findall(
        r"\w+",
        "7z arrow bin bz2 ckpt ftz gz h5 joblib mlmodel model msgpack npy npz onnx ot parquet pb"
        " pickle pkl pt pth rar safetensors tar tflite tgz wasm xz zip zst",
    )
)
LFS_BYTES = 10 * 1024 * 1024
DATE = "2026-01-01T00:00:00.000Z"
PREFIXES = {"model": "", "space": "spaces/", "dataset": "datasets/"}


@dataclass(frozen=True)
class File:
    """The bytes of one file, in large file storage or in git itself."""

    content: bytes
    lfs: bool

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def blob_id(self) -> str:
        """The id of the git blob, which for a large file is that of its pointer."""
        stored = self.pointer if self.lfs else self.content
        return hashlib.sha1(b"blob %d\0" % len(stored) + stored).hexdigest()

    @property
    def pointer(self) -> bytes:
        return (
            "version https://git-lfs.github.com/spec/v1\n"
            f"oid sha256:{self.sha256}\nsize {len(self.content)}\n"
        ).encode()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.blob_id

    def entry(self, path: str) -> dict[str, Any]:
        """As a tree lists it."""
        entry = {"type": "file", "oid": self.blob_id, "size": len(self.content), "path": path}
        if self.lfs:
            entry["lfs"] = {"oid": self.sha256} | self._lfs_sizes
        return entry

    def sibling(self, path: str, *, blobs: bool) -> dict[str, Any]:
        """As a repository's description lists it."""
        if not blobs:
            return {"rfilename": path}
        sibling = {"rfilename": path, "blobId": self.blob_id, "size": len(self.content)}
        if self.lfs:
            sibling["lfs"] = {"sha256": self.sha256} | self._lfs_sizes
        return sibling

    @property
    def _lfs_sizes(self) -> dict[str, int]:
        return {"size": len(self.content), "pointerSize": len(self.pointer)}


def stored(path: str, content: bytes) -> File:
    """``content`` where the Hub would put it."""
    large = path.endswith(LFS_SUFFIXES) or len(content) > LFS_BYTES
    return File(content, lfs=large and bool(content))


@dataclass(frozen=True)
class Commit:
    """All files at one moment."""

    parent: str
    message: str
    files: Mapping[str, File]

    @cached_property
    def sha(self) -> str:
        tree = sorted((path, file.blob_id) for path, file in self.files.items())
        return hashlib.sha1(json.dumps([self.parent, self.message, tree]).encode()).hexdigest()


@dataclass
class Repository:
    """A repository and who may read it."""

    id: str
    type: str = "model"
    private: bool = False
    gated: bool | str = False
    disabled: bool = False
    downloads: int = 0
    likes: int = 0
    pipeline_tag: str = ""
    tags: tuple[str, ...] = ()
    library_name: str = ""
    sdk: str = "gradio"
    readers: set[str] = field(default_factory=set)
    """Names of users besides the owner who may read it, or who have accepted its terms."""
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    revision_tags: dict[str, str] = field(default_factory=dict)
    pull_requests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.commit({}, message="initial commit")

    @property
    def owner(self) -> str:
        return self.id.partition("/")[0]

    def readable_by(self, user: str | None) -> bool:
        return user == self.owner or user in self.readers

    def commit(
        self,
        changes: Mapping[str, File | None],
        *,
        message: str = "Upload files",
        branch: str = "main",
    ) -> str:
        """Puts files in, takes those that are None out; the new commit."""
        parent = self.branches.get(branch) or self.branches.get("main", "")
        files = dict(self.commits[parent].files) if parent else {}
        files |= {path: file for path, file in changes.items() if file is not None}
        files = {path: file for path, file in files.items() if changes.get(path, file) is not None}
        commit = Commit(parent, message, files)
        self.commits[commit.sha] = commit
        refs = self.pull_requests if branch.startswith("refs/pr/") else self.branches
        refs[branch] = commit.sha
        return commit.sha

    def at(self, revision: str) -> Commit | None:
        """The commit of a branch, a tag, a pull request or a full commit id."""
        for refs in (self.branches, self.revision_tags, self.pull_requests):
            if revision in refs:
                return self.commits[refs[revision]]
        return self.commits.get(revision)

    def refs(self) -> dict[str, list[dict[str, str]]]:
        def listed(refs: Mapping[str, str], prefix: str) -> list[dict[str, str]]:
            return [
                {"name": name, "ref": prefix + name, "targetCommit": commit}
                for name, commit in refs.items()
            ]

        return {
            "branches": listed(self.branches, "refs/heads/"),
            "tags": listed(self.revision_tags, "refs/tags/"),
            "pullRequests": listed(self.pull_requests, ""),
            "converts": [],
        }

    def described(
        self, commit: Commit, *, blobs: bool = False, expand: Iterable[str] = ()
    ) -> dict[str, Any]:
        """As /api/models/{id} describes it; with ``expand`` only these fields."""
        card = _card(commit)
        licence = [f"license:{card['license']}"] if "license" in card else []
        tags = [*self.tags, *(card.get("tags") or []), *licence, "region:us"]
        full: dict[str, Any] = {
            "_id": hashlib.sha1(self.id.encode()).hexdigest()[:24],
            "id": self.id,
            "author": self.owner,
            "sha": commit.sha,
            "private": self.private,
            "gated": self.gated,
            "disabled": self.disabled,
            "downloads": self.downloads,
            "likes": self.likes,
            "createdAt": DATE,
            "lastModified": DATE,
            "cardData": card,
            "siblings": [
                file.sibling(path, blobs=blobs) for path, file in sorted(commit.files.items())
            ],
            "usedStorage": sum(len(file.content) for file in commit.files.values() if file.lfs),
        }
        if self.type == "space":
            full |= {"sdk": self.sdk, "runtime": {"stage": "RUNNING"}}
        else:
            full |= {"modelId": self.id, "spaces": [], "config": _config(commit)}
        for name in ("pipeline_tag", "library_name"):
            if value := card.get(name) or getattr(self, name):
                full[name] = value
                tags.append(value)
        full["tags"] = list(dict.fromkeys(tags))
        if wanted := set(expand):
            return {name: value for name, value in full.items() if name in {"_id", "id", *wanted}}
        return full


def _card(commit: Commit) -> dict[str, Any]:
    """What stands between the dashes at the head of the README."""
    readme = commit.files.get("README.md")
    if readme is None or not readme.content.startswith(b"---\n"):
        return {}
    found = yaml.safe_load(readme.content[4:].partition(b"\n---")[0])
    return found if isinstance(found, dict) else {}


def _config(commit: Commit) -> dict[str, Any]:
    """The few fields of config.json that the Hub repeats."""
    file = commit.files.get("config.json")
    try:
        found = json.loads(file.content) if file else {}
    except ValueError:
        found = {}
    if not isinstance(found, dict):
        return {}
    return {
        name: found[name] for name in ("architectures", "auto_map", "model_type") if name in found
    }
