"""A viewer in a page of its own, fed with payloads one after another."""

import base64
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from segdemo.catalog import shipped
from segdemo.inference.pool import Pool
from segdemo.inference.predictor import Predictor
from segdemo.settings import Settings
from segdemo.ui import create_demo, launch_options
from segdemo.ui.handlers import Handlers
from segdemo.ui.page import build
from segdemo.ui.shelf import Shelf
from segdemo.ui.viewer.map_files import cache_map, cache_picture
from segdemo.ui.viewer.payload import PanelEntry, ViewerPayload
from segdemo.ui.viewer.viewer import ComparisonViewer
from tests.ui.hub_fakes import FakeHub

WIDTH, HEIGHT = 61, 47
PATIENCE = 180_000
"""Milliseconds that anything may take, so that a busy machine fails no test. Only mistakes wait."""
expect.set_options(timeout=PATIENCE)


def random_map(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Every value occurs, and half of the pixels repeat the map of seed 0, so that maps overlap."""
    q = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    shared = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    q[::2] = shared[::2]
    return q


def ready(place: int, q: np.ndarray, **changes) -> PanelEntry:
    """A finished panel that shows the map."""
    facts = {
        "id": f"slot-{place}",
        "label": f"Model {place}",
        "detail": "U-Net · 1.9 M",
        "status": "ready",
        "milliseconds": 41.6,
        "device": "CPU · fp32",
        "map": cache_map(q),
    }
    return PanelEntry(**{**facts, **changes})


def payload(*panels: PanelEntry, size: tuple[int, int] = (WIDTH, HEIGHT), **changes):
    """The panels on a picture of the given width and height."""
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    return ViewerPayload(**{"image": cache_picture(picture), "panels": panels, **changes})


@dataclass
class Viewer:
    """One viewer in an open page."""

    page: Page
    selector: str = "#viewer .sv"

    def wait(self, state: str = "ready") -> None:
        """Until everything that belongs to the state is drawn."""
        # What was asked for a moment ago may not be drawn, so that the state is still that before.
        self.page.evaluate(f"document.querySelector({self.selector!r})?.segdemo?.drawn()")
        self.page.wait_for_selector(f"{self.selector}[data-state={state}]")

    def rest(self) -> None:
        """Until nothing is painted anew any more, such as where text has just found its place."""
        self.page.evaluate(
            f"""async () => {{
              const viewer = document.querySelector({self.selector!r}).segdemo;
              const frame = () => new Promise(requestAnimationFrame);
              await document.fonts.ready;
              for (let still = 0, before = -1; still < 3; ) {{
                await viewer.drawn();
                await frame();
                still = viewer.painted() === before ? still + 1 : 0;
                before = viewer.painted();
              }}
            }}"""
        )

    def find(self, selector: str):
        """What the selector names inside of this viewer."""
        return self.page.locator(f"{self.selector} {selector}")

    def call(self, expression: str):
        """The value of an expression about `viewer`, once everything asked for is drawn."""
        return self.page.evaluate(
            f"""async () => {{
              const viewer = document.querySelector({self.selector!r}).segdemo;
              await viewer.drawn();
              const answer = await ({expression});
              await viewer.drawn();
              return answer;
            }}"""
        )

    def values(self, panel: int) -> np.ndarray:
        """The map that the browser holds, row by row."""
        text = self.call(
            f"""(() => {{
              const values = viewer.values({panel});
              let text = "";
              for (let at = 0; at < values.length; at += 8192) {{
                text += String.fromCharCode(...values.subarray(at, at + 8192));
              }}
              return btoa(text);
            }})()"""
        )
        return np.frombuffer(base64.b64decode(text), dtype=np.uint8)

    def masks(self, panel: int, thresholds: Sequence[int]) -> np.ndarray:
        """The masks drawn on the screen, (thresholds, H, W), with 255 for cells that are not."""
        text = self.call(
            f"""(async () => {{
              viewer.actions.setMode("mask");
              const rows = [];
              let shape = null;
              for (const k of {list(thresholds)}) {{
                viewer.actions.setThreshold(k);
                // The drawing asked for above comes first in the same frame.
                await new Promise(requestAnimationFrame);
                const {{ width, height, mask }} = viewer.maskPixels({panel});
                shape = [height, width];
                rows.push(Array.from(mask, (value) => (value > 1 ? "x" : value)).join(""));
              }}
              return [shape, rows];
            }})()"""
        )
        (height, width), rows = text
        signs = np.array([[255 if sign == "x" else int(sign) for sign in row] for row in rows])
        return signs.reshape(len(rows), height, width)


def launched(demo: gr.Blocks, attempts: int = 9, **options) -> str:
    """The address of the app, begun at a free port."""
    # Gradio's own search for one leaves sockets open.
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    try:
        return demo.launch(prevent_thread_lock=True, quiet=True, server_port=port, **options)[1]
    except OSError:  # another worker was quicker to take it
        if attempts == 1:
            raise
        return launched(demo, attempts - 1, **options)


@contextmanager
def served(demo: gr.Blocks, **options) -> Iterator[str]:
    """The address of the app while it runs."""
    address = launched(demo, **options)
    try:
        yield address
    finally:
        demo.close()


@contextmanager
def served_page(folder: Path, *, predictor: Predictor | None = None, **settings) -> Iterator[str]:
    """The address of the page that offers the checkpoints in a folder and begins empty."""
    chosen = Settings(**{"device": "cpu", **settings})
    handlers = Handlers(
        settings=chosen,
        predictor=predictor or Pool(chosen),
        shelf=Shelf(lambda: shipped(folder)),
        hub=FakeHub().access,
        examples=(),
    )
    with served(build(handlers, folder), **launch_options(chosen)) as address:
        yield address


@pytest.fixture(scope="session")
def shipped_address(browser, gradio_cache) -> Iterator[str]:
    """The page as it is shipped: it opens with a stored comparison."""
    settings = Settings(device="cpu")
    with served(create_demo(settings), **launch_options(settings)) as address:
        yield address


@pytest.fixture(scope="session")
def gradio_cache(tmp_path_factory):
    """A folder of its own for what Gradio stores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield


@dataclass
class Feed:
    """An app with one viewer: it shows one payload at first, the next one at a press of #next."""

    address: str
    payloads: list[ViewerPayload | None]


@pytest.fixture(scope="session")
def feed(browser, gradio_cache) -> Iterator[Feed]:
    """One app for all tests of a session: starting one takes longer than most tests.

    The browser comes first: Playwright's loop runs then, without which Gradio leaves one open.
    """
    payloads: list[ViewerPayload | None] = []
    with gr.Blocks(fill_width=True) as demo:
        viewer = ComparisonViewer(elem_id="viewer")
        button = gr.Button("next", elem_id="next")
        told = {"fn": lambda: payloads.pop(0), "outputs": viewer, "show_progress": "hidden"}
        button.click(**told)
        # The first answer may be that there is nothing, which looks as if it had not come yet.
        demo.load(**told).then(None, js="() => { document.body.dataset.first = 'came'; }")
    with served(demo) as address:
        yield Feed(address, payloads)


class Contexts:
    """Browser contexts that one test after another gets as if they were new.

    One that is new fetches and compiles all of Gradio's scripts again, which takes longer than most
    tests. Nothing of a test is left in it but files from the server.
    """

    FREE = 4
    """How many wait for a test that wants their like; each takes memory."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.free: list[tuple[str, BrowserContext]] = []
        self.lent: list[tuple[str, BrowserContext]] = []

    def lend(self, **options) -> BrowserContext:
        """One that no page is open in and no other visitor has."""
        kind = json.dumps(options, sort_keys=True)
        at = next((at for at, (other, _) in enumerate(self.free) if other == kind), None)
        if at is None:
            context = self.browser.new_context(**options)
            context.set_default_timeout(PATIENCE)
        else:
            _, context = self.free.pop(at)
        self.lent.append((kind, context))
        return context

    def take_back(self) -> None:
        """All that are lent."""
        while self.lent:
            kind, context = self.lent.pop()
            # What is stored can be forgotten only where a page of the server is still open.
            if context.pages and all(page.url.startswith("http:") for page in context.pages):
                for page in context.pages:
                    page.evaluate("localStorage.clear()")
                    page.close()
                context.clear_cookies()
                self.free.append((kind, context))
            else:
                context.close()
        while len(self.free) > self.FREE:
            self.free.pop(0)[1].close()

    def close(self) -> None:
        """Those that are free."""
        for _, context in self.free:
            context.close()


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[Contexts]:
    """Browser contexts for all tests of the session."""
    pool = Contexts(browser)
    yield pool
    pool.close()


@pytest.fixture
def new_page(contexts: Contexts) -> Iterator[Callable[..., Page]]:
    """Opens an empty page of a visitor who has nothing in common with others."""
    yield lambda **options: contexts.lend(**options).new_page()
    contexts.take_back()


@pytest.fixture
def open_page(new_page) -> Iterator[Callable[..., Viewer]]:
    """Opens a page with a viewer; an error in the page fails the test."""
    errors = []

    def open_page(address, *, width=1280, height=800, scheme="light", density=1, **options):
        page = new_page(
            viewport={"width": width, "height": height}, device_scale_factor=density, **options
        )
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(f"{address}?__theme={scheme}")
        page.wait_for_selector("#viewer .sv")
        return Viewer(page)

    yield open_page
    assert not errors


@pytest.fixture
def open_viewer(feed: Feed, open_page) -> Callable[..., Viewer]:
    """Opens a page with a viewer that is fed with the payloads."""

    def open_viewer(*payloads: ViewerPayload | None, **screen) -> Viewer:
        feed.payloads[:] = payloads or [None]
        viewer = open_page(feed.address, **screen)
        viewer.page.wait_for_selector("body[data-first=came]")
        return viewer

    return open_viewer


@pytest.fixture
def open_demo(gradio_cache, open_page) -> Iterator[Callable[..., Viewer]]:
    """Opens an app of the test's own that has a viewer called #viewer."""
    with ExitStack() as stack:
        yield lambda demo: open_page(stack.enter_context(served(demo)))
