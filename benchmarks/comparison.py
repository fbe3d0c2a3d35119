"""From choosing a photo to the panels of several networks, and the memory that it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page

from benchmarks.pictures import photo
from benchmarks.server import Server, upload, visit
from benchmarks.tables import pixels, table
from segdemo.catalog import shipped

_SIZES = ((640, 480), (4000, 3000))
_MAX_PANELS = 4


@dataclass(frozen=True, kw_only=True)
class Idle:
    """What a server holds at most after a first visit with nothing run."""

    peak_mib: float


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one photo of ``size`` (width, height) took on a server that had run nothing before."""

    size: tuple[int, int]
    networks: tuple[str, ...]
    first_ms: float
    last_ms: float
    peak_mib: float


def measure(browser: Browser) -> list[Idle | Timing]:
    """A fresh server for each size."""
    return [_idle(browser), *(_timing(browser, size) for size in _SIZES)]


def section(rows: Sequence[Idle | Timing]) -> str:
    """A Markdown table of what was measured."""
    idle = next(row for row in rows if isinstance(row, Idle))
    timings = [row for row in rows if isinstance(row, Timing)]
    lines = table(
        ("photo", "first panel", "last panel", "peak memory of the server"),
        (
            (
                pixels(row.size),
                f"{row.first_ms / 1000:.1f} s",
                f"{row.last_ms / 1000:.1f} s",
                f"{row.peak_mib:.0f} MiB",
            )
            for row in timings
        ),
    )
    return f"""## A photo through {len(timings[0].networks)} networks on the CPU

{", ".join(timings[0].networks)}.

From choosing the file until a panel shows its result, on a server that has not loaded a network
before. After a first visit, with nothing run yet, a server holds {idle.peak_mib:.0f} MiB.

{lines}
"""


def _idle(browser: Browser) -> Idle:
    server = Server()
    try:
        visit(browser, server.url).close()
    finally:
        mib = server.stop()
    return Idle(peak_mib=mib)


def _timing(browser: Browser, size: tuple[int, int]) -> Timing:
    """A first visit, and one photo through as many networks as fit."""
    networks = tuple(entry.title for entry in shipped())[:_MAX_PANELS]
    server = Server()
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "photo.jpg"
            photo(size).save(path, quality=92)
            page = visit(browser, server.url)
            _choose(page, networks)
            times = upload(page, path, len(networks))
            page.close()
    finally:
        peak_mib = server.stop()
    return Timing(
        size=size,
        networks=networks,
        first_ms=times["first"],
        last_ms=times["last"],
        peak_mib=peak_mib,
    )


def _choose(page: Page, networks: tuple[str, ...]) -> None:
    """One network per slot, without a picture, so that nothing is run or loaded yet."""
    page.click("#picture button[aria-label='Remove Image']")
    page.wait_for_selector("#picture input[type=file]", state="attached")
    for number, network in enumerate(networks):
        box = f"#checkpoint-{number} input"
        if not page.locator(box).is_visible():
            page.click("#add")
        page.click(box)
        page.locator("[role=option]", has_text=network).first.click()
