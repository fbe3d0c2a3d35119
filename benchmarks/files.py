"""A U²-Net from a 176 MB file: segdemo's way, and the tutorials' way, in turn."""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save_file

from benchmarks.loading import FIXTURE
from benchmarks.recognition import header
from segdemo.checkpoints import detect

TIMES = 5
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Loading:
    """Medians of fresh processes that load one file in one way."""

    kind: str
    way: str
    megabytes: float
    seconds: float
    cpu_seconds: float
    peak_mib: float


def measure() -> list[Loading]:
    """Both ways for both kinds of files."""
    known = detect(header(FIXTURE))
    torch.manual_seed(0)
    tensors = known.architecture.build(known.config).state_dict()
    found = []
    with TemporaryDirectory() as folder:
        safe, pickled = Path(folder) / "net.safetensors", Path(folder) / "net.pth"
        save_file(dict(tensors), safe)
        torch.save(tensors, pickled)
        for path in (safe, pickled):
            runs = [{way: _run(way, path) for way in ("segdemo", "usual")} for _ in range(TIMES)]
            if len({told["checked"] for run in runs for told in run.values()}) != 1:
                raise RuntimeError("The two ways did not load the same weights.")
            found += [_median(path, way, [run[way] for run in runs]) for way in runs[0]]
    return found


def _run(way: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.loading", way, str(path)]
    answer = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(answer.stdout)
    return told


def _median(path: Path, way: str, runs: list[dict[str, float]]) -> Loading:
    return Loading(
        kind=path.suffix,
        way=way,
        megabytes=path.stat().st_size / 1e6,
        seconds=statistics.median(told["seconds"] for told in runs),
        cpu_seconds=statistics.median(told["cpu"] for told in runs),
        peak_mib=statistics.median(told["mib"] for told in runs),
    )
