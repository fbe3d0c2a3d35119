"""What 16 bits change in the masks of the shipped networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from benchmarks.networks import WEIGHTS
from benchmarks.processes import ROOT
from benchmarks.tables import table
from segdemo.engine.engine import Engine
from segdemo.inference.prediction import Prediction
from segdemo.inference.segmenter import Segmenter, load
from segdemo.settings import Settings

_PICTURES = ("nuclei.png", "cell.png", "retina.jpg", "street.png")
_EXAMPLES = ROOT / "segdemo" / "ui" / "examples"
_SIDE = 256
_KINDS = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, kw_only=True)
class Change:
    """Of one checkpoint on all pictures together, against 32 bits."""

    checkpoint: str
    precision: str
    changed: float
    """Share of the pixels whose class is another."""
    difference: float
    """The largest between probabilities."""


def measure() -> list[Change]:
    """Every shipped checkpoint on every example."""
    return [
        change for path in sorted(WEIGHTS.glob("*.safetensors")) for change in _changes(path.stem)
    ]


def section(rows: Sequence[Change]) -> str:
    """A Markdown table of what was measured."""
    lines = table(
        ("checkpoint", "precision", "changed pixels", "largest difference"),
        (
            (row.checkpoint, row.precision, f"{row.changed:.3%}", f"{row.difference:.3f}")
            for row in rows
        ),
        words=2,
    )
    return f"""## What 16 bits change

Against 32 bits on the four example pictures together, each network on all of them, also on those
that are none of its task: the share of pixels whose class is another, where a single class begins
at probability 0.5, and the largest difference between probabilities. Pictures are of at most
{_SIDE} px. Computed by autocast on the CPU, which rounds what a GPU rounds; so this is about
numbers, not about time.

{lines}
"""


def _changes(checkpoint: str) -> list[Change]:
    # Processors without such numbers take long for them.
    settings = Settings(max_network_side=_SIDE)
    segmenter = load(WEIGHTS / f"{checkpoint}.safetensors", device="cpu", settings=settings)
    pictures = [Image.open(_EXAMPLES / name) for name in _PICTURES]
    exact = [segmenter.predict(picture) for picture in pictures]
    found = []
    for precision, dtype in _KINDS.items():
        rounded = [_in_16_bits(segmenter, picture, dtype) for picture in pictures]
        pairs = list(zip(exact, rounded, strict=True))
        changed = [_classes(one) != _classes(two) for one, two in pairs]
        found.append(
            Change(
                checkpoint=checkpoint,
                precision=precision,
                changed=float(np.concatenate([part.ravel() for part in changed]).mean()),
                difference=max(
                    float(np.abs(one.probabilities - two.probabilities).max()) for one, two in pairs
                ),
            )
        )
    return found


def _in_16_bits(segmenter: Segmenter, picture: Image.Image, dtype: torch.dtype) -> Prediction:
    # With a hook the network runs as it does on a GPU, and not as a CPU's program.
    hook = segmenter.network.register_forward_hook(lambda *_: None)
    with patch.object(segmenter, "_engine", Engine(dtype)):
        prediction = segmenter.predict(picture)
    hook.remove()
    return prediction


def _classes(prediction: Prediction) -> npt.NDArray[np.integer | np.bool_]:
    found = prediction.probabilities
    return found[0] >= 0.5 if len(found) == 1 else found.argmax(axis=0)
