"""The memory that a U-Net of width 64 takes for one large picture: plain PyTorch, and segdemo.

`python -m benchmarks.memory WAY FILE SIDE ANSWER` prints what one of them takes, as JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torchvision.transforms.v2.functional import to_image

from benchmarks.networks import NETWORKS, settle
from benchmarks.pictures import photo
from benchmarks.processes import forget_peak, peak_mib, told
from benchmarks.tables import table
from segdemo.engine.heap import keep_freed_memory
from segdemo.inference.segmenter import load
from segdemo.settings import Settings

_NETWORK = "U-Net, width 64"
_SIDES = (1024, 2048)
_WORDS = {"preprocessing": {"resize": "none", "divisor": 255.0, "mean": [0.0], "std": [1.0]}}


@dataclass(frozen=True, kw_only=True)
class Memory:
    """One picture with sides of ``side`` pixels, in a fresh process for each way."""

    side: int
    plain_mib: float
    segdemo_mib: float
    """By how much the process grew at most."""
    plain_seconds: float
    segdemo_seconds: float
    difference: float
    """The largest between probabilities."""


def measure() -> list[Memory]:
    """Pictures of every size; the largest takes 9 GiB in plain PyTorch."""
    torch.manual_seed(0)
    network = NETWORKS[_NETWORK].build()
    settle(network, torch.rand(1, 3, 128, 128))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.safetensors"
        save_file(network.state_dict(), path)
        return [_memory(path, side) for side in _SIDES]


def section(rows: Sequence[Memory]) -> str:
    """A Markdown table of what was measured."""
    lines = table(
        (
            *("picture", "plain PyTorch", "segdemo", "share"),
            *("plain PyTorch", "segdemo", "difference"),
        ),
        (
            (
                f"{row.side} × {row.side}",
                f"{row.plain_mib:.0f} MiB",
                f"{row.segdemo_mib:.0f} MiB",
                f"{row.segdemo_mib / row.plain_mib:.2f}",
                f"{row.plain_seconds:.1f} s",
                f"{row.segdemo_seconds:.1f} s",
                f"{row.difference:.0e}",
            )
            for row in rows
        ),
    )
    return f"""## The memory of a large picture

{_NETWORK}, one picture at its own size in a fresh process: by how much the process grew at most,
and the time by the clock, from the picture to its probabilities. Plain PyTorch runs under
`no_grad`; the difference is the largest between probabilities.

{lines}
"""


def _memory(path: Path, side: int) -> Memory:
    plain, segdemo = (path.with_name(f"{way}.npy") for way in ("plain", "segdemo"))
    by_plain, by_segdemo = (
        told("benchmarks.memory", answer.stem, str(path), str(side), str(answer))
        for answer in (plain, segdemo)
    )
    return Memory(
        side=side,
        plain_mib=by_plain["mib"],
        segdemo_mib=by_segdemo["mib"],
        plain_seconds=by_plain["seconds"],
        segdemo_seconds=by_segdemo["seconds"],
        difference=float(np.abs(np.load(plain) - np.load(segdemo)).max()),
    )


def main() -> None:
    """What loading took does not count; nor does the making of the picture."""
    way, path, side, answer = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    picture = photo((side, side))
    run: Callable[[], np.ndarray]
    if way == "segdemo":
        keep_freed_memory()
        segmenter = load(path, device="cpu", overrides=_WORDS, settings=Settings())
        run = lambda: segmenter.predict(picture).probabilities  # noqa: E731
    else:
        network = NETWORKS[_NETWORK].build()
        network.load_state_dict(load_file(path))
        network.eval()
        run = lambda: network((to_image(picture).float() / 255)[None]).sigmoid()[0].numpy()  # noqa: E731
    forget_peak()
    before, start = peak_mib() or 0, time.perf_counter()
    with torch.no_grad():
        said = run()
    seconds, after = time.perf_counter() - start, peak_mib() or 0
    np.save(answer, said)
    print(json.dumps({"mib": after - before, "seconds": seconds}))


if __name__ == "__main__":
    main()
