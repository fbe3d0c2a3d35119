"""HTTP requests to the Hub with a deadline, a size limit and a way to cancel them.

They go through a client of our own, so that the one that huggingface_hub shares between all its
users in this process stays as they set it up.
"""

import platform
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from typing import Any

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.utils import httpx, parse_ratelimit_headers

from segdemo.errors import HubError
from segdemo.hub.network_errors import network_error, no_hub, silent, unreachable
from segdemo.wording import shown

MAX_ANSWER_BYTES = 32_000_000
"""The longest answer that is not a file: the listing of a hundred thousand files."""
MAX_REDIRECTS = 10
_CHANGING_NOTHING = ("GET", "HEAD")
_LONGEST_PAUSE = 5
"""Seconds that are waited before a question is asked once more."""

_USER_AGENT = f"segdemo; hf_hub/{huggingface_hub.__version__}; python/{platform.python_version()}"
_DESCRIPTION = (
    constants.HUGGINGFACE_HEADER_X_REPO_COMMIT,
    constants.HUGGINGFACE_HEADER_X_LINKED_ETAG,
    constants.HUGGINGFACE_HEADER_X_LINKED_SIZE,
)


class CancelToken:
    """Cancels requests and transfers from another thread; share one between all to be cancelled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []
        self.cancelled = False
        self._event = threading.Event()

    def cancel(self) -> None:
        """Cancel what is under way, and everything that is started with this token later."""
        with self._lock:
            self.cancelled = True
            self._event.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    def raise_if_cancelled(self) -> None:
        """Raises HubError("hub_cancelled") after ``cancel``."""
        if self.cancelled:
            raise HubError("hub_cancelled")

    def pause(self, seconds: float) -> None:
        """Wait so long. Raises HubError("hub_cancelled") as soon as somebody cancels."""
        self._event.wait(seconds)
        self.raise_if_cancelled()

    @contextmanager
    def calling(self, callback: Callable[[], object]) -> Iterator[None]:
        """Call ``callback`` in the thread that cancels, if that happens inside the block."""
        with self._lock:
            self._callbacks.append(callback)
        try:
            self.raise_if_cancelled()
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)


class Session:
    """Sends requests to the Hub, one at a time; each ends in time and every failure is a HubError.

    ``seconds`` bound connecting and every wait, and the whole of a request that is no transfer.
    ``token`` is sent to the origin of ``endpoint`` alone. What changes nothing is asked for once
    more where the Hub says to wait for some seconds, or the connection broke before its answer. No
    cookie of one session reaches another. Use it as a context manager.
    """

    # The timeouts of httpx hold for a single wait: for each of a host's addresses, and for each
    # byte of headers that trickle in. Looking up the name of a host has none at all. So a request
    # is sent from a thread of its own, which is left behind when time is up, with its socket shut.

    def __init__(
        self, *, endpoint: str, token: str | None, seconds: float, cancel: CancelToken
    ) -> None:
        self.endpoint = endpoint
        self.seconds = seconds
        self.cancel = cancel
        self._token = token
        self._client = httpx.Client(
            event_hooks={"response": [self._answered]},
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            timeout=seconds,
            verify=_tls(),
            # A connection that is used again does not tell its socket, which a deadline shuts.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._url = httpx.URL("")
        self._socket: socket.socket | None = None
        self._pending: Future[httpx.Response | BaseException] | None = None
        self._shut_down = False
        self._deadline = 0.0
        self._limit = MAX_ANSWER_BYTES
        self._stack = ExitStack()

    def __enter__(self) -> "Session":
        self._stack.enter_context(self.cancel.calling(self._abandon))
        self._stack.callback(self._client.close)
        return self

    def __exit__(self, *_failure: object) -> None:
        self._stack.close()

    def headers(self, url: str) -> dict[str, str]:
        """The headers that tell the server at ``url`` who asks; the token is for the Hub alone."""
        ours = self._token is not None and origin(url) == origin(self.endpoint)
        return {
            "User-Agent": _USER_AGENT,
            # What is counted, limited and hashed are the bytes of the file.
            "Accept-Encoding": "identity",
            **({"Authorization": f"Bearer {self._token}"} if ours else {}),
        }

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """The whole answer, of any status that is not trouble with the Hub or the way to it.

        ``options`` are params, data and headers as in httpx.
        """
        with self.stream(method, url, **options) as response:
            response.read()
        return response

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        transfer: bool = False,
        limit: int = MAX_ANSWER_BYTES,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> Iterator[httpx.Response]:
        """An answer whose body of at most ``limit`` bytes is yet to come.

        The body of a ``transfer`` may take any time as long as no single wait exceeds ``seconds``.
        """
        with self._mapping():
            request = self._client.build_request(
                method, url, headers={**self.headers(url), **(headers or {})}, **options
            )
        with self._sent(request, follow=True) as response:
            # An error page may be longer than the file that was asked for.
            self._limit = limit if response.is_success else MAX_ANSWER_BYTES
            if transfer:
                self._deadline = float("inf")
            yield response

    def head(self, url: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
        """The headers that describe a file, from the Hub itself or the last redirect of its own.

        Redirects are followed until an answer names the commit: the storage that the Hub then
        points to knows nothing of it.
        """
        with self._mapping():
            request = self._client.build_request(
                "HEAD", url, headers={**self.headers(url), **(headers or {})}
            )
        for _ in range(MAX_REDIRECTS):
            with self._sent(request, follow=False) as response:
                response.read()
            described = all(name in response.headers for name in _DESCRIPTION)
            if response.next_request is None or described:
                return response
            request = response.next_request
        raise no_hub(self._url)

    @contextmanager
    def _sent(self, request: httpx.Request, *, follow: bool) -> Iterator[httpx.Response]:
        if constants.is_offline_mode():
            raise HubError("hub_offline")
        request.extensions = {**request.extensions, "trace": self._trace}
        try:
            response = self._answered_well(request, follow=follow)
        except HubError as error:
            pause = _pause_after(error)
            if pause is None or request.method not in _CHANGING_NOTHING:
                raise
            self.cancel.pause(pause)
            response = self._answered_well(request, follow=follow)
        try:
            yield response
        finally:
            response.close()

    def _answered_well(self, request: httpx.Request, *, follow: bool) -> httpx.Response:
        """The answer, its body yet to come, of any status that is no trouble with the Hub."""
        self._url = request.url
        self._deadline = time.monotonic() + self.seconds
        self._limit = MAX_ANSWER_BYTES
        self._socket, self._shut_down = None, False
        response = self._answer(request, follow=follow)
        try:
            self._refuse_trouble(response)
        except HubError:
            response.close()
            raise
        return response

    def _answer(self, request: httpx.Request, *, follow: bool) -> httpx.Response:
        pending: Future[httpx.Response | BaseException] = Future()

        def send() -> None:
            answer: httpx.Response | BaseException
            try:
                answer = self._client.send(request, stream=True, follow_redirects=follow)
            except BaseException as error:
                answer = error
            try:
                pending.set_result(answer)
            except InvalidStateError:
                if isinstance(answer, httpx.Response):
                    answer.close()

        self._pending = pending
        # From here on whoever cancels finds what there is to wake; who did before is seen now.
        self.cancel.raise_if_cancelled()
        threading.Thread(target=send, name="hub", daemon=True).start()
        try:
            answer = pending.result(self.seconds)
        except (CancelledError, FutureTimeoutError):
            self._abandon()
            self.cancel.raise_if_cancelled()
            raise (
                silent(self._url, self.seconds) if self._socket else unreachable(self._url)
            ) from None
        with self._mapping():
            if isinstance(answer, BaseException):
                raise answer
        assert isinstance(answer, httpx.Response)
        return answer

    def _abandon(self) -> None:
        """Wake whoever waits for the answer or its body."""
        self._shut_down = True
        if self._pending is not None:
            self._pending.cancel()
        if self._socket is not None:
            with suppress(OSError):
                # Not SSLSocket.shutdown, which takes the session from under the reading thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Learn of each socket as it is connected; TLS puts a new one in the place of the first."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self._shut_down:
                self._abandon()

    def _answered(self, response: httpx.Response) -> None:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity" and response.request.method != "HEAD":
            raise no_hub(self._url)
        if response.has_redirect_location:
            target = response.request.url.join(response.headers["Location"])
            if not is_as_secure(target, response.request.url):
                raise no_hub(self._url)
            self._url = target
        response.stream = _Body(response.stream, self._limited)

    def _limited(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces of a body, within its limits."""
        length = 0
        with self._mapping():
            for piece in pieces:
                self.cancel.raise_if_cancelled()
                if time.monotonic() > self._deadline:
                    raise silent(self._url, self.seconds)
                length += len(piece)
                if length > self._limit:
                    raise HubError("hub_too_long", host=shown(self._url.host))
                yield piece
            # A socket that was shut looks like the end of the body.
            self.cancel.raise_if_cancelled()

    def _refuse_trouble(self, response: httpx.Response) -> None:
        """Raises HubError for a Hub, or a proxy, that cannot answer now."""
        status, host = response.status_code, shown(self._url.host)
        if status == 429:
            limits = parse_ratelimit_headers(response.headers)
            seconds = response.headers.get("Retry-After", "")
            if limits is not None and limits.remaining == 0:
                seconds = str(limits.reset_in_seconds)
            if re.fullmatch(r"[0-9]{1,6}", seconds):
                raise HubError("hub_rate_limited", seconds=int(seconds))
            raise HubError("hub_rate_limited_unknown")
        if status == 407:
            raise HubError("hub_proxy", host=host)
        if status >= 500 or status == 408:
            raise HubError("hub_down", host=host, status=status)

    @contextmanager
    def _mapping(self) -> Iterator[None]:
        try:
            yield
        except HubError:
            raise
        except Exception as error:
            # A socket that is shut under its reader can raise anything.
            self.cancel.raise_if_cancelled()
            sentence = network_error(error, self._url, self.seconds)
            if sentence is None:
                raise
            raise sentence from error


class _Body(httpx.SyncByteStream):
    """The body of an answer, passed through ``limited`` as it is read."""

    def __init__(self, stream: Any, limited: Callable[[Iterable[bytes]], Iterator[bytes]]) -> None:
        self._stream = stream
        self._limited = limited

    def __iter__(self) -> Iterator[bytes]:
        return self._limited(self._stream)

    def close(self) -> None:
        self._stream.close()


def _pause_after(error: HubError) -> float | None:
    """Seconds after which asking once more may help; None where it does not."""
    if error.key == "hub_broken_off":
        return 0
    seconds = error.facts.get("seconds") if error.key == "hub_rate_limited" else None
    return seconds if isinstance(seconds, int) and seconds <= _LONGEST_PAUSE else None


def origin(url: str) -> str:
    """Scheme, host and port of ``url``; "" when it is none."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return ""
    port = parsed.port or {"http": 80, "https": 443}.get(parsed.scheme, 0)
    return f"{parsed.scheme}://{parsed.host}:{port}"


def is_as_secure(target: httpx.URL, source: httpx.URL) -> bool:
    """Whether ``source`` may send us to ``target``: encrypted, or as little as itself."""
    return target.scheme in ("https", source.scheme)


@cache
def _tls() -> ssl.SSLContext:
    """The certificates to trust, which take a tenth of a second to read."""
    return httpx.create_ssl_context()
