"""The Hub from a distance: what a look at a file costs, and how soon trouble is told."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

DEADLINE_SECONDS = 3.0
_ROOT = Path(__file__).parent.parent


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


def looks() -> list[Look]:
    """For files of every form."""
    return [Look(**told) for told in _run("looks")]


def situations() -> list[Told]:
    """Every situation that the tests know."""
    return [Told(**told) for told in _run("situations")]


def _run(part: str) -> list[dict]:
    with TemporaryDirectory() as folder:
        environment = os.environ | {
            "PYTHONPATH": str(_ROOT / "tests"),  # the Hub on loopback, and the situations
            "HF_HOME": folder,
            "HF_HUB_OFFLINE": "0",
            "SEGDEMO_HUB_TIMEOUT": f"{DEADLINE_SECONDS:g}",
        }
        command = [sys.executable, "-m", "benchmarks.hub_visits", part]
        answer = subprocess.run(
            command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return json.loads(answer.stdout)
