"""The app in a process of its own, and visits to it with a browser."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.processes import ROOT, peak_mib

_SCRIPT = Path(__file__).with_name("upload.js")
_PATIENCE_S = 300


class Server:
    """The app as `make demo` starts it; it answers once this is made."""

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
            cwd=ROOT,
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
        peak = peak_mib(self._process.pid)
        self._process.terminate()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss / 2**20 if peak is None else peak


def visit(browser: Browser, url: str) -> Page:
    """The page, once the comparison that it opens with is there."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(_PATIENCE_S * 1000)
    page.goto(url)
    page.wait_for_selector("#viewer .sv[data-state=ready]")
    return page


def upload(page: Page, path: Path, panels: int) -> dict[str, float]:
    """Milliseconds from choosing a photo to the ``first`` and the ``last`` panel's result."""
    page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
    page.evaluate(
        "([panels, patience]) => window.benchmark(panels, patience)", [panels, _PATIENCE_S * 1000]
    )
    page.set_input_files("#picture input[type=file]", path)
    times: dict[str, float] = page.evaluate("() => window.finished")
    return times
