"""What can go wrong with a Hub, by name."""

import dataclasses
import gzip
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from hub_server.answers import Answer

Kind = Literal["head", "get", "api", "list", "write", "xet"]
KINDS: tuple[Kind, ...] = ("head", "get", "api", "list", "write", "xet")

# How a fault acts: on the answer's headers and body before they are sent, or on their way out.
FAULTS = {
    # Answers that never come, or never end.
    "hang": "nothing is said until the fault is lifted",
    "stall": "half of the body (`part`), then nothing until the fault is lifted",
    "trickle": "`size` bytes every `seconds`, headers included",
    "endless": "a body without a length that never ends",
    "drop": "the connection is closed without a word",
    "garbage": "something that is not HTTP",
    # Other answers.
    "status": "`status`, with `code`, `message` and `headers` when given",
    "page": "the page of a captive portal, with status 200",
    "body": "`content` in place of the body, such as JSON that is none, or not of this form",
    "gzip": "a small body that unpacks to `megabytes`",
    "redirect_loop": "a redirect to the same address",
    "redirect": "a redirect to `to`, in whatever scheme and on whatever host",
    # Answers with something wrong in them.
    "truncate": "the connection is closed after `part` of the body",
    "shorter": "the length and the body are less than the size that HEAD told, by `part`",
    "corrupt": "one bit of the file is wrong, the length is right",
    "no_ranges": "the whole file, whatever part of it was asked for",
    "no_sizes": "descriptions without the sizes of files, as mirrors of the Hub give them",
    "headers": "`headers` are set, or left out when None",
    "etag": "the ETag is `value`",
    "commit": "the commit is `value`",
    "size": "the size is `value`, whatever comes",
}
_BODY_ONLY = {"stall", "truncate", "shorter", "corrupt", "endless"}
_FILE_ONLY = {"etag", "commit", "size"}
PORTAL = b"<!doctype html><html><body><h1>Welcome to the airport</h1>Please log in.</body></html>"
HOSTILE = "../../../../evil"
_ETAGS = ("ETag", "X-Linked-Etag")


@dataclass
class Fault:
    """One fault that a server was told to have; it holds until it is lifted or used up."""

    name: str
    on: frozenset[Kind]
    repo: str | None
    path: str | None
    after: int
    times: int | None
    options: dict[str, Any]
    met: threading.Event = field(default_factory=threading.Event)
    """Set as soon as a request has met it."""
    lifted: threading.Event = field(default_factory=threading.Event)
    seen: int = 0

    def lift(self) -> None:
        """Ends it; whoever hangs or stalls gets the rest."""
        self.lifted.set()

    def hits(self, kind: Kind, repo: str, path: str, answer: Answer) -> bool:
        """Whether it acts on this answer, which counts as one time."""
        if self.lifted.is_set() or kind not in self.on:
            return False
        if self.repo not in (None, repo) or self.path not in (None, path):
            return False
        if self.name in _BODY_ONLY and (answer.redirects or kind == "head"):
            return False
        if self.name == "no_ranges" and not answer.file:
            return False
        if self.name == "no_sizes" and b'"siblings"' not in bytes(answer.body):
            return False
        if self.name in _FILE_ONLY and "X-Repo-Commit" not in answer.headers:
            return False
        self.seen += 1
        last = self.after + (self.times or self.seen)
        if not self.after < self.seen <= last:
            return False
        self.met.set()
        return True

    def change(self, answer: Answer, url: str) -> Answer:
        """The answer with the fault in it, as far as that shows before it is sent."""
        changed = _CHANGES.get(self.name)
        return changed(answer, url, **self.options) if changed else answer


def made(
    name: str,
    *,
    on: Kind | Iterable[Kind] | None,
    repo: str | None,
    path: str | None,
    after: int,
    times: int | None,
    options: dict[str, Any],
) -> Fault:
    if name not in FAULTS:
        raise ValueError(f"No fault {name!r}; there are {', '.join(FAULTS)}")
    kinds = KINDS if on is None else (on,) if isinstance(on, str) else tuple(on)
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(f"No kinds of request: {unknown}")
    return Fault(name, frozenset(kinds), repo, path, after, times, options)


def _status(
    _answer: Answer,
    _url: str,
    status: int,
    code: str = "",
    message: str = "",
    headers: dict[str, str] | None = None,
) -> Answer:
    named = {"X-Error-Code": code, "X-Error-Message": message}
    said = {name: text for name, text in named.items() if text}
    return Answer(status, said | (headers or {}), message.encode())


def _page(_answer: Answer, _url: str) -> Answer:
    return Answer(200, {"Content-Type": "text/html; charset=utf-8"}, PORTAL)


def _body(answer: Answer, _url: str, content: bytes = b'{"id": ') -> Answer:
    kind = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
    return Answer(200, kind, content)


def _gzip(answer: Answer, _url: str, megabytes: int = 256) -> Answer:
    headers = {"Content-Type": "application/json"} | answer.headers | {"Content-Encoding": "gzip"}
    headers.pop("Content-Length", None)
    block = gzip.compress(b" " * 2**20)  # members follow each other, so one is made once
    return Answer(200, headers, block * megabytes)


def _redirect_loop(_answer: Answer, url: str) -> Answer:
    return Answer(307, {"Location": url})


def _redirect(answer: Answer, _url: str, to: str) -> Answer:
    return Answer(302, answer.headers | {"Location": to})


def _shorter(answer: Answer, _url: str, part: float = 0.5) -> Answer:
    kept = memoryview(answer.body)[: int(len(answer.body) * part)]
    return dataclasses.replace(answer, body=kept)


def _corrupt(answer: Answer, _url: str) -> Answer:
    place = len(answer.file or answer.body) // 2 - answer.offset
    if not 0 <= place < len(answer.body):
        return answer
    body = bytearray(answer.body)
    body[place] ^= 1
    return dataclasses.replace(answer, body=bytes(body))


def _no_ranges(answer: Answer, _url: str) -> Answer:
    unranged = ("Accept-Ranges", "Content-Range")
    headers = {name: text for name, text in answer.headers.items() if name not in unranged}
    return Answer(200, headers, answer.file, file=answer.file)


def _no_sizes(answer: Answer, _url: str) -> Answer:
    described = json.loads(answer.body)
    described["siblings"] = [{"rfilename": file["rfilename"]} for file in described["siblings"]]
    return dataclasses.replace(answer, body=json.dumps(described).encode())


def _headers(answer: Answer, _url: str, headers: dict[str, str | None]) -> Answer:
    changed = {name.lower() for name in headers}
    kept = {name: text for name, text in answer.headers.items() if name.lower() not in changed}
    new = {name: text for name, text in headers.items() if text is not None}
    return dataclasses.replace(answer, headers=kept | new)


def _etag(answer: Answer, url: str, value: str = HOSTILE) -> Answer:
    named = {name: f'"{value}"' for name in _ETAGS if name in answer.headers}
    return _headers(answer, url, dict(named))


def _commit(answer: Answer, url: str, value: str = HOSTILE) -> Answer:
    return _headers(answer, url, {"X-Repo-Commit": value})


def _size(answer: Answer, url: str, value: int) -> Answer:
    names = ["X-Linked-Size"] if answer.redirects else ["X-Linked-Size", "Content-Length"]
    return _headers(answer, url, dict.fromkeys(names, str(value)))


_CHANGES: dict[str, Callable[..., Answer]] = {
    "status": _status,
    "page": _page,
    "body": _body,
    "gzip": _gzip,
    "redirect_loop": _redirect_loop,
    "redirect": _redirect,
    "shorter": _shorter,
    "corrupt": _corrupt,
    "no_ranges": _no_ranges,
    "no_sizes": _no_sizes,
    "headers": _headers,
    "etag": _etag,
    "commit": _commit,
    "size": _size,
}
