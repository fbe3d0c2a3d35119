"""Programs that ask a running server for masks, one after another and four at a time."""

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gradio_client import Client, handle_file

from benchmarks.pictures import camera_jpeg
from benchmarks.server import Server
from benchmarks.tables import pixels, table

_CHECKPOINT = "nuclei_unet"
_SIZE = (640, 480)
_REQUESTS = 20
_CLIENTS = (1, 4)


@dataclass(frozen=True, kw_only=True)
class Clients:
    """What the requests of so many clients took, on a server that had answered one before."""

    clients: int
    seconds: float
    """From the first question to the last answer."""
    request_seconds: tuple[float, ...]
    peak_mib: float
    """Of the server."""


def measure() -> list[Clients]:
    """A fresh server for each number of clients. Raises when a request fails."""
    with TemporaryDirectory() as folder:
        # The first is for the server to load the network; no answer is known from before.
        paths = [Path(folder) / f"{number}.jpg" for number in range(1 + _REQUESTS)]
        for seed, path in enumerate(paths):
            path.write_bytes(camera_jpeg(_SIZE, seed))
        return [_clients(count, paths) for count in _CLIENTS]


def section(rows: Sequence[Clients]) -> str:
    """A Markdown table of what was measured."""
    alone = rows[0]
    lines = table(
        ("clients", "all", "of one client's time", "median", "slowest", "peak memory"),
        (
            (
                str(row.clients),
                f"{row.seconds:.1f} s",
                f"{row.seconds / alone.seconds:.2f}",
                f"{statistics.median(row.request_seconds):.2f} s",
                f"{max(row.request_seconds):.2f} s",
                f"{row.peak_mib:.0f} MiB",
            )
            for row in rows
        ),
    )
    return f"""## {_REQUESTS} requests of programs

`/segment` with {_CHECKPOINT} on {_REQUESTS} different photos of {pixels(_SIZE)}, by
`gradio_client` on the same machine: upload, network, and download of the mask and the probabilities
as PNG. The clients share the photos and each asks again once it has its answer; the networks run
one at a time. No request failed.

{lines}
"""


def _clients(count: int, paths: Sequence[Path]) -> Clients:
    server = Server()
    try:
        # A client fetches the server's description first, which is no request.
        clients = [Client(server.url, verbose=False) for _ in range(count)]
        first, *rest = paths
        _ask(clients[0], first)
        start = time.perf_counter()
        with ThreadPoolExecutor(count) as pool:
            shares = [rest[number::count] for number in range(count)]
            answered = list(pool.map(_ask_all, clients, shares))
        seconds = time.perf_counter() - start
    finally:
        peak_mib = server.stop()
    return Clients(
        clients=count,
        seconds=seconds,
        request_seconds=tuple(taken for several in answered for taken in several),
        peak_mib=peak_mib,
    )


def _ask_all(client: Client, paths: Sequence[Path]) -> list[float]:
    return [_ask(client, path) for path in paths]


def _ask(client: Client, path: Path) -> float:
    """Seconds until the mask and the probabilities are on this disk."""
    start = time.perf_counter()
    figures, *files = client.predict(handle_file(path), _CHECKPOINT, api_name="/segment")
    seconds = time.perf_counter() - start
    if (figures["width"], figures["height"]) != _SIZE or not all(map(_is_there, files)):
        raise RuntimeError(f"{path.name} was not answered: {figures}")
    return seconds


def _is_there(file: str) -> bool:
    return Path(file).stat().st_size > 0
