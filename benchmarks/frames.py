"""What a frame of the comparison viewer costs, for everything that moves in it."""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser, Page

from benchmarks.pictures import learned_maps, photo, smooth_maps
from segdemo.images.palettes import CLASS_PALETTES
from segdemo.ui.viewer.map_files import cache_atlas, cache_map, cache_picture
from segdemo.ui.viewer.payload import ClassMaps, PanelEntry, ViewerPayload
from segdemo.ui.viewer.viewer import ComparisonViewer

PANELS = 4
DENSITY = 2
WIDTH = 1064
"""Of each panel, in pixels of the screen."""
SIZES = ((1024, 768), (2048, 1536))
"""Of the maps, (width, height)."""
BUDGET_MS = 1000 / 60

_FRAMES = 30
_WARM_UP = 5
_SCRIPT = Path(__file__).with_name("frames.js")
_VIEWPORT = (2260, 1200)
_PATIENCE_MS = 60_000
_ARRIVED = """count => performance.getEntriesByType("resource")
  .filter(({ name }) => name.endsWith("/classes.png")).length === count"""
_WATCH = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longTasks.push(task.duration);
  }).observe({ type: "longtask" });
}"""


@dataclass(frozen=True, kw_only=True)
class _Scene:
    """One thing that moves, and what is on the screen while it does."""

    change: str
    shown: str
    mode: str = "overlay"
    layout: str = "side"
    zoomed: bool = False


_MODES = {"overlay": "overlay", "mask": "mask", "contour": "contour", "heat": "heat map"}
_STEPS = (
    *(_Scene(change="threshold", shown=shown, mode=mode) for mode, shown in _MODES.items()),
    _Scene(change="threshold", shown="difference", mode="difference"),
    _Scene(change="threshold", shown="swipe", layout="swipe"),
)
_MASKS = (
    *_STEPS,
    *(
        _Scene(change=change, shown=shown, mode=mode, zoomed=True)
        for change in ("pan", "zoom")
        for mode, shown in _MODES.items()
    ),
    _Scene(change="pointer", shown="overlay"),
)
_WINNERS = (
    _Scene(change="threshold", shown="classes"),
    _Scene(change="hide", shown="classes"),
    _Scene(change="pan", shown="classes", zoomed=True),
)


@dataclass(frozen=True, kw_only=True)
class Frames:
    """One kind of frame with maps of ``size`` (width, height), in ms of the main thread."""

    size: tuple[int, int]
    maps: str
    canvas: tuple[int, int]
    """Each panel's picture in pixels of the screen."""
    change: str
    shown: str
    frames: int
    work_ms: float
    """The median; from the change until layout and painting are done."""
    work95_ms: float
    """Nineteen of twenty frames take no longer."""
    per_second: float
    """Frames that came to the screen, each with its change."""
    loading_ms: float
    """The longest task while the picture and the maps of this page arrived; 0 below 50 ms."""


def measure(browser: Browser) -> list[Frames]:
    """Every kind of frame at every size of maps."""
    return [row for size in SIZES for row in _measure(browser, size)]


def section(rows: Sequence[Frames]) -> str:
    """A Markdown table of what was measured."""
    width, height = rows[0].canvas
    lines = "\n".join(
        f"| {row.change} | {row.shown} | {row.maps}, {row.size[0]} × {row.size[1]} "
        f"| {row.work_ms:.1f} ms "
        f"| {row.work95_ms:.1f} ms | {row.per_second:.0f} |"
        for row in rows
    )
    longest = max(row.loading_ms for row in rows)
    arriving = (
        f"The longest task while they arrived took {longest:.0f} ms."
        if longest
        else "No task took 50 ms while they arrived."
    )
    return f"""## A frame of {PANELS} panels

Work of the page's main thread for one frame, from the change until layout and painting are done:
the median of {rows[0].frames} frames and what nineteen of twenty stay within. {PANELS} panels of
{width} × {height} pixels at {DENSITY} pixels of the screen to one of the page, drawn by the
processor; 60 frames a second leave {BUDGET_MS:.1f} ms for each. A step of the threshold is of 7 in
256. The maps are those of shipped networks, or made so that every value is as frequent as any
other, which no network's are: then a step changes a mask everywhere. {arriving}

| what moves | shown | maps | median | 95 % | frames a second |
|---|---|---|--:|--:|--:|
{lines}
"""


# --- Measuring --------------------------------------------------------------------------------


def _measure(browser: Browser, size: tuple[int, int]) -> Iterator[Frames]:
    learned, smooth = learned_maps(size), smooth_maps(size, PANELS)
    yield from _rows(browser, size, "learned", _masks(learned), _MASKS)
    yield from _rows(browser, size, "even", _masks(smooth), _STEPS)
    yield from _rows(browser, size, "even", _winners(smooth), _WINNERS)


def _rows(
    browser: Browser,
    size: tuple[int, int],
    maps: str,
    panels: tuple[PanelEntry, ...],
    scenes: Sequence[_Scene],
) -> Iterator[Frames]:
    shown = ViewerPayload(image=cache_picture(photo(size)), panels=panels)
    with _page(browser, shown) as page:
        loading = max([0.0, *page.evaluate("window.longTasks")])
        page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
        canvas = page.evaluate("window.frames2d.size()")
        for scene in scenes:
            work, per_second = _play(page, scene)
            yield Frames(
                size=size,
                maps=maps,
                canvas=(canvas["width"], canvas["height"]),
                change=scene.change,
                shown=scene.shown,
                frames=len(work),
                work_ms=statistics.median(work),
                work95_ms=statistics.quantiles(work, n=20)[-1],
                per_second=per_second,
                loading_ms=loading,
            )


def _play(page: Page, scene: _Scene) -> tuple[list[float], float]:
    """The milliseconds of each frame, and how many there were in a second."""
    options = {
        "mode": scene.mode,
        "layout": scene.layout,
        "zoomed": scene.zoomed,
        "frames": _FRAMES,
        "warmUp": _WARM_UP,
    }
    answer = page.evaluate(
        "([change, options]) => window.frames2d.play(change, options)", [scene.change, options]
    )
    if answer["panels"] != (1 if scene.layout == "swipe" else PANELS):
        raise RuntimeError(f"{scene} has {answer['panels']} pictures on the screen.")
    return answer["work"], _FRAMES / answer["seconds"]


@contextmanager
def _page(browser: Browser, shown: ViewerPayload) -> Iterator[Page]:
    """A page whose viewer was empty before it got what is shown."""
    with gr.Blocks(analytics_enabled=False, fill_width=True) as demo:
        viewer = ComparisonViewer(elem_id="viewer")
        show = gr.Button("show", elem_id="show")
        show.click(lambda: shown, outputs=viewer, show_progress="hidden")
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True)
    page = browser.new_page(
        viewport={"width": _VIEWPORT[0], "height": _VIEWPORT[1]}, device_scale_factor=DENSITY
    )
    page.set_default_timeout(_PATIENCE_MS)
    try:
        page.goto(url)
        page.wait_for_selector("#viewer .sv[data-state=empty]")
        page.evaluate(_WATCH)
        page.click("#show")
        page.wait_for_selector("#viewer .sv[data-state=ready]")
        # The maps of single classes come after what is shown at first.
        page.wait_for_function(_ARRIVED, arg=sum(bool(entry.classes) for entry in shown.panels))
        _fit(page)
        yield page
    finally:
        page.close()
        demo.close()


def _fit(page: Page) -> None:
    """Makes the window as wide as it takes for each panel to have its width."""
    viewer = "document.querySelector('#viewer .sv').segdemo"
    missing = WIDTH - page.evaluate(f"{viewer}.state().size.width")
    width = _VIEWPORT[0] + missing * PANELS // DENSITY
    page.set_viewport_size({"width": width, "height": _VIEWPORT[1]})
    page.wait_for_function(f"{viewer}.state().size.width === {WIDTH}")


# --- What is shown ----------------------------------------------------------------------------


Map = npt.NDArray[np.uint8]


def _masks(maps: Sequence[Map]) -> tuple[PanelEntry, ...]:
    return tuple(
        PanelEntry(id=str(number), label=str(number), status="ready", map=cache_map(q))
        for number, q in enumerate(maps)
    )


def _winners(maps: Sequence[Map]) -> tuple[PanelEntry, ...]:
    """As many classes as maps, in another order in each panel, so that no two look alike."""
    return tuple(
        _winner(number, np.roll(np.stack(maps), number, axis=0)) for number in range(PANELS)
    )


def _winner(number: int, maps: Map) -> PanelEntry:
    classes = ClassMaps(
        names=tuple(f"class {index}" for index in range(len(maps))),
        colours=CLASS_PALETTES["safe"][: len(maps)],
        palette="safe",
        background=0,
        hidden=(0,),
        labels=cache_map(maps.argmax(axis=0).astype(np.uint8)),
        atlas=cache_atlas(maps),
    )
    first = cache_map(maps[0])
    return PanelEntry(id=str(number), label=str(number), status="ready", map=first, classes=classes)
