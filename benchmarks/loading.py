"""A network from its file and to its first answer: segdemo's way and the tutorials', in turn.

`python -m benchmarks.loading WAY NETWORK FILE` prints what one of them takes, as JSON.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from benchmarks.networks import NETWORKS
from benchmarks.processes import forget_peak, peak_mib, told
from benchmarks.tables import table
from segdemo.checkpoints import detect, read_file
from segdemo.engine.engine import Engine

_TIMES = 5
_WAYS = ("segdemo", "usual")
_SIDES = {"U²-Net": 320, "FCN-8s": 128}
"""Of the first picture; FCN-8s gives itself a margin of 100 pixels on each side."""


@dataclass(frozen=True, kw_only=True)
class Loading:
    """Medians of fresh processes that load one file in one way."""

    network: str
    side: int
    kind: str
    way: str
    megabytes: float
    seconds: float
    cpu_seconds: float
    peak_mib: float
    """Until every weight was read once."""
    answer_seconds: float
    answer_cpu_seconds: float
    """From the path to the first answer, as ``seconds`` to the network."""


def measure() -> list[Loading]:
    """Both ways for both kinds of files."""
    return [row for name in _SIDES for row in _measure(name)]


def section(rows: Sequence[Loading]) -> str:
    """A Markdown table of what was measured."""
    lines = table(
        (
            *("file", "way", "time", "of the processor", "memory"),
            *("to the first answer", "of the processor"),
        ),
        (
            (
                f"{row.network}, {row.kind}, {row.megabytes:.0f} MB",
                row.way,
                f"{row.seconds:.2f} s",
                f"{row.cpu_seconds:.2f} s",
                f"{row.peak_mib:.0f} MiB",
                f"{row.answer_seconds:.2f} s",
                f"{row.answer_cpu_seconds:.2f} s",
            )
            for row in rows
        ),
        words=2,
    )
    sides = ", ".join(f"{side} px for {name}" for name, side in _SIDES.items())
    return f"""## A network from its file

From the path to the network, and on to the answer for one picture ({sides}), in fresh processes,
medians of {_TIMES}, both ways in turn. The usual way knows which network it is, builds it with
random weights, and fills these by `load_state_dict` with what `torch.load` or
`safetensors.torch.load_file` reads. segdemo recognises the network and looks for NaN besides; the
files are read as those in the Hub's cache are. The memory is what the process grew by at most,
until every weight was used once.

{lines}
"""


def _measure(name: str) -> list[Loading]:
    torch.manual_seed(0)
    tensors = NETWORKS[name].build().state_dict()
    with TemporaryDirectory() as folder:
        safe, pickled = Path(folder) / "net.safetensors", Path(folder) / "net.pth"
        save_file(tensors, safe)
        torch.save(tensors, pickled)
        return [row for path in (safe, pickled) for row in _of_file(name, path)]


def _of_file(name: str, path: Path) -> list[Loading]:
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in _WAYS}
    for _ in range(_TIMES):
        for way in random.sample(_WAYS, len(_WAYS)):
            runs[way].append(told("benchmarks.loading", way, name, str(path)))
    if len({run.pop("checked") for way in _WAYS for run in runs[way]}) != 1:
        raise RuntimeError("The ways did not load the same weights.")
    return [
        Loading(
            network=name,
            side=_SIDES[name],
            kind=path.suffix,
            way=way,
            megabytes=path.stat().st_size / 1e6,
            **{key: statistics.median(run[key] for run in runs[way]) for key in runs[way][0]},
        )
        for way in _WAYS
    ]


def main() -> None:
    """What is imported, and how far that took the memory, does not count."""
    way, name, path = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    with torch.device("meta"):
        detect(NETWORKS["U-Net, width 64"].build().state_dict())  # whatever is done once for all
    forget_peak()
    before = peak_mib() or 0
    start = _now()
    if way == "segdemo":
        network = detect(read_file(path, mmap=True).content).build()
    else:
        network = NETWORKS[name].build()
        is_safe = path.suffix == ".safetensors"
        network.load_state_dict(load_file(path) if is_safe else torch.load(path, "cpu"))
        network.eval()
    loaded = _now()
    # Mapped files are in memory only once their numbers are used.
    checked = sum(float(tensor.sum()) for tensor in network.state_dict().values())
    mib = (peak_mib() or 0) - before
    resumed = _now()
    _answer(way, network, _SIDES[name])
    answered = _now()
    seconds, cpu_seconds = (end - begin for end, begin in zip(loaded, start, strict=True))
    further = [end - begin for end, begin in zip(answered, resumed, strict=True)]
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "peak_mib": mib,
                "answer_seconds": seconds + further[0],
                "answer_cpu_seconds": cpu_seconds + further[1],
                "checked": checked,
            }
        )
    )


def _now() -> tuple[float, float]:
    """By the clock, and of the processor."""
    return time.perf_counter(), time.process_time()


def _answer(way: str, network: nn.Module, side: int) -> None:
    picture = torch.rand(1, 3, side, side)
    run: Callable[[], object] = (
        (lambda: Engine().run(network, picture)) if way == "segdemo" else (lambda: network(picture))
    )
    with torch.inference_mode():
        run()


if __name__ == "__main__":
    main()
