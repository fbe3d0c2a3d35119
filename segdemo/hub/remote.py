"""Reads the parts of a file on the Hub that describe its tensors, by HTTP range requests."""

import io
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, Protocol

from huggingface_hub import hf_hub_url
from huggingface_hub.utils import hf_raise_for_status, httpx

from segdemo.errors import HubError
from segdemo.hub.client import Token, endpoint, session
from segdemo.hub.references import Address
from segdemo.wording import amount, shown

BUDGET_BYTES = 1_000_000
"""Most bytes read of one file; networks that are known take less than a fifth of it."""

NUMBER_BYTES = 512_000
"""Most bytes read of the numbers of one file, beside those."""

# What describes a U²-Net, the network of the most tensors, mostly lies within these.
_FIRST_BYTES = 96 * 1024
_LAST_BYTES = 64 * 1024
_AHEAD_BYTES = 16 * 1024
_PIECE_BYTES = 16 * 1024
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


class Fetch(Protocol):
    """A source of byte ranges of one file."""

    def __call__(self, start: int, stop: int) -> bytes:
        """Bytes ``start`` to ``stop`` (exclusive) of the file. Raises HubError."""


class RangeFile(io.RawIOBase):
    """A read-only file of ``size`` bytes that is fetched in few ranges, each byte once.

    The first read of its beginning and of its end takes more than was asked for, because the rest
    of what describes tensors lies there. Reads raise HubError when more than ``budget`` bytes
    would be fetched; wrap it in io.BufferedReader for small reads.
    """

    def __init__(self, fetch: Fetch, *, name: str, size: int, budget: int = BUDGET_BYTES) -> None:
        self._fetch = fetch
        self._name = name
        self._size = size
        self._left = budget
        self._position = 0
        self._parts: dict[int, bytes] = {}
        self._is_narrow = False

    def narrowed(self, budget: int) -> "RangeFile":
        """The same file, with what has been fetched of it; it fetches little more than is read."""
        twin = RangeFile(self._fetch, name=self._name, size=self._size, budget=budget)
        twin._parts, twin._is_narrow = self._parts, True
        return twin

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true."""
        return True

    def tell(self) -> int:
        """The position, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position, without a request. Raises OSError for one before the beginning."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("before the beginning")
        self._position = start + offset
        return self._position

    def readinto(self, memory: Any, /) -> int:
        """Read at most one range into ``memory``; returns its length, 0 at the end.

        Raises HubError.
        """
        if self._position >= self._size:
            return 0
        start, part = self._part(len(memory))
        found = part[self._position - start :][: len(memory)]
        memory[: len(found)] = found
        self._position += len(found)
        return len(found)

    def _part(self, wanted: int) -> tuple[int, bytes]:
        """The part that the position is in, which may have to be fetched."""
        for start, part in self._parts.items():
            if start <= self._position < start + len(part):
                return start, part
        start, stop = self._range(wanted)
        self._left -= stop - start
        if self._left < 0:
            raise HubError("hub_peek_budget", name=self._name, limit=amount(BUDGET_BYTES))
        self._parts[start] = self._fetch(start, stop)
        return start, self._parts[start]

    def _range(self, wanted: int) -> tuple[int, int]:
        """What to fetch: nothing that is known already."""
        position, size = self._position, self._size
        if size <= _FIRST_BYTES + _LAST_BYTES:
            first, last = 0, size
        elif self._is_narrow:
            first, last = position, position + wanted + _AHEAD_BYTES
        elif position < _FIRST_BYTES:
            first, last = 0, max(_FIRST_BYTES, position + wanted)
        elif position >= size - _LAST_BYTES:
            first, last = size - _LAST_BYTES, size
        else:
            # The further pickles go, the longer they will be.
            first, last = position, position + max(wanted + _AHEAD_BYTES, position // 3)
        ends = [start + len(part) for start, part in self._parts.items() if start <= position]
        starts = [start for start in self._parts if start > position]
        return max([first, *ends]), min([last, size, *starts])


class HubRanges:
    """Fetches ranges of one file on the Hub; ``seconds()`` bounds the next request."""

    def __init__(
        self, address: Address, *, size: int, token: Token, seconds: Callable[[], float]
    ) -> None:
        assert address.filename is not None
        self._address = address
        self._name = shown(PurePosixPath(address.filename).name)
        self._size = size
        self._token = token
        self._seconds = seconds
        self._url = hf_hub_url(
            address.repo_id,
            address.filename,
            repo_type=address.repo_type,
            revision=address.revision,
            endpoint=endpoint(),
        )

    def __call__(self, start: int, stop: int) -> bytes:
        """Fetch bytes ``start`` to ``stop`` (exclusive) in one request.

        The address that the first one is redirected to is asked the next time. Raises HubError,
        also for an answer that is another range, or of a file of another size.
        """
        part = {"Range": f"bytes={start}-{stop - 1}"}
        with (
            session(self._address, seconds=self._seconds(), token=self._token) as asking,
            asking.stream("GET", self._url, headers=part) as response,
        ):
            if response.is_error:
                response.read()
            hf_raise_for_status(response)
            self._url = str(response.url)
            self._check(response, start, stop)
            # Who knows no ranges sends the whole file, of which all that comes first is lost.
            lost = start if response.status_code == 200 else 0
            if lost and stop > BUDGET_BYTES:
                raise HubError("hub_no_ranges", name=self._name)
            return self._received(response, lost + stop - start)[lost:]

    def _check(self, response: httpx.Response, start: int, stop: int) -> None:
        """Raises HubError unless the answer says that it is what was asked for."""
        length = response.headers.get("Content-Length")
        if response.status_code == 206:
            said = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            fits = said is not None and [*map(int, said.groups())] == [start, stop - 1, self._size]
        else:
            fits = response.status_code == 200 and length in (None, str(self._size))
        if not fits:
            raise HubError("hub_other_part", name=self._name)

    def _received(self, response: httpx.Response, count: int) -> bytes:
        """The first ``count`` bytes; the connection is closed on all others."""
        pieces = bytearray()
        for piece in response.iter_raw(_PIECE_BYTES):
            pieces += piece
            if len(pieces) >= count:
                return bytes(pieces[:count])
        raise HubError("hub_other_part", name=self._name)
