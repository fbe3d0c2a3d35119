"""What several classes cost after the network: the way of transformers, and ours."""

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from benchmarks.networks import WEIGHTS
from benchmarks.pictures import photo
from benchmarks.tables import pixels, table
from benchmarks.timing import Less, in_turn, less, threads
from segdemo.engine.heap import keep_freed_memory
from segdemo.inference.segmenter import Segmenter, load
from segdemo.ui.viewer.class_maps import class_maps
from segdemo.ui.viewer.map_files import viewer_size

_SIZES = ((1024, 768), (4000, 3000))
_ROUNDS = 7
_CHECKPOINT = WEIGHTS / "scene_resnet_unet.safetensors"
_COLOURS = np.random.default_rng(0).integers(0, 256, (256, 3))


@dataclass(frozen=True, kw_only=True)
class Classes:
    """Time of the processor for a picture of ``size`` (width, height) of six classes."""

    size: tuple[int, int]
    labels_ms: float
    """Until transformers has a label for each pixel."""
    overlay_ms: float
    """Until these are seen on the picture, as its notebooks do it."""
    segdemo_ms: float
    less_than_overlay: Less
    changed: float
    """Share of the picture's pixels that are of another class than with transformers."""


def measure() -> list[Classes]:
    """All ways in turn on one core; nothing where transformers is not installed."""
    if not find_spec("transformers"):
        return []
    keep_freed_memory()
    segmenter = load(_CHECKPOINT, device="cpu")
    with (
        threads(1),
        torch.inference_mode(),
        tempfile.TemporaryDirectory() as folder,
        patch.dict("os.environ", GRADIO_TEMP_DIR=folder),
    ):
        return [_classes(segmenter, size) for size in _SIZES]


def section(rows: Sequence[Classes]) -> str:
    """A Markdown table of what was measured."""
    if not rows:
        return ""
    lines = table(
        ("photo", "labels", "seen on the picture", "segdemo", "less than that", "changed"),
        (
            (
                pixels(row.size),
                f"{row.labels_ms:.0f} ms",
                f"{row.overlay_ms:.0f} ms",
                f"{row.segdemo_ms:.0f} ms",
                str(row.less_than_overlay),
                f"{row.changed:.2%}",
            )
            for row in rows
        ),
    )
    return f"""## Several classes, after the network

Time of the processor on one core from the six logits of {_CHECKPOINT.stem}, median of {_ROUNDS}
rounds with quartiles. The first way is `post_process_semantic_segmentation` of transformers, which
enlarges the logits and takes the largest, then the overlay and the PNG of its notebooks. Ours ends
with what the browser fetches: the winners, and the map of every class, by which it hides classes
and shows how sure the network is without asking again. Changed is the share of pixels that are of
another class.

{lines}
"""


def _classes(segmenter: Segmenter, size: tuple[int, int]) -> Classes:
    picture = photo(size)
    said = segmenter.predict(picture)
    logits = torch.from_numpy(said.probabilities).log()[None]
    times = in_turn(
        {
            "labels": lambda: _by_transformers(logits, size),
            "overlay": lambda: _overlay(picture, _by_transformers(logits, size)),
            "segdemo": lambda: class_maps(segmenter, said, viewer_size(size)),
        },
        _ROUNDS,
    )
    return Classes(
        size=size,
        **{f"{way}_ms": statistics.median(taken) * 1000 for way, taken in times.items()},
        less_than_overlay=less(times["overlay"], times["segdemo"]),
        changed=float((said.labels_at(size) != _by_transformers(logits, size)).mean()),
    )


def _by_transformers(logits: Tensor, size: tuple[int, int]) -> npt.NDArray[np.int64]:
    from transformers import SegformerImageProcessor  # noqa: PLC0415 (an optional package)

    processor: Any = SegformerImageProcessor()
    answer = SimpleNamespace(logits=logits)
    labels = processor.post_process_semantic_segmentation(answer, target_sizes=[size[::-1]])[0]
    return np.asarray(labels)


def _overlay(picture: Image.Image, labels: npt.NDArray[np.int64]) -> None:
    painted = np.zeros((*labels.shape, 3), dtype=np.uint8)
    for label in np.unique(labels):
        painted[labels == label] = _COLOURS[label]
    mixed = np.asarray(picture) * 0.5 + painted * 0.5
    with tempfile.TemporaryFile() as file:
        Image.fromarray(mixed.astype(np.uint8)).save(file, format="PNG")
