"""The checkpoints on their way to one visitor, and how far each has come."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Literal, Protocol

from segdemo.catalog import CatalogEntry
from segdemo.errors import HubError, SegdemoError
from segdemo.strings import text
from segdemo.ui.gradio_support.errors import known
from segdemo.wording import amount

MAX_RUNNING = 4
"""Of one visitor at a time: as many as a comparison has slots."""
_WINDOW_SECONDS = 5.0
_TRUSTED_SECONDS = 1.5

State = Literal["running", "stopped", "failed", "arrived"]


class Progress(Protocol):
    """How far a download is."""

    @property
    def received(self) -> int:
        """Bytes that are here."""

    @property
    def total(self) -> int:
        """Bytes of the whole file."""


class Download(Protocol):
    """One person's hold on a download."""

    def updates(self) -> Iterator[Progress]:
        """Its progress until it ends. Raises HubError."""

    def cancel(self) -> None:
        """End ``updates`` with HubError("hub_cancelled")."""

    @property
    def path(self) -> Path:
        """Where the file is, once ``updates`` has ended."""


@dataclass(frozen=True, kw_only=True)
class TransferRow:
    """One download as the page shows it."""

    id: str
    title: str
    state: State
    percent: int | None
    """None while nothing is known."""
    text: str

    def to_json(self) -> dict[str, Any]:
        """The row as the browser reads it."""
        return {
            "id": self.id,
            "title": self.title,
            "state": self.state,
            "percent": self.percent,
            "text": self.text,
        }


@dataclass(frozen=True, kw_only=True)
class TransferRows:
    """All rows of a visitor at one moment; a larger ``serial`` is later."""

    serial: int
    rows: tuple[TransferRow, ...]
    followed: bool = False
    """Whether more is to come without being asked for."""

    def to_json(self) -> dict[str, Any]:
        """The rows as the browser reads them."""
        return {
            "schema": "segdemo.transfers/1",
            "serial": self.serial,
            "followed": self.followed,
            "rows": [row.to_json() for row in self.rows],
        }


@dataclass(eq=False)
class _Transfer:
    entry: CatalogEntry
    download: Download | None = None
    state: State = "running"
    failure: SegdemoError | None = None
    total: int = 0
    samples: deque[tuple[float, int]] = field(default_factory=deque)
    """Seconds and bytes, the latest last."""


class Transfers:
    """Downloads in the background; safe to be asked from several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` is a clock in seconds."""
        self._now = now
        self._changed = Condition()
        self._transfers: dict[str, _Transfer] = {}
        self._serial = 0

    def begin(
        self,
        entry: CatalogEntry,
        start: Callable[[], Download],
        arrived: Callable[[Path], None],
    ) -> None:
        """Fetch ``entry`` unless that is under way, and tell ``arrived`` where it is.

        Where as many as are allowed run already, the row says so.
        """
        transfer = _Transfer(entry)
        with self._changed:
            if self.state(entry.id) == "running":
                return
            full = sum(map(_runs, self._transfers.values())) >= MAX_RUNNING
            if full:
                transfer.state = "failed"
                transfer.failure = HubError("page_transfer_full", count=MAX_RUNNING)
            self._transfers[entry.id] = transfer
            self._tell()
        if full:
            return
        Thread(target=self._run, args=(transfer, start, arrived), daemon=True).start()

    def state(self, name: str) -> State | None:
        """How the download of an entry stands; None when there is none."""
        with self._changed:
            transfer = self._transfers.get(name)
            return transfer.state if transfer else None

    def cancel(self, name: str) -> None:
        """Stop a download that runs."""
        with self._changed:
            transfer = self._transfers.get(name)
            if transfer is None or not _runs(transfer):
                return
            transfer.state = "stopped"
            download = transfer.download
            self._tell()
        if download is not None:
            download.cancel()

    def dismiss(self, name: str) -> None:
        """Forget a download that does not run."""
        with self._changed:
            transfer = self._transfers.get(name)
            if transfer is not None and not _runs(transfer):
                del self._transfers[name]
                self._tell()

    def dismiss_arrived(self) -> None:
        """Forget the downloads that have ended well."""
        with self._changed:
            for name in [name for name in self._transfers if self.state(name) == "arrived"]:
                self.dismiss(name)

    def close(self) -> None:
        """Stop everything."""
        for name in list(self._transfers):
            self.cancel(name)

    def say_again(self) -> None:
        """Let the rows count as changed: they are wanted in another language."""
        with self._changed:
            self._tell()

    def rows(self, *, followed: bool = False) -> TransferRows:
        """How everything stands."""
        with self._changed:
            rows = tuple(_row(transfer) for transfer in self._transfers.values())
            return TransferRows(serial=self._serial, rows=rows, followed=followed)

    def follow(self) -> Iterator[TransferRows]:
        """The rows, again at every change, until none runs."""
        rows = self.rows(followed=True)
        yield rows
        while any(row.state == "running" for row in rows.rows):
            rows = self._after(rows.serial)
            yield rows

    def _after(self, serial: int) -> TransferRows:
        with self._changed:
            self._changed.wait_for(lambda: self._serial > serial)
            return self.rows(followed=True)

    def _run(
        self, transfer: _Transfer, start: Callable[[], Download], arrived: Callable[[Path], None]
    ) -> None:
        try:
            download = start()
            with self._changed:
                transfer.download = download
            if not _runs(transfer):
                download.cancel()
            for progress in download.updates():
                self._note(transfer, progress)
            arrived(download.path)
        except Exception as error:
            self._end(transfer, "failed", known(error) if _runs(transfer) else None)
        else:
            self._end(transfer, "arrived")

    def _note(self, transfer: _Transfer, progress: Progress) -> None:
        now = self._now()
        with self._changed:
            transfer.total = progress.total
            transfer.samples.append((now, progress.received))
            while now - transfer.samples[0][0] > _WINDOW_SECONDS and len(transfer.samples) > 2:
                transfer.samples.popleft()
            self._tell()

    def _end(self, transfer: _Transfer, state: State, failure: SegdemoError | None = None) -> None:
        with self._changed:
            if state == "arrived" or _runs(transfer):
                transfer.state, transfer.failure = state, failure
            self._tell()

    def _tell(self) -> None:
        self._serial += 1
        self._changed.notify_all()


def _runs(transfer: _Transfer) -> bool:
    return transfer.state == "running"


def _row(transfer: _Transfer) -> TransferRow:
    received = transfer.samples[-1][1] if transfer.samples else 0
    known = transfer.total > 0 and bool(transfer.samples)
    return TransferRow(
        id=transfer.entry.id,
        title=transfer.entry.title,
        state=transfer.state,
        percent=min(100, 100 * received // transfer.total) if known else None,
        text=_text(transfer),
    )


def _text(transfer: _Transfer) -> str:
    if transfer.state == "failed":
        return transfer.failure.message() if transfer.failure else ""
    if transfer.state == "stopped":
        return text("page_transfer_stopped", size=amount(transfer.entry.bytes))
    if transfer.state == "arrived":
        return text("page_transfer_arrived")
    if not transfer.samples or not transfer.total:
        return text("page_transfer_connecting")
    return " · ".join(_progress(transfer))


def _progress(transfer: _Transfer) -> Iterator[str]:
    """Amount and share, then speed and time left as soon as they mean something."""
    (first, before), (last, received) = transfer.samples[0], transfer.samples[-1]
    total = transfer.total
    digits = 0 if total >= 10_000_000 else 1
    yield text(
        "page_transfer_amount",
        received=f"{received / 1e6:.{digits}f}",
        total=f"{total / 1e6:.{digits}f}",
        percent=min(100, 100 * received // total),
    )
    if last - first < _TRUSTED_SECONDS or received == before:
        return
    speed = (received - before) / (last - first)
    yield text("page_transfer_speed", speed=f"{speed / 1e6:.1f}")
    seconds = (total - received) / speed
    if seconds >= 90:
        yield text("page_transfer_minutes", minutes=f"{seconds / 60:.0f}")
    elif seconds >= 1:
        yield text("page_transfer_seconds", seconds=f"{seconds:.0f}")
