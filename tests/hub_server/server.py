"""The Hub as a server: started on a free port, with faults, and a log of what it sent."""

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from hub_server import faults, routes, store
from hub_server.answers import CHUNK, Answer

# Small, so that what was handed to the socket is nearly what has arrived.
_SEND_BUFFER = 2 * CHUNK
_PATIENCE_SECONDS = 60


@dataclass
class Request:
    """One line of the log."""

    method: str
    target: str
    host: str
    kind: faults.Kind
    repo: str
    path: str
    headers: Mapping[str, str]
    status: int = 0
    """0 as long as nothing was answered."""
    sent: int = 0
    """Bytes of the body that were given to the socket: exact for a body that was sent whole, a
    little more than arrived for one that the client did not want to the end."""
    done: bool = False

    @property
    def range(self) -> str:
        return self.headers.get("Range", "")

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


class _Threads(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 64

    def __init__(self, hub_server: "HubServer") -> None:
        self.hub_server = hub_server
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        failure = sys.exc_info()[1]
        if not isinstance(failure, ConnectionError | TimeoutError):
            self.hub_server.failures.append(failure)


class HubServer:
    """A Hub between `with` and its end; nothing of it is left afterwards."""

    def __init__(self) -> None:
        self._hub = routes.Hub()
        self._faults: list[faults.Fault] = []
        self._log: list[Request] = []
        self._changed = threading.Condition()
        self.closing = threading.Event()
        self.failures: list[BaseException | None] = []

    def __enter__(self) -> "HubServer":
        self._server = _Threads(self)
        port = self._server.server_address[1]
        self._hub.endpoint = f"http://127.0.0.1:{port}"
        self._hub.storage = f"http://localhost:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="hub server"
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if self.failures and failure is None:
            raise RuntimeError("The Hub server itself failed") from self.failures[0]

    def close(self) -> None:
        """Stops answering; whatever hangs is let go. From then on connections are refused."""
        if self.closing.is_set():
            return
        self.closing.set()
        for fault in self._faults:
            fault.lift()
        stopping = threading.Thread(target=self._server.shutdown)
        stopping.start()
        # Wakes the loop that would look only now and then whether it is to end.
        with contextlib.suppress(OSError), socket.create_connection(self._server.server_address):
            stopping.join()
        stopping.join()
        self._thread.join()
        for connection in list(self._server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """The address, without a slash at its end."""
        return self._hub.endpoint

    @property
    def storage(self) -> str:
        """The address that large files come from: another host name for the same server."""
        return self._hub.storage

    # What it holds.

    @property
    def page_size(self) -> int:
        """The most entries of a list that come in one answer."""
        return self._hub.page_size

    @page_size.setter
    def page_size(self, entries: int) -> None:
        self._hub.page_size = entries

    def offer_xet(self) -> None:
        """From now on large files come by Xet, too; requests for them are of the kind xet."""
        self._hub.xet = True

    def add(
        self,
        repo_id: str,
        files: Mapping[str, bytes],
        *,
        repo_type: str = "model",
        lfs: Iterable[str] | None = None,
        branch: str = "main",
        **facts: Any,
    ) -> str:
        """Puts files into a repository, which is made when it is new; the commit.

        ``lfs`` names those that go to large file storage; otherwise their name and size decide,
        as on the Hub. ``facts`` are fields of Repository, such as private, gated, disabled,
        downloads, likes, pipeline_tag, tags and library_name.
        """
        with self._changed:
            key = (repo_type, repo_id)
            if key not in self._hub.repositories:
                self._hub.repositories[key] = store.Repository(repo_id, repo_type)
            repository = self._hub.repositories[key]
            for name, value in facts.items():
                if not hasattr(repository, name):
                    raise TypeError(f"A repository has no {name}")
                setattr(repository, name, value)
            large = None if lfs is None else set(lfs)
            return repository.commit(
                {
                    path: store.stored(path, content)
                    if large is None
                    else store.File(content, lfs=path in large)
                    for path, content in files.items()
                },
                branch=branch,
            )

    def repository(self, repo_id: str, repo_type: str = "model") -> store.Repository:
        return self._hub.repositories[repo_type, repo_id]

    def holds(self, repo_id: str, path: str) -> bool:
        """Whether anybody may read this file of a model."""
        found = self._hub.repositories.get(("model", repo_id))
        open_to_all = found and not (found.private or found.gated or found.disabled)
        return bool(open_to_all and path in found.at("main").files)

    def tag(self, repo_id: str, name: str, commit: str, *, repo_type: str = "model") -> None:
        self.repository(repo_id, repo_type).revision_tags[name] = commit

    def move(self, old: str, new: str, *, repo_type: str = "model") -> None:
        """Renames a repository; the old name redirects."""
        repository = self._hub.repositories.pop((repo_type, old))
        repository.id = new
        self._hub.repositories[repo_type, new] = repository
        self._hub.moved[repo_type, old] = new

    def user(self, name: str) -> str:
        """The token of a user, who owns all repositories under this name."""
        token = f"hf_{name}"
        self._hub.users[token] = name
        return token

    def admit(self, name: str, repo_id: str, repo_type: str = "model") -> None:
        """Lets a user read a private repository, or accept the terms of a gated one."""
        self.repository(repo_id, repo_type).readers.add(name)

    # What goes wrong with it.

    def fault(
        self,
        name: str,
        *,
        on: faults.Kind | Iterable[faults.Kind] | None = None,
        repo: str | None = None,
        path: str | None = None,
        after: int = 0,
        times: int | None = None,
        **options: Any,
    ) -> faults.Fault:
        """Has the fault ``name`` of FAULTS from now on, until it is lifted.

        It holds for requests ``on`` head, get, api, list, write or xet, or on all of them, for one
        repository or all, and for one file or all. It spares the first ``after`` answers that
        it could act on, and ends after ``times`` of them.
        """
        fault = faults.made(
            name, on=on, repo=repo, path=path, after=after, times=times, options=options
        )
        with self._changed:
            self._faults.append(fault)
        return fault

    def heal(self) -> bool:
        """Lifts all faults; whether there were any."""
        with self._changed:
            were = bool(self._faults)
            for fault in self._faults:
                fault.lift()
            self._faults.clear()
        return were

    # What it was asked.

    @property
    def requests(self) -> tuple[Request, ...]:
        """All that came since the start or the last forget(), in the order of arrival."""
        with self._changed:
            return tuple(self._log)

    def forget(self) -> None:
        """Empties the log."""
        with self._changed:
            self._log.clear()

    def wait_for(self, wanted: Callable[[Request], bool]) -> Request:
        """The first request of the log for which ``wanted`` holds, now or in a while."""
        found: list[Request] = []

        def there() -> bool:
            found[:] = [request for request in self._log if wanted(request)]
            return bool(found)

        with self._changed:
            if not self._changed.wait_for(there, _PATIENCE_SECONDS):
                raise TimeoutError("No such request came")
            return found[0]

    # For the handler.

    def answered(self, asked: routes.Asked) -> tuple[Answer, list[faults.Fault], Request]:
        """The answer with its faults in it, those that act on its way out, and its log line."""
        request = Request(
            asked.method,
            asked.target,
            asked.headers.get("Host", ""),
            asked.kind,
            asked.repo,
            asked.path,
            asked.headers,
        )
        with self._changed:
            self._log.append(request)
            answer = routes.answer(self._hub, asked)
            acting = [
                fault
                for fault in self._faults
                if fault.hits(asked.kind, asked.repo, asked.path, answer)
            ]
            for fault in acting:
                answer = fault.change(answer, asked.target)
            self._changed.notify_all()
        return answer, acting, request

    @contextlib.contextmanager
    def noting(self, request: Request) -> Iterator[Callable[[int], None]]:
        """Counts what is sent, and marks the end."""

        def sent(count: int) -> None:
            with self._changed:
                request.sent += count
                self._changed.notify_all()

        try:
            yield sent
        finally:
            with self._changed:
                request.done = True
                self._changed.notify_all()


@contextlib.contextmanager
def refusing_endpoint() -> Iterator[str]:
    """An address where every connection is refused: its port is taken, but nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Threads

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self._chunked()
        asked = routes.Asked(self.command, self.path, self.headers, body)
        answer, acting, request = self.server.hub_server.answered(asked)
        answer.headers.setdefault("Content-Length", str(len(answer.body)))
        if any(fault.name == "endless" for fault in acting):
            del answer.headers["Content-Length"]
            answer.headers["Connection"] = "close"
        with self.server.hub_server.noting(request) as sent:
            self._deliver(answer, acting, request, sent)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _chunked(self) -> bytes:
        """The body of a request that tells its length piece by piece."""
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return b""
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _deliver(
        self,
        answer: Answer,
        acting: list[faults.Fault],
        request: Request,
        sent: Callable[[int], None],
    ) -> None:
        by_name = {fault.name: fault for fault in acting}
        if hang := by_name.get("hang"):
            hang.lifted.wait()
        if self.server.hub_server.closing.is_set() or "drop" in by_name:
            self.close_connection = True
            return
        if "garbage" in by_name:
            self.close_connection = True
            self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
            return
        request.status = answer.status
        if slow := by_name.get("trickle"):
            self._trickle(answer, slow, sent)
            return
        self.wfile.write(answer.head)
        if self.command == "HEAD":
            return
        halted = by_name.get("stall") or by_name.get("truncate")
        part = halted.options.get("part", 0.5) if halted else 1
        body = memoryview(answer.body)
        cut = int(len(body) * part)
        self._send(body[:cut], sent)
        if halted and halted.name == "stall":
            halted.lifted.wait()
        elif halted:
            self.close_connection = True
            return
        self._send(body[cut:], sent)
        if endless := by_name.get("endless"):
            while not endless.lifted.is_set():
                self._send(memoryview(bytes(CHUNK)), sent)
        if answer.headers.get("Content-Length") != str(len(body)):
            self.close_connection = True

    def _send(self, body: memoryview, sent: Callable[[int], None]) -> None:
        for start in range(0, len(body), CHUNK):
            chunk = body[start : start + CHUNK]
            sent(len(chunk))  # first, so that who has it all finds it counted
            self.wfile.write(chunk)

    def _trickle(self, answer: Answer, slow: faults.Fault, sent: Callable[[int], None]) -> None:
        said = answer.head + (b"" if self.command == "HEAD" else bytes(answer.body))
        size = slow.options.get("size", 1)
        for start in range(0, len(said), size):
            sent(max(0, min(start + size, len(said)) - max(start, len(answer.head))))
            self.wfile.write(said[start : start + size])
            slow.lifted.wait(slow.options.get("seconds", 0.05))

    def log_message(self, format: str, *arguments: object) -> None:
        """What there is to know stands in the log of the server."""
