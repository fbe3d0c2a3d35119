"""How well maps of probabilities match labels: counted over pictures, then told in numbers."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.images.masks import VOID
from segdemo.inference.processing import LEVELS, quantise

Labels = npt.NDArray[np.integer[Any]]
"""(H, W), VOID where nothing is said."""
Map = npt.NDArray[np.float32]

_HALF = LEVELS // 2
# Thresholds that anybody would choose: 1/4 to 7/8.
_STEPS = range(LEVELS // 4, LEVELS * 7 // 8 + 1, LEVELS // 32)


class Scores(ABC):
    """Counts of pixels, added up picture by picture; a pixel counts the same in each."""

    @abstractmethod
    def add(self, probabilities: Map, labels: Labels) -> None:
        """Counts a picture: probabilities (C, H, W) as the network gives them, labels (H, W)."""

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

    def iou(self, step: int = _HALF) -> float:
        """Intersection over union at the threshold step / 256; 1 when both are empty."""
        wrong, right = (int(row[step:].sum()) for row in self.counts)
        union = wrong + int(self.counts[1].sum())
        return right / union if union else 1.0

    def dice(self, step: int = _HALF) -> float:
        """Twice the intersection over the sum of both."""
        iou = self.iou(step)
        return 2 * iou / (1 + iou)

    @property
    def best(self) -> float:
        """IoU at threshold 0.5."""
        return self.iou()

    def facts(self) -> dict[str, Any]:
        """IoU and Dice at 0.5, and the threshold with the highest IoU."""
        best = max(_STEPS, key=self.iou)
        return {
            "iou": round(self.iou(), 4),
            "dice": round(self.dice(), 4),
            "best_threshold": round(best / LEVELS, 3),
            "iou_at_best_threshold": round(self.iou(best), 4),
        }


class ClassScores(Scores):
    """Of several classes, of which the likeliest counts."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """``names`` has one for each class."""
        self.names = names
        self.counts = np.zeros((len(names),) * 2, np.int64)
        """Pixels by their label and by the class found."""

    def add(self, probabilities: Map, labels: Labels) -> None:
        """Channel n is that of label n."""
        kept, classes = labels != VOID, len(self.names)
        places = labels[kept].astype(np.int64) * classes + probabilities.argmax(0)[kept]
        self.counts += np.bincount(places, minlength=classes**2).reshape(classes, classes)

    def ious(self) -> dict[str, float]:
        """Class -> intersection over union; a class that is nowhere is left out."""
        common = np.diag(self.counts)
        unions = self.counts.sum(0) + self.counts.sum(1) - common
        found = zip(self.names, common.tolist(), unions.tolist(), strict=True)
        return {name: right / union for name, right, union in found if union}

    @property
    def best(self) -> float:
        """The mean IoU over the classes."""
        return float(np.mean(list(self.ious().values()) or [0.0]))

    def facts(self) -> dict[str, Any]:
        """Mean IoU, mean Dice, share of pixels that are right, and the IoU of each class."""
        ious = self.ious()
        dices = [2 * iou / (1 + iou) for iou in ious.values()]
        return {
            "miou": round(self.best, 4),
            "dice": round(float(np.mean(dices or [0.0])), 4),
            "right_pixels": round(float(np.trace(self.counts) / max(1, self.counts.sum())), 4),
            "iou_by_class": {name: round(iou, 4) for name, iou in ious.items()},
        }


def scores_for(classes: tuple[str, ...]) -> Scores:
    """An empty count; up to two classes are one thing against the rest."""
    return BinaryScores() if len(classes) <= 2 else ClassScores(classes)
