"""The ASGI middleware in front of the page: host names, uploads, calls, and headers."""

import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.strings import nearest
from segdemo.ui.operations.clients import address_of, header
from segdemo.ui.operations.disk import DiskQuota
from segdemo.ui.operations.headers import with_security
from segdemo.ui.operations.hosts import is_foreign, is_known
from segdemo.ui.operations.urls import MAX_BODY_BYTES, names_an_address
from segdemo.wording import amount, one_line

_Scope = MutableMapping[str, Any]
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_CALLS = ("/queue/join", "/call/", "/run/", "/api/")
_UPLOAD = "/upload"
_CHANGING = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_HEALTH = ("/healthz", "/readyz", "/metrics")
_RETRY_SECONDS = b"5"

_log = logging.getLogger(__name__)


class Guard:
    """Refuses what the server answers to nobody, and adds what every answer carries."""

    def __init__(self, app: _App, *, hosts: Sequence[str], quota: DiskQuota) -> None:
        """``hosts`` are patterns of the names that are answered, empty for any."""
        self._app = app
        self._hosts = hosts
        self._quota = quota

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reference, began = secrets.token_hex(4), time.monotonic()
        path = str(scope["path"])

        async def answer(message: _Message) -> None:
            if message["type"] == "http.response.start":
                headers = with_security(message.get("headers", ()), path)
                headers.append((b"x-request-id", reference.encode()))
                if message["status"] == 503:
                    headers.append((b"retry-after", _RETRY_SECONDS))
                message["headers"] = headers
                _log.log(
                    logging.INFO if scope["method"] in _CHANGING else logging.DEBUG,
                    "answered",
                    extra={
                        "request": reference,
                        "method": scope["method"],
                        "path": one_line(path),
                        "status": message["status"],
                        "seconds": round(time.monotonic() - began, 3),
                    },
                )
            await send(message)

        refused = self._refused(scope)
        if refused is None and scope["method"] == "POST" and any(map(path.__contains__, _CALLS)):
            body = await _body(receive)
            refused = _refused_body(body)
            receive = _again(body or b"", receive)
        if refused is None:
            await self._app(scope, receive, answer)
        else:
            status, error = refused
            await _say(status, error, scope, answer)

    def _refused(self, scope: _Scope) -> tuple[int, SegdemoError] | None:
        """The status and the sentence that the head of a request deserves already."""
        host, path = header(scope, "host"), str(scope["path"])
        if path in _HEALTH:
            return None  # A probe asks by whatever name it has.
        if not is_known(host, self._hosts):
            return 421, SegdemoError("server_host", host=one_line(host))
        if scope["method"] not in _CHANGING:
            return None
        if is_foreign(header(scope, "origin"), host):
            return 403, SegdemoError("server_origin")
        if not path.rstrip("/").endswith(_UPLOAD):
            return None
        length = header(scope, "content-length")
        if not length.isdecimal():
            return 411, SegdemoError("upload_length")
        error = self._quota.refusal(address_of(scope), int(length))
        return (507, error) if error else None


def _refused_body(body: bytes | None) -> tuple[int, SegdemoError] | None:
    if body is None:
        return 413, SegdemoError("server_body", limit=amount(MAX_BODY_BYTES))
    if names_an_address(body):
        return 400, SegdemoError("server_address")
    return None


async def _body(receive: _Receive) -> bytes | None:
    """The whole body; None when it is longer than that of any call."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)  # The client has gone.
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: _Receive) -> _Receive:
    """What hands on a body that has been read, then whatever comes after it."""
    rest = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> _Message:
        return rest.pop() if rest else await receive()

    return next_message


async def _say(status: int, error: SegdemoError, scope: _Scope, send: _Send) -> None:
    """Answer by one sentence in the language of the browser, as FastAPI words its refusals."""
    tags = (tag.partition(";")[0] for tag in header(scope, "accept-language").split(","))
    content = json.dumps({"detail": error.message(nearest(tags))}, ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
