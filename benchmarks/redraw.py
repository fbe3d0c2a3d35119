"""One threshold step with four panels: in the browser, and the usual way through Python."""

import random
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from playwright.sync_api import Browser, Page

from benchmarks.naive import panels
from benchmarks.pictures import photo, smooth_maps
from benchmarks.tables import pixels, table
from segdemo.ui.viewer.map_files import cache_map, cache_picture
from segdemo.ui.viewer.payload import PanelEntry, ViewerPayload
from segdemo.ui.viewer.viewer import ComparisonViewer

PANELS = 4
_SIZES = ((640, 480), (1024, 768), (2048, 1536))
_STEPS = 25
_WARM_UP = 3
_SCRIPT = Path(__file__).with_name("redraw.js")
# High enough that both ways have all their panels on the screen at once.
_VIEWPORT = (1600, 2400)
_PATIENCE_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class Redraw:
    """Median milliseconds of one step at maps of ``size`` (width, height)."""

    size: tuple[int, int]
    steps: int
    viewer_work_ms: float
    """What the browser does, without waiting for the screen's next frame."""
    viewer_ms: float
    """From the slider's event until the new pixels are there, as ``naive_ms`` is."""
    naive_ms: float

    @property
    def ratio(self) -> float:
        """How many times sooner the viewer shows the new pixels."""
        return self.naive_ms / self.viewer_ms

    @property
    def work_ratio(self) -> float:
        """How many times less the viewer works for them."""
        return self.naive_ms / self.viewer_work_ms


def measure(browser: Browser) -> list[Redraw]:
    """Maps of every size."""
    return [_redraw(browser, size) for size in _SIZES]


def section(rows: Sequence[Redraw]) -> str:
    """A Markdown table of what was measured."""
    lines = table(
        ("maps", "work in the browser", "segdemo", "through Python", "sooner", "less work"),
        (
            (
                pixels(row.size),
                f"{row.viewer_work_ms:.1f} ms",
                f"{row.viewer_ms:.1f} ms",
                f"{row.naive_ms:.0f} ms",
                f"{row.ratio:.0f}×",
                f"{row.work_ratio:.0f}×",
            )
            for row in rows
        ),
    )
    return f"""## One threshold step, {PANELS} panels

From the slider's event until the new pixels are there; median of {rows[0].steps} steps, both
ways in turn on one page. The usual way is a slider event that paints {PANELS} `gr.Image` in
Python, here on the same machine, without a network in between. The work is what the browser does
within its frame; the rest of segdemo's time is waiting for the screen to ask for one.

{lines}
"""


def _redraw(browser: Browser, size: tuple[int, int]) -> Redraw:
    """Both ways in one page, step by step in turn, so that they share the machine's moods."""
    with _page(browser, size) as page:
        order = random.Random(1).sample(range(20, 236), _STEPS + _WARM_UP)
        times = [(_step(page, "viewerStep", k), _step(page, "naiveStep", k)) for k in order]
    viewer, naive = zip(*times[_WARM_UP:], strict=True)
    median = statistics.median
    return Redraw(
        size=size,
        steps=_STEPS,
        viewer_work_ms=median(step["work"] for step in viewer),
        viewer_ms=median(step["milliseconds"] for step in viewer),
        naive_ms=median(step["milliseconds"] for step in naive),
    )


def _step(page: Page, name: str, k: int) -> dict[str, float]:
    answer: dict[str, float] = page.evaluate(f"k => window.benchmark.{name}(k)", k)
    if answer["panels"] != PANELS:
        raise RuntimeError(f"{name} has {answer['panels']} panels on the screen.")
    return answer


@contextmanager
def _page(browser: Browser, size: tuple[int, int]) -> Iterator[Page]:
    picture, maps = photo(size), smooth_maps(size, PANELS)
    shown = ViewerPayload(
        image=cache_picture(picture),
        panels=tuple(
            PanelEntry(id=str(number), label=str(number), status="ready", map=cache_map(q))
            for number, q in enumerate(maps)
        ),
    )
    with gr.Blocks(analytics_enabled=False, fill_width=True) as demo:
        ComparisonViewer(shown, elem_id="viewer")
        panels(picture, maps)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True)
    page = browser.new_page(viewport={"width": _VIEWPORT[0], "height": _VIEWPORT[1]})
    page.set_default_timeout(_PATIENCE_MS)
    try:
        page.goto(url)
        page.wait_for_selector("#viewer .sv[data-state=ready]")
        page.wait_for_selector("#naive-slider input[type=range]")
        page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
        yield page
    finally:
        page.close()
        demo.close()
