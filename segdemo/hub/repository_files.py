"""Files of a repository, fetched into the Hub's cache and checked on their way."""

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import RemoteEntryNotFoundError
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import WeakFileLock

from segdemo.checkpoints import sidecar_files
from segdemo.errors import HubError
from segdemo.hub import client
from segdemo.hub.client import Token, mapped_errors
from segdemo.hub.incoming import CheckedFile, damaged, make_sure_it_fits, matches
from segdemo.hub.references import Address, Fetched
from segdemo.hub.transport import COMMIT, SHA256, Brake
from segdemo.wording import shown

_MAX_NEIGHBOUR_BYTES = 1_000_000
_LOCK_SECONDS = 0.1
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


class _NoBar:
    """In place of the bar that huggingface_hub would print."""

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        pass

    def __enter__(self) -> "_NoBar":
        return self

    def __exit__(self, *_failure: object) -> None:
        pass

    def update(self, _count: float | None = 1) -> None:
        pass


def fetch(
    address: Address,
    *,
    token: Token,
    folder: Path | None,
    seconds: float,
    max_bytes: int,
    brake: Brake,
    progress: Callable[[int, int], None],
) -> Fetched:
    """The file at ``address`` and, beside it, what describes it.

    A copy of a full commit costs no request; any other address one, or none when the Hub cannot
    be asked and an older copy is there. ``progress`` is told the bytes so far and in all.
    Raises HubError, before any byte of a file that has more than ``max_bytes``.
    """
    folder = folder or client.cache_folder()
    # Around all of it, because looking into the cache can fail, too.
    with mapped_errors(address, seconds=seconds, token=token, brake=brake, folder=folder):
        return _Fetch(address, token, folder, seconds, brake).run(max_bytes, progress)


class _Fetch:
    def __init__(
        self, address: Address, token: Token, folder: Path, seconds: float, brake: Brake
    ) -> None:
        if address.filename is None:
            raise HubError("hub_no_file", name=shown(address.repo_id), file="")
        self.address = address
        self.filename = address.filename
        self.token = token
        self.folder = folder
        self.brake = brake
        self.terms: dict[str, Any] = {
            "seconds": seconds,
            "token": token,
            "brake": brake,
            "folder": folder,
        }

    def run(self, max_bytes: int, progress: Callable[[int, int], None]) -> Fetched:
        asked = self.address.revision or constants.DEFAULT_REVISION
        copy = self._cached(self.filename, asked)
        if copy and COMMIT.fullmatch(asked):
            return Fetched(path=copy)
        try:
            commit, digest, size = self._announced(asked)
        except HubError as error:
            if copy is None or error.key not in _UNASKED:
                raise
            return Fetched(path=copy, unchecked=True)
        path = self._cached(self.filename, commit)
        if path is None:
            make_sure_it_fits(self.filename, size, max_bytes=max_bytes, folder=self.folder)
            # First, so that a copy of the weights in the cache means that these are there, too.
            self._fetch_neighbours(commit)
            self._sweep(digest)
            path = self._fetch_weights(commit, digest, size, progress)
        self._remember(asked, commit)
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

    def _announced(self, revision: str) -> tuple[str, str, int]:
        """Commit, digest and size of the file as the Hub names them, in forms that are safe."""
        with mapped_errors(self.address, **self.terms):
            url = hf_hub_url(
                self.address.repo_id,
                self.filename,
                repo_type=self.address.repo_type,
                revision=revision,
                endpoint=client.endpoint(),
            )
            told = get_hf_file_metadata(url, token=self.token, endpoint=client.endpoint())
        commit, digest, size = told.commit_hash or "", told.etag or "", told.size
        named = COMMIT.fullmatch(digest) or SHA256.fullmatch(digest)
        other = COMMIT.fullmatch(revision) and commit != revision
        if not COMMIT.fullmatch(commit) or not named or size is None or size < 0 or other:
            raise client.no_hub()
        return commit, digest, size

    def _fetch_neighbours(self, commit: str) -> None:
        for name in sidecar_files.NAMES:
            filename = str(PurePosixPath(self.filename).with_name(name))
            try:
                with mapped_errors(self.address, limit=_MAX_NEIGHBOUR_BYTES, **self.terms):
                    path = self._download(filename, commit)
            except HubError as error:
                if error.key != "hub_too_long":
                    raise
                # Nothing that is worth reading has this size.
                continue
            if path is not None:
                # A blob of the cache is called by its digest, but for disks without links.
                self._verify(path, path.resolve().name)

    def _fetch_weights(
        self, commit: str, digest: str, size: int, progress: Callable[[int, int], None]
    ) -> Path:
        file = CheckedFile(self.filename, digest, size, progress=progress)
        progress(0, size)
        with mapped_errors(self.address, limit=size, sink=file, **self.terms):
            path = self._download(self.filename, commit)
        if path is None:
            raise HubError("hub_no_file", name=self.address.repo_id, file=shown(self.filename))
        if not file.received:
            # The cache had these bytes for another commit.
            self._verify(path, digest)
        progress(size, size)
        return path

    def _download(self, filename: str, commit: str) -> Path | None:
        """None when the repository has no such file."""
        try:
            path = hf_hub_download(
                self.address.repo_id,
                filename,
                repo_type=self.address.repo_type,
                revision=commit,
                cache_dir=self.folder,
                token=self.token,
                endpoint=client.endpoint(),
                tqdm_class=_NoBar,
            )
        except RemoteEntryNotFoundError:
            return None
        return Path(path)

    def _verify(self, path: Path, digest: str) -> None:
        known = COMMIT.fullmatch(digest) or SHA256.fullmatch(digest)
        if known and not matches(path, digest):
            path.resolve().unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise damaged(path.name)

    def _storage(self) -> Path:
        return self.folder / repo_folder_name(
            repo_id=self.address.repo_id, repo_type=self.address.repo_type
        )

    def _sweep(self, digest: str) -> None:
        """Remove what a process that was killed has left of this file."""
        storage = self._storage()
        left = list((storage / "blobs").glob(f"{digest}.*.incomplete"))
        if not left:
            return
        lock = self.folder / ".locks" / storage.name / f"{digest}.lock"
        # Whoever is fetching the file holds its lock.
        with suppress(OSError), WeakFileLock(lock, timeout=_LOCK_SECONDS):
            for path in left:
                path.unlink(missing_ok=True)

    def _remember(self, revision: str, commit: str) -> None:
        """Note which commit a branch had, so that its copy is found when the Hub is not."""
        if revision == commit:
            return
        place = self._storage() / "refs" / revision
        # A cache that cannot be written to still serves.
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            new = place.with_name(f"{place.name}.{uuid.uuid4().hex[:8]}.tmp")
            new.write_text(commit, encoding="utf-8")
            os.replace(new, place)
