"""Scores accumulated over a data set, image by image."""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.images.masks import VOID
from segdemo.inference.maps import LEVELS, quantise
from segdemo.metrics.confusion import Confusion, confusion
from segdemo.metrics.curves import Curve, curve_of

Labels = npt.NDArray[np.integer[Any]]
"""(H, W), VOID where nothing is said."""
Map = npt.NDArray[np.float32]

_HALF = LEVELS // 2
# Thresholds that anybody would choose: 1/4 to 7/8.
_STEPS = range(LEVELS // 4, LEVELS * 7 // 8 + 1, LEVELS // 32)


class Scores(ABC):
    """Counts of pixels, added up image by image; a pixel counts the same in each."""

    @abstractmethod
    def add(self, probabilities: Map, labels: Labels) -> None:
        """Counts an image: probabilities (C, H, W) as the network gives them, labels (H, W)."""

    @property
    @abstractmethod
    def best(self) -> float:
        """The one number to compare networks by, higher is better: IoU, or its mean."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """All numbers, rounded to four places."""


class BinaryScores(Scores):
    """Of one thing against the rest, at every threshold at once."""

    def __init__(self) -> None:
        self.counts = np.zeros((2, LEVELS), np.int64)
        """Pixels of ground and of the thing, by quantised probability."""

    def add(self, probabilities: Map, labels: Labels) -> None:
        """The last channel is the thing's, label 1 its pixels."""
        kept = labels != VOID
        levels, truth = quantise(probabilities[-1])[kept], labels[kept] == 1
        for row, chosen in enumerate((levels[~truth], levels[truth])):
            self.counts[row] += np.bincount(chosen, minlength=LEVELS)

    @property
    def curve(self) -> Curve:
        """All images together, at every threshold."""
        ground, thing = self.counts
        return curve_of(thing, ground)

    @property
    def best(self) -> float:
        """IoU at threshold 0.5; 0 where it is not defined."""
        return _defined(float(self.curve.iou[_HALF]))

    def facts(self) -> dict[str, Any]:
        """IoU and Dice at 0.5, and the threshold with the highest IoU."""
        curve = self.curve
        best = max(_STEPS, key=lambda step: _defined(float(curve.iou[step])))
        return {
            "iou": _rounded(curve.iou[_HALF]),
            "dice": _rounded(curve.dice[_HALF]),
            "best_threshold": round(best / LEVELS, 3),
            "iou_at_best_threshold": _rounded(curve.iou[best]),
        }


class ClassScores(Scores):
    """Of several classes, of which the likeliest counts."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """``names`` has one for each class."""
        self.names = names
        self.counts = np.zeros((len(names) + 1, len(names)), np.int64)
        """As ``Confusion.counts``."""

    def add(self, probabilities: Map, labels: Labels) -> None:
        """Channel n is that of label n."""
        self.counts += confusion(probabilities.argmax(0), labels, len(self.names)).counts

    @property
    def best(self) -> float:
        """The mean IoU over the classes; 0 where it is not defined."""
        return _defined(Confusion(counts=self.counts).mean_iou)

    def facts(self) -> dict[str, Any]:
        """Mean IoU, mean Dice, share of pixels that are right, and the IoU of each class."""
        found = Confusion(counts=self.counts)
        ious = {
            name: float(iou)
            for name, iou in zip(self.names, found.ious, strict=True)
            if not math.isnan(iou)
        }
        dices = [2 * iou / (1 + iou) for iou in ious.values()]
        return {
            "miou": _rounded(found.mean_iou),
            "dice": _rounded(float(np.mean(dices)) if dices else math.nan),
            "right_pixels": _rounded(found.accuracy),
            "iou_by_class": {name: _rounded(iou) for name, iou in ious.items()},
        }


def scores_for(classes: tuple[str, ...]) -> Scores:
    """An empty count; up to two classes are one thing against the rest."""
    return BinaryScores() if len(classes) <= 2 else ClassScores(classes)


def _defined(score: float) -> float:
    """To choose the best by: what is not defined is not better than anything."""
    return 0.0 if math.isnan(score) else score


def _rounded(score: float) -> float | None:
    """For JSON, which has no NaN."""
    return None if math.isnan(score) else round(float(score), 4)
