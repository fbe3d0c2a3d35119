"""The HTTP client of huggingface_hub with deadlines: nothing waits, retries or sends unseen."""

import math
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Protocol
from urllib.request import getproxies, proxy_bypass

from huggingface_hub import constants, get_session, set_client_factory
from huggingface_hub.utils import httpx, parse_ratelimit_headers

from segdemo.errors import HubError
from segdemo.wording import shown

MAX_ANSWER_BYTES = 32_000_000
"""Of one answer that is no file: a listing of a hundred thousand files."""
COMMIT = re.compile(r"[0-9a-f]{40}")
"""A full commit, and the digest of a file that is not in large file storage."""
SHA256 = re.compile(r"[0-9a-f]{64}")

# For what others in this process ask through the same client, where they set no bound themselves.
_OTHERS_SECONDS = 20.0
_EXTENSION = "segdemo.exchange"
_TELEMETRY = "/api/agent-harnesses"

# Only plain HTTP goes through this client, so only there do deadlines, byte counts and cancelling
# hold. The environment variable is read when huggingface_hub is imported, perhaps before us.
constants.HF_HUB_DISABLE_XET = True


class Brake:
    """Stops, from any thread, whatever exchange is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchange: _Exchange | None = None
        self.pulled = False

    def pull(self) -> None:
        """End the exchange that is under way, and every later one at its start."""
        with self._lock:
            self.pulled = True
            exchange = self._exchange
        if exchange is not None:
            exchange.cut()

    def _hold(self, exchange: "_Exchange") -> None:
        with self._lock:
            self._exchange = exchange


class Sink(Protocol):
    """Sees the body of a file on its way."""

    def take(self, piece: bytes) -> None:
        """Called with every piece of it, in order."""

    def end(self) -> None:
        """Called after the last piece; what it raises is raised in place of the end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounds:
    """What an exchange with the Hub may take."""

    origin: str
    """The only scheme, host and port that a token is sent to."""
    seconds: float
    """For connecting and for every wait; for the whole of an exchange that is no transfer."""
    limit: int = MAX_ANSWER_BYTES
    """The longest body, in bytes."""
    sink: Sink | None = None
    """Makes it a transfer."""
    brake: Brake | None = None


_BOUNDS: ContextVar[Bounds | None] = ContextVar("segdemo_hub_bounds", default=None)


@contextmanager
def bounded(bounds: Bounds) -> Iterator[None]:
    """Hold every request of this thread to ``bounds``; those that fail raise HubError."""
    token = _BOUNDS.set(bounds)
    try:
        yield
    finally:
        _BOUNDS.reset(token)


class _Exchange:
    """One request with its redirects and its answer, which a deadline or a brake can end.

    The time limits of the client hold for every single wait: for each of a host's addresses, and
    for each byte that a server takes its time with. Looking up the name of the host has none.
    So the request is sent in a thread of its own, which is left behind when time is up.
    """

    def __init__(self, bounds: Bounds, request: httpx.Request) -> None:
        self.bounds = bounds
        self._url = request.url
        # A file that is sent may take as long as it moves.
        self._seconds = None if request.method == "PUT" else bounds.seconds
        self._deadline = time.monotonic() + (self._seconds or math.inf)
        self._socket: socket.socket | None = None
        self._cut = False
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._left = False
        self._response: httpx.Response | None = None
        self._failure: BaseException | None = None
        if bounds.brake is not None:
            bounds.brake._hold(self)

    def run(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer to what ``send`` asks. Raises HubError; OfflineModeIsEnabled, too."""
        worker = threading.Thread(target=self._work, args=(send,), name="hub", daemon=True)
        worker.start()
        try:
            self._settled.wait(self._seconds)
        finally:
            with self._lock:
                self._left = self._response is None and self._failure is None
        if self._left:
            self.cut()
            self._stop_if_braked()
            raise self._silent() if self._socket else self._unreachable()
        if self._failure is not None:
            with self.failures():
                raise self._failure
        assert self._response is not None
        return self._response

    def _work(self, send: Callable[[], httpx.Response]) -> None:
        response, failure = None, None
        try:
            response = send()
        except BaseException as error:
            failure = error
        with self._lock:
            if not self._left:
                self._response, self._failure = response, failure
            elif response is not None:
                response.close()
        self._settled.set()

    def cut(self) -> None:
        """Wake whoever waits for the answer, and close the socket under it."""
        self._cut = True
        self._settled.set()
        if self._socket is not None:
            with suppress(OSError):
                # Not SSLSocket.shutdown, which takes the session from under the reading thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Learn of each socket as it is connected; TLS puts a new one in the place of the first."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self._cut:
                self.cut()

    def ask(self, request: httpx.Request) -> None:
        self._url = request.url
        self._stop_if_braked()
        if request.url.path.endswith(_TELEMETRY):
            # huggingface_hub does without it; a Hub that is silent would be waited for twice.
            raise self._no_hub()
        # One visitor's token, or the operator's, is for the Hub alone.
        if _origin(request.url) != self.bounds.origin:
            request.headers.pop("Authorization", None)
        # What is counted, limited and compared are the bytes of the file.
        request.headers["Accept-Encoding"] = "identity"

    def receive(self, response: httpx.Response) -> None:
        self._check_names(response)
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity" and response.request.method != "HEAD":
            raise self._no_hub()
        if response.has_redirect_location:
            target = response.request.url.join(response.headers["Location"])
            if target.scheme not in ("https", response.request.url.scheme):
                raise self._no_hub()
        elif self.bounds.sink is not None:
            # From now on it is known to come, and each wait has its limit.
            self._deadline = math.inf
        self._refuse_trouble(response)
        is_file = response.request.method == "GET" and response.is_success
        response.stream = _Body(response.stream, self, self.bounds.sink if is_file else None)

    def _check_names(self, response: httpx.Response) -> None:
        """huggingface_hub joins these headers to paths in its cache as they are."""
        commit = response.headers.get(constants.HUGGINGFACE_HEADER_X_REPO_COMMIT)
        if commit is None:
            return
        headers = response.headers
        told = headers.get(constants.HUGGINGFACE_HEADER_X_LINKED_ETAG) or headers.get("ETag")
        names = response.request.method == "HEAD" and not response.is_error and told is not None
        digest = (told or "").removeprefix("W/").strip('"')
        known = COMMIT.fullmatch(digest) or SHA256.fullmatch(digest)
        if not COMMIT.fullmatch(commit) or (names and not known):
            raise self._no_hub()

    def _refuse_trouble(self, response: httpx.Response) -> None:
        """What huggingface_hub would quietly retry, for minutes if the answer says so."""
        status = response.status_code
        if status == 429:
            limits = parse_ratelimit_headers(response.headers)
            seconds = response.headers.get("Retry-After", "")
            if limits is not None and limits.remaining == 0:
                seconds = str(limits.reset_in_seconds)
            if re.fullmatch(r"[0-9]{1,6}", seconds):
                raise HubError("hub_rate_limited", seconds=int(seconds))
            raise HubError("hub_rate_limited_unknown")
        if status == 407:
            raise HubError("hub_proxy", host=self._host)
        if status >= 500 or status == 408:
            raise HubError("hub_down", host=self._host, status=status)

    def pass_on(self, pieces: Iterable[bytes], sink: Sink | None) -> Iterator[bytes]:
        # What is said instead of a file may be longer than the file.
        limit = MAX_ANSWER_BYTES if self.bounds.sink and not sink else self.bounds.limit
        length = 0
        for piece in pieces:
            self._stop_if_braked()
            if time.monotonic() > self._deadline:
                raise self._silent()
            length += len(piece)
            if length > limit:
                raise HubError("hub_too_long", host=self._host)
            if sink is not None:
                sink.take(piece)
            yield piece
        # A socket that was closed under us looks like the end.
        self._stop_if_braked()
        if sink is not None:
            sink.end()

    def _stop_if_braked(self) -> None:
        if self.bounds.brake is not None and self.bounds.brake.pulled:
            raise HubError("hub_cancelled")

    @property
    def _host(self) -> str:
        return shown(self._url.host)

    def _silent(self) -> HubError:
        return HubError("hub_silent", host=self._host, seconds=f"{self.bounds.seconds:g}")

    def _unreachable(self) -> HubError:
        key = "hub_proxy" if _goes_through_proxy(self._url) else "hub_unreachable"
        return HubError(key, host=self._host)

    def _no_hub(self) -> HubError:
        return HubError("hub_no_hub", host=self._host)

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turn what httpx raises into our sentences, so that nobody retries it."""
        try:
            yield
        except HubError:
            raise
        except Exception as error:
            # A socket that is closed under its reader can raise anything.
            self._stop_if_braked()
            sentence = self._told(error)
            if sentence is None:
                raise
            raise sentence from error

    def _told(self, error: Exception) -> HubError | None:
        host = self._host
        match error:
            case httpx.ProxyError():
                return HubError("hub_proxy", host=host)
            case httpx.ConnectError() if _is_tls(error):
                return HubError("hub_tls", host=host)
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return self._unreachable()
            case httpx.TimeoutException():
                return self._silent()
            case httpx.NetworkError() | httpx.RemoteProtocolError():
                return HubError("hub_broken_off", host=host)
            case httpx.HTTPError() | httpx.InvalidURL():
                return self._no_hub()
        return None


class _Body(httpx.SyncByteStream):
    """The bytes of an answer, watched as they come."""

    def __init__(self, stream: Any, exchange: _Exchange, sink: Sink | None) -> None:
        self._stream = stream
        self._exchange = exchange
        self._sink = sink

    def __iter__(self) -> Iterator[bytes]:
        with self._exchange.failures():
            yield from self._exchange.pass_on(self._stream, self._sink)

    def close(self) -> None:
        self._stream.close()


class _Client(httpx.Client):
    """A client that holds requests to the bounds of their thread, and others to a time limit."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        bounds = _BOUNDS.get()
        limits = request.extensions.get("timeout", {})
        waits = ("connect", "read", "write", "pool")
        if bounds is None:
            filled = {wait: limits.get(wait) or _OTHERS_SECONDS for wait in waits}
            request.extensions = {**request.extensions, "timeout": filled}
            return super().send(request, **options)
        exchange = _Exchange(bounds, request)
        request.extensions = {
            **request.extensions,
            "timeout": dict.fromkeys(waits, bounds.seconds),
            "trace": exchange.trace,
            _EXTENSION: exchange,
        }
        # huggingface_hub and our own hooks look at what this thread is about.
        send = partial(copy_context().run, super().send, request, **options)
        return exchange.run(send)


def _ask(request: httpx.Request) -> None:
    exchange = request.extensions.get(_EXTENSION)
    if exchange is not None:
        exchange.ask(request)


def _receive(response: httpx.Response) -> None:
    exchange = response.request.extensions.get(_EXTENSION)
    if exchange is not None:
        exchange.receive(response)


def _origin(url: httpx.URL) -> str:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
    return f"{url.scheme}://{url.host}:{port}"


def origin(url: str) -> str:
    """Scheme, host and port of ``url``; "" when it is none."""
    try:
        return _origin(httpx.URL(url))
    except httpx.InvalidURL:
        return ""


def _goes_through_proxy(url: httpx.URL) -> bool:
    """Whether the environment names a proxy for it, as httpx reads the environment."""
    proxies = getproxies()
    return bool({url.scheme, "all"} & proxies.keys()) and not proxy_bypass(url.host)


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _client() -> httpx.Client:
    return _Client(
        event_hooks={
            "request": [*_HOOKS["request"], _ask],
            "response": [*_HOOKS["response"], _receive],
        },
        follow_redirects=True,
        # An exchange must know its socket, which a connection that is used again does not tell.
        limits=httpx.Limits(max_keepalive_connections=0),
        # All visitors share this client; a cookie that answers one must not go out with another.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
    )


# Those of huggingface_hub keep its offline mode.
_HOOKS = get_session().event_hooks
set_client_factory(_client)
