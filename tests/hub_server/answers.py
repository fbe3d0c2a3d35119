"""What a server says: a status, headers and a body, or a refusal in the words of the Hub."""

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

CHUNK = 64 * 1024


@dataclass
class Answer:
    """Faults change it before it is sent."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | memoryview = b""
    offset: int = 0
    """Where in the file the body begins."""
    file: bytes = b""
    """The file that the body is of, or a part of."""

    @property
    def redirects(self) -> bool:
        return 300 <= self.status < 400

    @property
    def head(self) -> bytes:
        """The status line and the headers."""
        known = {status.value: status.phrase for status in HTTPStatus}
        lines = [f"HTTP/1.1 {self.status} {known.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def as_json(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(status, kind | (headers or {}), json.dumps(value).encode())


def refusal(
    status: int, message: str, *, code: str = "", headers: dict[str, str] | None = None
) -> Answer:
    """Without a code the client has only the status to go by."""
    named = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
    return as_json({"error": message}, status=status, headers=named | (headers or {}))


def ranged(content: bytes, wanted: str | None, headers: dict[str, str]) -> Answer:
    """The whole content, or the one range of it that was asked for."""
    headers = headers | {"Accept-Ranges": "bytes"}
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "")
    if found is None or found.group(0) == "bytes=-":
        return Answer(200, headers, content, file=content)
    first, last = found.groups()
    size = len(content)
    start = int(first) if first else max(0, size - int(last))
    stop = min(int(last) + 1, size) if first and last else size
    if start >= stop:
        return Answer(416, headers | {"Content-Range": f"bytes */{size}"})
    part = {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    return Answer(206, headers | part, memoryview(content)[start:stop], start, content)
