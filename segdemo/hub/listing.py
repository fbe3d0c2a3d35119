"""Searches the Hub and inspects what a repository holds, before any download."""

import io
import re
import time
import unicodedata
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from huggingface_hub import ModelInfo, SpaceInfo
from huggingface_hub.hf_api import RepoFile

from segdemo import checkpoints
from segdemo.checkpoints.file_types import shard_of
from segdemo.checkpoints.sidecar_files import parsed
from segdemo.checkpoints.verdict import Verdict
from segdemo.errors import HubError, UnknownNetworkError
from segdemo.hub import client
from segdemo.hub.about import About
from segdemo.hub.client import Token, endpoint, host, no_hub
from segdemo.hub.forms import form_of
from segdemo.hub.references import COMMIT, SHA256, Address, Found, Repository, WeightFile
from segdemo.hub.remote import NUMBER_BYTES, HubRanges, RangeFile
from segdemo.hub.transport import Session
from segdemo.wording import first_of, shown

MAX_JUDGED = 40
"""Contents of one repository that are looked into; the others are listed by name."""

_THREADS = 4
# A file that never answers leaves time for others that stand behind it in line.
_SHARE_OF_TIME = 4
_MAX_CONFIG_BYTES = 1_000_000
_SENSIBLE_BYTES = 2 * 10**9
# Where two files get such an answer, the others would get the same.
_FOR_ALL_FILES = frozenset(
    {
        *("hub_gated", "hub_gated_refused", "hub_token", "hub_disabled", "hub_offline"),
        *("hub_forbidden", "hub_forbidden_because", "hub_not_found", "hub_not_found_signed_in"),
        *("hub_rate_limited", "hub_rate_limited_unknown"),
    }
)
_RepoFile: Any = RepoFile  # whose constructor has no types
_NO_LIST = frozenset({"hub_not_found", "hub_not_found_signed_in"})
_TASK = "image-segmentation"
# What a network that we know may be filed under.
_TASKS = frozenset({"", _TASK, "mask-generation", "image-to-image", "image-feature-extraction"})
_EXPANDED = (
    *("cardData", "config", "downloads", "gated", "library_name", "likes"),
    *("pipeline_tag", "siblings", "tags"),
)
# Encoders of smp-hub without a decoder, and diffusion models for ComfyUI.
_NOT_MEANT = re.compile(r"^smp-hub/\S*\.\w+|comfy")
# How people write a network's name -> how repositories spell it.
_SPELLINGS = (
    (re.compile(r"\bu[\W_]?2[\W_]?net"), ("u2net", "u-2-net", "u2-net")),
    (re.compile(r"\bu[\W_]?net"), ("unet", "u-net")),
    (re.compile(r"\bis[\W_]?net"), ("isnet", "is-net")),
    (re.compile(r"\bfully[\W_]convolutional[\W_]networks?|\bfcn"), ("fcn",)),
    (re.compile(r"\b(image|semantic)?[\W_]*segmentation$"), ("", "segmentation")),
)


def look(address: Address, *, token: Token = None, seconds: float = 20.0) -> Repository:
    """Inspect a repository: a verdict on each of its weight files, within ``seconds`` in all.

    An address with a filename is about this file alone, whatever its name promises. A file that
    cannot be judged, or not in time, has the reason in its verdict. Raises HubError for a
    repository that cannot be seen, or has no weights in a form that is read.
    """
    end = time.monotonic() + seconds
    with client.session(address, seconds=seconds, token=token) as asking:
        info = _asked(asking, address)
    if not COMMIT.fullmatch(str(info.sha)):
        raise no_hub()
    left = max(end - time.monotonic(), 0.1)
    with client.session(address, seconds=left, token=token) as asking:
        _size(asking, info, address)
    pinned = replace(address, revision=info.sha, filename=None)
    # A name that stands there twice is one file.
    found = list({file.path: file for file in _files(info, pinned)}.values())
    wanted, unread = _chosen(found, address)
    shards = [file for file in wanted if shard_of(file.path)]
    whole = [file for file in wanted if not shard_of(file.path)]
    about = About.read(
        tags=info.tags,
        library=getattr(info, "library_name", None),
        config=getattr(info, "config", None),
        card=getattr(info.card_data, "__dict__", None),
    )
    described = {file.folder: file for file in found if file.name == "config.json"}
    looker = _Looker(
        foreign=about.foreign,
        token=token,
        share=seconds / _SHARE_OF_TIME,
        end=end,
        described=described,
    )
    files = [*looker.judged(whole), *_joined(shards)]
    licence, commercial = about.licence
    return Repository(
        address=pinned,
        files=tuple(sorted(files, key=lambda file: (file.verdict.reason is not None, _name(file)))),
        licence=licence,
        commercial=commercial,
        private=bool(info.private),
        gated=bool(getattr(info, "gated", False)),
        unread=tuple(file.path for file in unread),
    )


def search(
    words: str, *, token: Token = None, limit: int = 20, seconds: float = 20.0
) -> tuple[Found, ...]:
    """Search repositories by name; those for segmentation come first, then by downloads.

    Names of networks are found in their usual spellings. Left out are diffusion models, encoders
    alone, what is for other tasks, and what has no file that may be weights. Each spelling is asked
    for by itself, within ``seconds`` for all; HubError when nothing was found and one failed.
    """
    queries = [
        {"search": spelling, "pipeline_tag": task}
        for spelling in _spellings(words)
        for task in (_TASK, "")
        if spelling or task
    ]
    with ThreadPoolExecutor(len(queries), thread_name_prefix="search") as threads:
        answers = list(
            threads.map(lambda query: _answer(query, 3 * limit, token, seconds), queries)
        )
    failures = [answer for answer in answers if isinstance(answer, HubError)]
    found = {
        entry.repo_id: (tagged, entry)
        for answer in answers
        if not isinstance(answer, HubError)
        for tagged, entry in map(_entry, answer)
        if entry is not None
    }
    if failures and not found:
        raise failures[0]
    order = sorted(found.values(), key=lambda e: (not e[0], -e[1].downloads, e[1].repo_id))
    return tuple(entry for _, entry in order[:limit])


def _spellings(words: str) -> list[str]:
    """What to search for: "U²-Net human" is u2net human, u-2-net human and u2-net human."""
    plain = " ".join(unicodedata.normalize("NFKC", words).lower().split())
    for pattern, spellings in _SPELLINGS:
        if pattern.search(plain):
            return [pattern.sub(spelling, plain).strip() for spelling in spellings]
    return [plain]


def _answer(
    query: Mapping[str, str], limit: int, token: Token, seconds: float
) -> list[Any] | HubError:
    """One page of results. Not huggingface_hub's, which follows pages without an end."""
    params: dict[str, Any] = {name: value for name, value in query.items() if value}
    params |= {"expand": _EXPANDED, "sort": "downloads", "limit": limit}
    try:
        with client.session(seconds=seconds, token=token) as asking:
            url = f"{endpoint()}/api/models"
            found = client.answered(asking.request("GET", url, params=params))
    except HubError as error:
        # Mirrors that only pass files on have no such list.
        absent = error.key in _NO_LIST or error.facts.get("status") == 404
        return HubError("hub_no_search", host=host()) if absent else error
    return found if isinstance(found, list) else no_hub()


def _entry(said: Any) -> tuple[bool, Found | None]:
    """Whether it is filed under segmentation, and what is shown; None for what is left out."""
    try:
        repo_id = Address(repo_id=said["id"]).repo_id
        names = [str(sibling["rfilename"]) for sibling in said["siblings"]]
    except (HubError, LookupError, TypeError):
        return False, None
    about = About.read(
        tags=said.get("tags"),
        library=said.get("library_name"),
        config=said.get("config"),
        card=said.get("cardData"),
    )
    task = str(said.get("pipeline_tag") or "")
    if (
        task not in _TASKS
        or about.foreign == "hub_diffusion"
        or _NOT_MEANT.search(" ".join([repo_id, *about.tags]).lower())
        or not any(form_of(name) == "weights" for name in names)
    ):
        return False, None
    return task == _TASK, Found(
        repo_id=repo_id,
        downloads=_count(said.get("downloads")),
        likes=_count(said.get("likes")),
        licence=about.licence[0],
        gated=bool(said.get("gated")),
    )


def _count(said: Any) -> int:
    return said if type(said) is int and said > 0 else 0


def _asked(asking: Session, address: Address) -> ModelInfo | SpaceInfo:
    kind: Any = SpaceInfo if address.repo_type == "space" else ModelInfo
    info: ModelInfo | SpaceInfo = kind(**client.described(asking, address, {"blobs": True}))
    return info


def _size(asking: Session, info: ModelInfo | SpaceInfo, address: Address) -> None:
    """Fill in the sizes and digests that mirrors of the Hub leave out of a description."""
    named = [file for file in info.siblings or () if isinstance(file.rfilename, str)]
    bare = {file.rfilename: file for file in named if file.size is None}
    if not bare:
        return
    url = client.question(address, f"/paths-info/{info.sha}")
    told = client.answered(asking.request("POST", url, data={"paths": list(bare)}))
    for said in told if isinstance(told, list) else ():
        if isinstance(said, dict) and said.get("type") == "file":
            entry: RepoFile = _RepoFile(**said)
            if entry.path in bare:
                bare[entry.path].size, bare[entry.path].lfs = entry.size, entry.lfs


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file as the Hub lists it."""

    path: str
    address: Address
    bytes: int
    sha256: str | None

    @property
    def name(self) -> str:
        """Without folders, as a sentence may show it."""
        return shown(PurePosixPath(self.path).name)

    @property
    def folder(self) -> str:
        """In which it lies; what describes weights lies beside them."""
        return str(PurePosixPath(self.path).parent)


def _files(info: ModelInfo | SpaceInfo, pinned: Address) -> Iterable[_File]:
    """Those whose names can be asked for; what leaves the repository is no file of it."""
    for sibling in info.siblings or ():
        try:
            address = replace(pinned, filename=sibling.rfilename)
        except (HubError, TypeError):
            continue
        digest = sibling.lfs.sha256 if sibling.lfs else None
        yield _File(
            path=sibling.rfilename,
            address=address,
            bytes=sibling.size if type(sibling.size) is int and sibling.size > 0 else 0,
            sha256=digest if SHA256.fullmatch(str(digest)) else None,
        )


def _chosen(found: list[_File], address: Address) -> tuple[list[_File], list[_File]]:
    """The files that may be weights, and those in forms that are not read. Raises HubError."""
    name = shown(address.repo_id)
    forms = {file.path: form_of(file.path, large=file.sha256 is not None) for file in found}
    wanted = [file for file in found if forms[file.path] == "weights"]
    unread = [file for file in found if forms[file.path] == "unread"]
    if address.filename is not None:
        meant = [file for file in found if file.path == address.filename]
        if meant:
            return meant, []
        facts = {"name": name, "file": shown(address.filename)}
        if wanted:
            raise HubError("hub_no_file_of", known=first_of(f.path for f in wanted), **facts)
        raise HubError("hub_no_file", **facts)
    if wanted:
        return wanted, unread
    if unread:
        endings = {PurePosixPath(file.path).suffix.lower() for file in unread}
        raise HubError("hub_no_weights", name=name, found=first_of(sorted(endings)))
    raise HubError("hub_no_files", name=name)


@dataclass(frozen=True, kw_only=True)
class _Looker:
    """Looks into files, several at a time and each content once."""

    foreign: str | None
    """The string that says why networks which are not known cannot be used from here."""
    token: Token
    share: float
    """Seconds that one request may take."""
    end: float
    """When no request may begin any more, by time.monotonic."""
    described: Mapping[str, _File]
    """The config.json in each folder."""
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """What these say, as far as somebody asked."""
    refusals: list[HubError] = field(default_factory=list)
    """What one file was told that holds for all."""

    def judged(self, files: list[_File]) -> list[WeightFile]:
        """All of them; for too many, those that are likely networks. Raises HubError."""
        contents: dict[str, _File] = {}
        for file in sorted(files, key=lambda file: (file.bytes > _SENSIBLE_BYTES, -file.bytes)):
            contents.setdefault(file.sha256 or file.path, file)
        looked = dict(list(contents.items())[:MAX_JUDGED])
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="look") as threads:
            verdicts = dict(zip(looked, threads.map(self._verdict, looked.values()), strict=True))
        if looked and all(verdict.reason in self.refusals for verdict in verdicts.values()):
            raise self.refusals[0]
        told = []
        for file in files:
            content = file.sha256 or file.path
            told.append(self._told(file, contents[content], verdicts.get(content)))
        return told

    def _verdict(self, file: _File) -> Verdict:
        if len(self.refusals) > 1:
            return Verdict(reason=self.refusals[0])
        ranges = self._ranges(file)
        verdict = checkpoints.judge(
            io.BufferedReader(ranges),
            name=file.name,
            size=file.bytes,
            described=self._beside(file),
            numbers=io.BufferedReader(ranges.narrowed(NUMBER_BYTES)),
        )
        if isinstance(verdict.reason, HubError) and verdict.reason.key in _FOR_ALL_FILES:
            self.refusals.append(verdict.reason)
        return verdict

    def _ranges(self, file: _File) -> RangeFile:
        fetch = HubRanges(file.address, size=file.bytes, token=self.token, seconds=self._seconds)
        return RangeFile(fetch, name=file.name, size=file.bytes)

    def _beside(self, file: _File) -> Mapping[str, Any]:
        """What the config.json in its folder says; {} where it cannot be read."""
        config = self.described.get(file.folder)
        if config is None or not 0 < config.bytes <= _MAX_CONFIG_BYTES:
            return {}
        if config.path not in self.documents:
            with suppress(HubError):
                self.documents[config.path] = parsed(io.BufferedReader(self._ranges(config)).read())
        return self.documents.get(config.path, {})

    def _seconds(self) -> float:
        """For the next request. Raises HubError when there are none left."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise HubError("hub_no_time")
        return round(min(left, self.share) + 0.05, 1)

    def _told(self, file: _File, read: _File, verdict: Verdict | None) -> WeightFile:
        """The verdict on this file, which was ``read`` from one of the same content."""
        if verdict is None:
            verdict = Verdict(reason=HubError("hub_not_judged", name=file.name, limit=MAX_JUDGED))
        reason = verdict.reason
        of_library = reason is not None and reason.key.startswith("library_")
        if self.foreign and isinstance(reason, UnknownNetworkError) and not of_library:
            repository = shown(file.address.repo_id)
            verdict = Verdict(reason=HubError(self.foreign, name=repository))
        elif reason is not None and file is not read and reason.facts.get("name") == read.name:
            facts = {**reason.facts, "name": file.name}
            verdict = Verdict(reason=type(reason)(reason.key, **facts))
        return WeightFile(
            address=file.address, bytes=file.bytes, sha256=file.sha256, verdict=verdict
        )


def _joined(shards: list[_File]) -> Iterable[WeightFile]:
    """One file for all parts of a network, which is told to be one of several."""
    networks: dict[tuple[str, int], list[_File]] = {}
    for file in shards:
        network = shard_of(file.path)
        assert network is not None
        networks.setdefault(network, []).append(file)
    for (path, count), parts in networks.items():
        name = shown(PurePosixPath(path).name)
        yield WeightFile(
            address=parts[0].address,
            bytes=sum(part.bytes for part in parts),
            sha256=None,
            verdict=Verdict(reason=HubError("hub_in_parts", name=name, count=count)),
        )


def _name(file: WeightFile) -> str:
    return file.address.filename or ""
