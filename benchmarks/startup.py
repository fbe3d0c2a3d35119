"""From nothing to the first page, and on to the first picture: what each step takes."""

import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser

from benchmarks.pictures import photo
from benchmarks.processes import told
from benchmarks.server import Server, upload, visit
from benchmarks.tables import pixels, table

_TIMES = 3
_SIZE = (640, 480)
_QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "SEGDEMO_DEVICE": "cpu"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of the app's start."""

    name: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a visitor sees something."""

    name: str
    seconds: float


def measure(browser: Browser) -> list[Step | Moment]:
    """Medians of fresh processes."""
    starts = [
        told("benchmarks.starting", str(time.time()), environment=_QUIET) for _ in range(_TIMES)
    ]
    steps = [
        Step(
            name=several[0][0],
            seconds=statistics.median(seconds for _, seconds, _ in several),
            cpu_seconds=statistics.median(cpu for *_, cpu in several),
        )
        for several in zip(*starts, strict=True)
    ]
    visits = [_first_visit(browser) for _ in range(_TIMES)]
    moments = [
        Moment(name=several[0].name, seconds=_median(several))
        for several in zip(*visits, strict=True)
    ]
    return [*steps, *moments]


def section(rows: Sequence[Step | Moment]) -> str:
    """Two Markdown tables of what was measured."""
    steps = [row for row in rows if isinstance(row, Step)]
    whole = Step(
        name="together",
        seconds=sum(row.seconds for row in steps),
        cpu_seconds=sum(row.cpu_seconds for row in steps),
    )
    step_lines = table(
        ("step", "time", "of the processor"),
        ((row.name, f"{row.seconds:.2f} s", f"{row.cpu_seconds:.2f} s") for row in (*steps, whole)),
    )
    moment_lines = table(
        ("moment", "time"),
        ((row.name, f"{row.seconds:.1f} s") for row in rows if isinstance(row, Moment)),
    )
    return f"""## From nothing to a page

The steps of the start in fresh processes, each with what it is the first to import; medians of
{_TIMES}.

{step_lines}

Then from `python app.py` with a browser that is open, on the page as it opens; the photo of
{pixels(_SIZE)} is chosen once that is there, and the networks have not been loaded before.

{moment_lines}
"""


def _first_visit(browser: Browser) -> list[Moment]:
    start = time.perf_counter()
    server = Server()
    try:
        answers = time.perf_counter() - start
        page = visit(browser, server.url)
        shown = time.perf_counter() - start
        panels = page.locator("#viewer .sv-panel[data-status=ready]").count()
        with TemporaryDirectory() as folder:
            path = Path(folder) / "photo.jpg"
            photo(_SIZE).save(path, quality=92)
            times = upload(page, path, panels)
        page.close()
    finally:
        server.stop()
    return [
        Moment(name="the server answers", seconds=answers),
        Moment(name="the stored comparison is on the screen", seconds=shown),
        Moment(name="from choosing a photo to its first result", seconds=times["first"] / 1000),
        Moment(name=f"to the results of {panels} networks", seconds=times["last"] / 1000),
    ]


def _median(moments: Iterable[Moment]) -> float:
    return statistics.median(moment.seconds for moment in moments)
