"""Scores of a checkpoint file, read back the way the product reads it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

import segdemo
from segdemo.inference.maps import resize_map
from segdemo.metrics.accumulated import scores_for
from weights import pictures
from weights.tasks import TASKS

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

_TIMED = 5
_LARGEST_TIMED = 512


def probabilities(path: Path, shown: pictures.Pictures) -> list[Map]:
    """What the file's network says of pictures (n, h, w, 3): n maps (C, h, w) in [0, 1]."""
    segmenter = segdemo.load(path, device="cpu")
    found = [segmenter.predict(Image.fromarray(picture)) for picture in shown]
    return [resize_map(each.probabilities, each.picture_size) for each in found]


def speed(path: Path) -> dict[str, Any]:
    """How much time of one processor core a square picture takes, at the file's own size.

    The shortest of a few runs, counted by the processor's own clock, so that other programs
    hardly matter. For a size above 512 px, which no picture has to have, 512 stands.
    """
    segmenter = segdemo.load(path, device="cpu")
    side = min(segmenter.spec.preprocessing.side, _LARGEST_TIMED)
    picture = Image.effect_noise((side, side), 64).convert("RGB")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = min(_processor_seconds(segmenter, picture) for _ in range(_TIMED))
    finally:
        torch.set_num_threads(threads)
    return {"cpu_milliseconds": round(1000 * seconds, 1), "cpu_side": side}


def _processor_seconds(segmenter: segdemo.Segmenter, picture: Image.Image) -> float:
    started = time.process_time()
    segmenter.predict(picture)
    return time.process_time() - started


def intersection_over_union(found: Mask, truth: Mask) -> float:
    """Pooled over all pixels given; 1 when both are empty."""
    union = int((found | truth).sum())
    return int((found & truth).sum()) / union if union else 1.0


def tolerant_f1(found: Mask, truth: Mask) -> float:
    """F1 of masks (n, h, w) where a pixel counts as right up to 1 px off, diagonals included."""
    around = np.ones((1, 3, 3), dtype=bool)
    right = int((found & ndimage.binary_dilation(truth, around)).sum())
    met = int((truth & ndimage.binary_dilation(found, around)).sum())
    precision = right / max(1, int(found.sum()))
    recall = met / max(1, int(truth.sum()))
    return 2 * precision * recall / max(1e-9, precision + recall)


def components(found: Mask) -> int:
    """Connected pieces of one mask (h, w), over edges only; every speck counts."""
    _, count = ndimage.label(found)
    return int(count)


def score(path: Path, task: str, side: int, count: int, folder: Path) -> dict[str, Any]:
    """Scores on `count` held-out generated pictures of `side` pixels, kept in `folder`.

    IoU, Dice and the best threshold for one class, mean IoU and that of each for several;
    for vessels also the F1 that forgives one pixel.
    """
    shown, masks = pictures.cached(folder, task, pictures.HELD_OUT, side, count)
    maps = probabilities(path, shown)
    counted = scores_for(TASKS[task].classes)
    for each, labels in zip(maps, masks, strict=True):
        counted.add(each, labels)
    scores = {"held_out_pictures": count, "side": side, **counted.facts()}
    if task == "vessels":
        found = np.stack([each[-1] for each in maps]) >= 0.5
        scores["f1_1px"] = round(tolerant_f1(found, masks > 0), 4)
    return scores


def quality(scores: dict[str, Any]) -> float:
    """The number by which checkpoints of one task are compared, higher is better."""
    for name in ("f1_1px", "miou", "iou"):
        if name in scores:
            return float(scores[name])
    raise KeyError("no score")
