"""Downloads files of a repository into the Hub's cache, verified on the way."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huggingface_hub import constants, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import RemoteEntryNotFoundError
from huggingface_hub.file_download import _create_symlink, repo_folder_name
from huggingface_hub.utils import WeakFileLock, XetFileData, hf_raise_for_status, httpx

from segdemo.checkpoints import sidecar_files
from segdemo.errors import HubError
from segdemo.hub import client, xet
from segdemo.hub.client import Token
from segdemo.hub.incoming import CheckedFile, damaged, make_sure_it_fits, matches
from segdemo.hub.references import COMMIT, SHA256, Address, Fetched
from segdemo.hub.transport import CancelToken, Session
from segdemo.wording import shown

_MAX_SIDECAR_BYTES = 1_000_000
_LOCK_SECONDS = 0.1
_COUNTED = {constants.X_HF_DOWNLOAD_COUNTER: "1"}
"""Has the Hub count a request as part of a download, as huggingface_hub does."""
_UNASKED = {
    "hub_offline",
    "hub_unreachable",
    "hub_tls",
    "hub_proxy",
    "hub_down",
    "hub_silent",
    "hub_broken_off",
    "hub_no_hub",
    "hub_rate_limited",
    "hub_rate_limited_unknown",
}
"""Failures that say nothing of the file, so that an older copy may serve."""


@dataclass(frozen=True, kw_only=True)
class _Remote:
    """A file as the Hub describes it, its names in forms that are safe in a path."""

    filename: str
    commit: str
    digest: str
    """SHA-256 in large file storage, else the SHA-1 of a git blob; 64 or 40 hexadecimal digits."""
    size: int
    """In bytes."""
    location: str
    """The URL that its bytes come from."""
    xet: XetFileData | None


def fetch(
    address: Address,
    *,
    token: Token,
    folder: Path | None,
    seconds: float,
    max_bytes: int,
    cancel: CancelToken,
    progress: Callable[[int, int], None],
) -> Fetched:
    """Download the file at ``address`` and its sidecar files into a cache of the Hub.

    A copy of a full commit costs no request; any other address one, or none when the Hub cannot
    be asked and an older copy is there. ``folder`` is the cache, by default the environment's;
    ``progress`` is told the bytes so far and in all.
    Raises HubError, before any byte of a file that has more than ``max_bytes``.
    """
    if address.filename is None:
        raise HubError("hub_no_file", name=shown(address.repo_id), file="")
    folder = folder or client.cache_folder()
    # Around all of it, because looking into the cache can fail, too.
    with client.session(
        address, seconds=seconds, token=token, cancel=cancel, folder=folder
    ) as session:
        fetch_into = _Fetch(session, address, address.filename, folder, token)
        return fetch_into.run(max_bytes, progress)


class _Fetch:
    def __init__(
        self, session: Session, address: Address, filename: str, folder: Path, token: Token
    ) -> None:
        self.session = session
        self.address = address
        self.filename = filename
        self.folder = folder
        self.token = token
        self.storage = folder / repo_folder_name(
            repo_id=address.repo_id, repo_type=address.repo_type
        )

    def run(self, max_bytes: int, progress: Callable[[int, int], None]) -> Fetched:
        asked = self.address.revision or constants.DEFAULT_REVISION
        copy = self._cached(self.filename, asked)
        if copy and COMMIT.fullmatch(asked):
            return Fetched(path=copy)
        try:
            with client.mapped_errors(
                self.address, seconds=self.session.seconds, token=self.token, folder=self.folder
            ):
                remote = self._describe(self.filename, asked)
        except HubError as error:
            if copy is None or error.key not in _UNASKED:
                raise
            return Fetched(path=copy, unchecked=True)
        path = self._cached(self.filename, remote.commit)
        if path is None:
            size = remote.size
            make_sure_it_fits(self.filename, size, max_bytes=max_bytes, folder=self.folder)
            # First, so that a copy of the weights in the cache means that these are there, too.
            self._fetch_sidecars(remote.commit)
            progress(0, size)
            path = self._store(remote, progress)
            progress(size, size)
        self._remember(asked, remote.commit)
        return Fetched(path=path)

    def _cached(self, filename: str, revision: str) -> Path | None:
        found = try_to_load_from_cache(
            self.address.repo_id,
            filename,
            cache_dir=self.folder,
            revision=revision,
            repo_type=self.address.repo_type,
        )
        return Path(found) if isinstance(found, str) else None

    def _describe(self, filename: str, revision: str) -> _Remote:
        """Ask for the commit, digest and size of a file. Raises HubError for unsafe names."""
        url = hf_hub_url(
            self.address.repo_id,
            filename,
            repo_type=self.address.repo_type,
            revision=revision,
            endpoint=client.endpoint(),
        )
        response = self.session.head(url, headers=_COUNTED)
        hf_raise_for_status(response)
        headers = response.headers
        commit = headers.get(constants.HUGGINGFACE_HEADER_X_REPO_COMMIT, "")
        tag = headers.get(constants.HUGGINGFACE_HEADER_X_LINKED_ETAG, headers.get("ETag", ""))
        digest = tag.removeprefix("W/").strip('"')
        length = headers.get(constants.HUGGINGFACE_HEADER_X_LINKED_SIZE)
        if length is None and not response.is_redirect:
            length = headers.get("Content-Length")
        other = COMMIT.fullmatch(revision) and commit != revision
        if other or not COMMIT.fullmatch(commit) or not _is_digest(digest):
            raise client.no_hub()
        if length is None or not length.isascii() or not length.isdigit():
            raise client.no_hub()
        return _Remote(
            filename=filename,
            commit=commit,
            digest=digest,
            size=int(length),
            location=_location(response),
            xet=xet.offered(response, self.session),
        )

    def _fetch_sidecars(self, commit: str) -> None:
        for name in sidecar_files.NAMES:
            filename = str(PurePosixPath(self.filename).with_name(name))
            try:
                remote = self._describe(filename, commit)
            except RemoteEntryNotFoundError:
                continue
            # Nothing that is worth reading is larger.
            if remote.size <= _MAX_SIDECAR_BYTES:
                self._store(remote, lambda _received, _size: None)

    def _store(self, remote: _Remote, progress: Callable[[int, int], None]) -> Path:
        """Put the content into the cache, unless it is there, and a file that points to it.

        Where that is follows huggingface_hub's cache; so does the lock, which keeps two processes
        from fetching the same file.
        """
        blob = self.storage / "blobs" / remote.digest
        pointer = self.storage / "snapshots" / remote.commit / remote.filename
        for place in (blob, pointer):
            place.parent.mkdir(parents=True, exist_ok=True)
        with self._locked(remote.digest):
            for left in blob.parent.glob(f"{remote.digest}.*.incomplete"):
                # Of a process that was killed: whoever is fetching the file holds the lock.
                left.unlink(missing_ok=True)
            if not blob.exists():
                self._download(remote, blob, progress)
            elif not matches(blob, remote.digest):
                blob.unlink()
                raise damaged(remote.filename)
            _create_symlink(str(blob), str(pointer), new_blob=True)
        return pointer

    def _download(self, remote: _Remote, blob: Path, progress: Callable[[int, int], None]) -> None:
        part = blob.with_name(f"{remote.digest}.{uuid.uuid4().hex[:8]}.incomplete")
        try:
            if not self._came_by_xet(remote, part, progress):
                self._receive(remote, part, progress)
            os.replace(part, blob)
        finally:
            part.unlink(missing_ok=True)

    def _receive(self, remote: _Remote, part: Path, progress: Callable[[int, int], None]) -> None:
        file = CheckedFile(remote.filename, remote.digest, remote.size, progress=progress)
        with (
            part.open("wb") as out,
            self.session.stream(
                "GET", remote.location, transfer=True, limit=remote.size, headers=_COUNTED
            ) as response,
        ):
            if response.is_error:
                response.read()
            hf_raise_for_status(response)
            file.copy(response.iter_raw(), out)

    def _came_by_xet(
        self, remote: _Remote, part: Path, progress: Callable[[int, int], None]
    ) -> bool:
        """False when there is no Xet, or it cannot be reached: plain HTTP then is another way."""
        if remote.xet is None:
            return False
        size = remote.size
        try:
            xet.download(
                self.session,
                remote.xet,
                part,
                size=size,
                progress=lambda received: progress(received, size),
            )
        except HubError:
            self.session.cancel.raise_if_cancelled()
            return False
        if not matches(part, remote.digest):
            raise damaged(remote.filename)
        return True

    @contextmanager
    def _locked(self, digest: str) -> Iterator[None]:
        path = self.folder / ".locks" / self.storage.name / f"{digest}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            while True:
                self.session.cancel.raise_if_cancelled()
                with suppress(TimeoutError):
                    stack.enter_context(WeakFileLock(path, timeout=_LOCK_SECONDS))
                    break
            yield

    def _remember(self, revision: str, commit: str) -> None:
        """Note which commit a branch had, so that its copy is found when the Hub is not."""
        if revision == commit:
            return
        place = self.storage / "refs" / revision
        # A cache that cannot be written to still serves.
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            new = place.with_name(f"{place.name}.{uuid.uuid4().hex[:8]}.tmp")
            new.write_text(commit, encoding="utf-8")
            os.replace(new, place)


def _is_digest(text: str) -> bool:
    return bool(COMMIT.fullmatch(text) or SHA256.fullmatch(text))


def _location(response: httpx.Response) -> str:
    """Where the bytes are that ``response`` describes."""
    there = response.headers.get("Location") if response.is_redirect else None
    return str(response.url.join(there)) if there else str(response.url)
