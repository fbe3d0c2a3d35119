"""From choosing a photo to the panels of all shipped networks, and the memory that it takes."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page

from benchmarks.pictures import photo
from segdemo.catalog import shipped

_ROOT = Path(__file__).parent.parent
_SCRIPT = Path(__file__).with_name("comparison.js")
_MAX_PANELS = 4
_PATIENCE_S = 300


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one photo of ``size`` (width, height) took on a server that had run nothing before."""

    size: tuple[int, int]
    networks: tuple[str, ...]
    first_ms: float
    last_ms: float
    peak_mib: float


class Server:
    """The app in a process of its own, as `make demo` starts it."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        own = {
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "SEGDEMO_DEVICE": "cpu",
        }
        self._process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=_ROOT,
            env={**os.environ, **own},
            stdout=subprocess.DEVNULL,
        )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url, timeout=_PATIENCE_S):
                    return
            except urllib.error.URLError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
        self._process.kill()
        raise RuntimeError("The app did not start.")

    def stop(self) -> float:
        """End it; the most memory that it ever held, in MiB."""
        peak_mib = self._peak_mib()
        self._process.terminate()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss / 2**20 if peak_mib is None else peak_mib

    def _peak_mib(self) -> float | None:
        # Linux counts the parent's memory at the fork into ru_maxrss, so that is for macOS alone.
        report = Path(f"/proc/{self._process.pid}/status")
        if not report.exists():
            return None
        peak = re.search(r"^VmHWM:\s*(\d+) kB$", report.read_text(), flags=re.MULTILINE)
        return int(peak[1]) / 1024 if peak else None


def measure(browser: Browser, size: tuple[int, int]) -> Timing:
    """A fresh server, a first visit, and one photo through as many networks as fit."""
    networks = tuple(entry.title for entry in shipped())[:_MAX_PANELS]
    server = Server()
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "photo.jpg"
            photo(size).save(path, quality=92)
            page = _open(browser, server.url)
            _choose(page, networks)
            times = _upload(page, path, len(networks))
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


def idle_memory(browser: Browser) -> float:
    """What a server holds at most after a first visit with nothing run, in MiB."""
    server = Server()
    try:
        _open(browser, server.url).close()
    finally:
        mib = server.stop()
    return mib


def _open(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(_PATIENCE_S * 1000)
    page.goto(url)
    page.wait_for_selector("#viewer .sv[data-state=ready]")
    return page


def _choose(page: Page, networks: tuple[str, ...]) -> None:
    """One network per slot, without a picture, so that nothing is run or loaded yet."""
    page.click("#picture button[aria-label='Remove Image']")
    page.wait_for_selector("#picture input[type=file]", state="attached")
    for number, network in enumerate(networks):
        box = page.locator(f"#checkpoint-{number} input")
        if not box.is_visible():
            page.click("#add")
        if box.input_value() != network:
            box.fill(network)
            box.press("Enter")


def _upload(page: Page, path: Path, panels: int) -> dict[str, float]:
    page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
    page.evaluate("panels => window.benchmark(panels)", panels)
    page.set_input_files("#picture input[type=file]", path)
    times: dict[str, float] = page.evaluate("() => window.finished")
    return times
