"""Downloads in threads, which several callers may share, watch and cancel."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segdemo.errors import HubError
from segdemo.hub import client, repository_files, torchvision_weights
from segdemo.hub.client import Token
from segdemo.hub.references import Address, Fetched
from segdemo.hub.transport import CancelToken
from segdemo.settings import Settings

_BETWEEN_UPDATES = 0.2


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of a download, in bytes."""

    received: int
    """Bytes so far."""
    total: int
    """Bytes in all; 0 until it is known."""


class Downloads:
    """Runs downloads in threads; a file that is wanted twice at once is fetched once."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.hub_timeout_seconds
        self._max_bytes = settings.max_download_megabytes * 10**6
        self._lock = threading.Lock()
        self._transfers: dict[tuple[Any, ...], _Transfer] = {}

    def start(
        self, address: Address, *, token: Token = None, folder: Path | None = None
    ) -> "Download":
        """Start to download the file at ``address``, or join the transfer that is under way.

        It goes to the ordinary cache, or to ``folder``, which is to be that of a visitor whose
        ``token`` gives access. Never raises a HubError; ``updates`` does.
        """
        key = (address, token, folder, client.endpoint(), client.cache_folder())
        with self._lock:
            transfer = self._transfers.get(key)
            if transfer is None:
                transfer = _Transfer()
                threading.Thread(
                    target=self._run,
                    args=(key, transfer, token, folder),
                    name=f"download {address.repo_id}",
                    daemon=True,
                ).start()
                # Not before: nobody can wait for a thread that the system refused.
                self._transfers[key] = transfer
            transfer.waiting += 1
        return Download(transfer, lambda: self._leave(key, transfer))

    def _run(
        self,
        key: tuple[Any, ...],
        transfer: "_Transfer",
        token: Token,
        folder: Path | None,
    ) -> None:
        address: Address = key[0]
        fetch: Callable[..., Fetched] = (
            torchvision_weights.fetch if address.source == "torchvision" else repository_files.fetch
        )
        fetched, failure = None, None
        try:
            fetched = fetch(
                address,
                token=token,
                folder=folder,
                seconds=self._seconds,
                max_bytes=self._max_bytes,
                cancel=transfer.cancel,
                progress=transfer.progress,
            )
        except Exception as error:
            failure = error
        # Nobody joins what has ended.
        self._forget(key, transfer)
        transfer.end(fetched, failure)

    def _forget(self, key: tuple[Any, ...], transfer: "_Transfer") -> None:
        with self._lock:
            if self._transfers.get(key) is transfer:
                del self._transfers[key]

    def _leave(self, key: tuple[Any, ...], transfer: "_Transfer") -> None:
        with self._lock:
            transfer.waiting -= 1
            if transfer.waiting:
                return
        self._forget(key, transfer)
        transfer.cancel.cancel()


class Download:
    """One caller's handle on a transfer, which others may share."""

    def __init__(self, transfer: "_Transfer", leave: Callable[[], None]) -> None:
        self._transfer = transfer
        self._leave = leave
        self._cancelled = False

    def updates(self) -> Iterator[Progress]:
        """Yield the progress at once and whenever it changes, at most five times a second.

        Ends with the download. Raises its HubError, and HubError("hub_cancelled") after ``cancel``.
        """
        transfer, seen = self._transfer, None
        while True:
            with transfer.changed:
                transfer.changed.wait_for(
                    lambda: self._is_over() or transfer.now != seen  # noqa: B023
                )
                over, now = self._is_over(), transfer.now
            if self._cancelled:
                raise HubError("hub_cancelled")
            if transfer.failure is not None:
                raise transfer.failure
            if now != seen:
                yield now
            if over:
                return
            seen = now
            with transfer.changed:
                transfer.changed.wait_for(self._is_over, _BETWEEN_UPDATES)

    def cancel(self) -> None:
        """Stop waiting; the transfer itself is cancelled when nobody waits for it."""
        with self._transfer.changed:
            if self._is_over():
                return
            self._cancelled = True
            self._transfer.changed.notify_all()
        self._leave()

    @property
    def path(self) -> Path:
        """Path of the file, once ``updates`` has ended. Raises RuntimeError before."""
        return self._fetched.path

    @property
    def unchecked(self) -> bool:
        """Whether it is an older copy, because the Hub could not be asked for a newer one."""
        return self._fetched.unchecked

    @property
    def _fetched(self) -> Fetched:
        if self._transfer.fetched is None:
            raise RuntimeError("The download has not ended, or has failed")
        return self._transfer.fetched

    def _is_over(self) -> bool:
        return self._cancelled or self._transfer.ended


class _Transfer:
    """The state that a worker thread shares with those who wait for it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.cancel = CancelToken()
        self.waiting = 0
        self.now = Progress(received=0, total=0)
        self.ended = False
        self.fetched: Fetched | None = None
        self.failure: Exception | None = None

    def progress(self, received: int, total: int) -> None:
        with self.changed:
            self.now = Progress(received=received, total=total)
            self.changed.notify_all()

    def end(self, fetched: Fetched | None, failure: Exception | None) -> None:
        with self.changed:
            self.fetched, self.failure, self.ended = fetched, failure, True
            self.changed.notify_all()
