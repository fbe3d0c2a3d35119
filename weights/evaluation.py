"""Scores of a checkpoint file, read back the way the product reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

import segdemo
from weights import pictures

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


def probabilities(path: Path, shown: pictures.Pictures) -> Map:
    """What the file's network says of pictures (n, h, w, 3): (n, h, w) in [0, 1]."""
    segmenter = segdemo.load(path)
    maps = [segmenter.predict(Image.fromarray(picture)).probabilities[0] for picture in shown]
    return np.stack([np.asarray(each, dtype=np.float32) for each in maps])


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
    """Scores on `count` held-out generated pictures, and the threshold with the best IoU."""
    shown, masks = pictures.cached(folder, task, pictures.HELD_OUT, side, count)
    maps, truth = probabilities(path, shown), masks > 0
    steps = range(64, 225, 8)
    by_step = {k: intersection_over_union(maps >= k / 256, truth) for k in steps}
    best = max(by_step, key=lambda k: by_step[k])
    scores: dict[str, Any] = {
        "held_out_pictures": count,
        "iou": round(by_step[128], 4),
        "best_threshold": round(best / 256, 3),
        "iou_at_best_threshold": round(by_step[best], 4),
    }
    if task == "vessels":
        scores["f1_1px"] = round(tolerant_f1(maps >= 0.5, truth), 4)
    return scores
