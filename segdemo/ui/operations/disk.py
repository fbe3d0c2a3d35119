"""How much of the disk visitors' uploads may take, together and each."""

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from segdemo.errors import SegdemoError
from segdemo.wording import amount

_DAY = 86_400.0  # seconds, after which an upload is deleted
_SHARE = 2  # one address has this part of the whole
_FRESH = 5.0  # seconds for which a measurement of the folder holds


class DiskQuota:
    """Decides whether an upload fits."""

    def __init__(
        self,
        limit: int,
        folder: Callable[[], Path],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``limit`` is in bytes, of everything in ``folder()``; ``clock`` counts seconds."""
        self._limit = limit
        self._folder = folder
        self._clock = clock
        self._measured: tuple[float, int] | None = None
        self._coming = 0
        self._uploads: dict[str, deque[tuple[float, int]]] = {}

    def refusal(self, address: str, size: int) -> SegdemoError | None:
        """Why an upload of ``size`` bytes does not fit; None if it does, and it is counted."""
        now = self._clock()
        own = self._of(address, now)
        if own + size > self._limit // _SHARE:
            return SegdemoError(
                "upload_share", used=amount(own), limit=amount(self._limit // _SHARE)
            )
        if self.used(now) + size > self._limit:
            return SegdemoError("upload_disk", limit=amount(self._limit))
        self._uploads.setdefault(address, deque()).append((now, size))
        self._coming += size
        return None

    def used(self, now: float | None = None) -> int:
        """Bytes in the folder, and those that have been let in since it was measured."""
        now = self._clock() if now is None else now
        if self._measured is None or now - self._measured[0] > _FRESH:
            self._measured = now, _bytes_in(self._folder())
            self._coming = 0
        return self._measured[1] + self._coming

    def _of(self, address: str, now: float) -> int:
        """What an address has uploaded within a day; what is older is forgotten for all."""
        for one, uploads in list(self._uploads.items()):
            while uploads and now - uploads[0][0] > _DAY:
                uploads.popleft()
            if not uploads:
                del self._uploads[one]
        return sum(size for _, size in self._uploads.get(address, ()))


def _bytes_in(folder: Path) -> int:
    whole = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                whole += os.lstat(os.path.join(path, name)).st_size
            except OSError:
                continue  # It was deleted meanwhile.
    return whole
