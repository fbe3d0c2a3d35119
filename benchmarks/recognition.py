"""How long it takes to tell which network a state dict is, from its names and shapes alone."""

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.tables import table
from segdemo.checkpoints import detect

_VECTORS = Path(__file__).parent.parent / "tests" / "vectors" / "public"
_TIMES = 5


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """Median milliseconds of the processor for the state dict of one code base."""

    name: str
    title: str
    tensors: int
    milliseconds: float


def measure() -> list[Recognition]:
    """Every network of the test vectors, without weights."""
    detect(header("unet_classic"))  # whatever is done once for all
    return [_measure(path.stem) for path in sorted(_VECTORS.glob("*.json"))]


def section(rows: Sequence[Recognition]) -> str:
    """A Markdown table of what was measured."""
    lines = table(
        ("state dict", "network", "tensors", "recognised in"),
        ((row.name, row.title, str(row.tensors), f"{row.milliseconds:.0f} ms") for row in rows),
        words=2,
    )
    return f"""## Which network it is

From names and shapes alone, on the meta device; median time of the processor.

{lines}
"""


def _measure(name: str) -> Recognition:
    tensors = header(name)
    times = []
    for _ in range(_TIMES):
        start = time.process_time()
        detection = detect(tensors)
        times.append((time.process_time() - start) * 1000)
    return Recognition(
        name=name,
        title=detection.architecture.title,
        tensors=len(tensors),
        milliseconds=statistics.median(times),
    )


def header(name: str) -> dict[str, torch.Tensor]:
    """The state dict of a test vector on the meta device, such as a file's header gives it."""
    fixture = json.loads((_VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return {
        key: torch.empty(
            shape,
            dtype=torch.int64 if key.endswith("num_batches_tracked") else torch.float32,
            device="meta",
        )
        for key, shape, *_ in fixture["state_dict"]
    }
