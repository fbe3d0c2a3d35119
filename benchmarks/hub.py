"""The Hub from a distance: what a look at a file costs, and how soon trouble is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from benchmarks.processes import ROOT, told
from benchmarks.tables import table

_DEADLINE_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was asked of the Hub until the verdict on a file was there."""

    file: str
    megabytes: float
    verdict: str
    requests: int
    of_the_file: int
    """Bytes of it that were sent."""
    listing: int
    """Bytes of the repository's description."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is said in one situation, and after how many seconds on each way to it."""

    situation: str
    sentence: str
    look: float | None = None
    fetch: float | None = None
    search: float | None = None


def measure() -> list[Look | Told]:
    """Looks at files of every form, and every situation that the tests know."""
    with TemporaryDirectory() as folder:
        environment = {
            "PYTHONPATH": str(ROOT / "tests"),  # the Hub on loopback, and the situations
            "HF_HOME": folder,
            "HF_HUB_OFFLINE": "0",
            "SEGDEMO_HUB_TIMEOUT": f"{_DEADLINE_SECONDS:g}",
        }
        module = "benchmarks.hub_visits"
        looks = told(module, "looks", environment=environment)
        situations = told(module, "situations", environment=environment)
    return [*(Look(**row) for row in looks), *(Told(**row) for row in situations)]


def section(rows: Sequence[Look | Told]) -> str:
    """Two Markdown tables of what was measured."""
    look_lines = table(
        ("file", "verdict", "size", "bytes read of it", "requests"),
        (
            (
                row.file,
                row.verdict,
                f"{row.megabytes:.0f} MB",
                f"{row.of_the_file:,}",
                str(row.requests),
            )
            for row in rows
            if isinstance(row, Look)
        ),
        words=2,
    )
    told_lines = table(
        ("situation", "what is said", "look", "download", "search"),
        (
            (row.situation, row.sentence, *map(_seconds, (row.look, row.fetch, row.search)))
            for row in rows
            if isinstance(row, Told)
        ),
        words=2,
    )
    return f"""## A look at a file on the Hub

Before anything is downloaded: a Hub on loopback counts what it sends. One request is for the
repository's description, one is answered by the address of the large file; the others read parts
of it.

{look_lines}

## What goes wrong, and when it is told

The same Hub has each fault in turn, with a deadline of {_DEADLINE_SECONDS:g} s
(`SEGDEMO_HUB_TIMEOUT`; 20 s when unset). The times are in seconds, for a look at a repository, a
download and a search.

{told_lines}
"""


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"
