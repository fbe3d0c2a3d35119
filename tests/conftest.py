"""What every test may rely on: no network, no telemetry, one Chromium for the session."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# These are read when the packages are imported, so they are set before any test is collected.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
# What a developer has trained is not on offer in a test.
os.environ["XDG_DATA_HOME"] = os.environ["LOCALAPPDATA"] = tempfile.mkdtemp()
for _name in [name for name in os.environ if name.startswith("SEGDEMO_")]:
    if _name != "SEGDEMO_OLAH":  # no setting of segdemo, but what an optional test runs
        del os.environ[_name]
# Workers share the processors already; threads of theirs would only wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The path of a Chromium that runs here; `make test` has put one into CHROMIUM."""
    found = subprocess.run(
        [ROOT / "tools" / "chromium", "--find"], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode == 0, f"No Chromium found. Run tools/chromium once. {found.stderr}"
    return found.stdout.strip()


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> "Iterator[Browser]":
    """A headless Chromium, shared by all tests of the session."""
    sync_api = pytest.importorskip("playwright.sync_api", exc_type=ImportError)
    with sync_api.sync_playwright() as playwright:
        # Containers run as root and have a small /dev/shm.
        chromium = playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()
