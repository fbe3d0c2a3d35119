"""Scores what a network says of one image against its mask: the foreground, or each class."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.images.masks import VOID, TruthMask
from segdemo.inference.maps import quantise, resize_map
from segdemo.inference.prediction import Prediction
from segdemo.metrics.calibration import Calibration, calibration
from segdemo.metrics.distances import surface_distances
from segdemo.metrics.outlines import boundary_f
from segdemo.metrics.scores import BOUNDARY_F, BY_NAME

SURFACE_SCORES = ("hd95", "nsd")
CALIBRATION_SCORE = "ece"
SCORES = (
    *("dice", "iou", "precision", "recall"),
    BOUNDARY_F.name,
    *SURFACE_SCORES,
    CALIBRATION_SCORE,
)
"""Names of all scores of a mask, in the order of every table."""
LOWER_IS_BETTER = frozenset({"hd95", "ece"})
"""The others are better the higher they are."""

FOREGROUND = "foreground"
MEAN = "mean"
"""What is no class: the only mask of most networks, and the mean over the classes of an image."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Scored:
    """One mask of one image."""

    class_name: str
    """A class's, or FOREGROUND, or MEAN."""
    number: int | None
    """The class's."""
    scores: dict[str, float]
    """By the names of SCORES; NaN where one is 0/0."""
    pixels: tuple[int, int, int, int] = (0, 0, 0, 0)
    """True positives, false positives, false negatives, true negatives."""
    bins: Calibration | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Scoring:
    """All that is scored of one image and one network."""

    masks: tuple[Scored, ...]
    levels: npt.NDArray[np.int64] | None = None
    """(2, 256): pixels of the truth's foreground and ground by q, from which any threshold
    follows; None where classes compete."""

    @property
    def main(self) -> Scored:
        """What a network is judged by: its foreground, or the mean over its classes."""
        return self.masks[-1]


def score(prediction: Prediction, truth: TruthMask, level: int, names: tuple[str, ...]) -> Scoring:
    """At the image's own size; ``truth`` is of that size, ``level`` the k of the threshold.

    A network of 3 to 254 classes is scored by its winners where the truth knows several classes,
    too; else the foreground is.
    """
    classes = len(prediction.probabilities)
    if truth.several and 2 < classes < VOID:
        masks = tuple(_by_class(prediction, truth, names))
        return Scoring(masks=(*masks, mean_of(masks)))
    probabilities = prediction.foreground_at(prediction.picture_size)
    wanted = truth.foreground(prediction.background)
    q = quantise(probabilities)
    levels = [np.bincount(q[wanted == value], minlength=256) for value in (1, 0)]
    one = _scored(FOREGROUND, None, q >= level, probabilities, wanted)
    return Scoring(masks=(one,), levels=np.array(levels, np.int64))


def _by_class(prediction: Prediction, truth: TruthMask, names: tuple[str, ...]) -> Iterator[Scored]:
    """Each class against the rest, in order."""
    size = prediction.picture_size
    labels = prediction.labels_at(size)
    for number, small in enumerate(prediction.probabilities):
        name = names[number] if number < len(names) else str(number)
        wanted = truth.of_class(number)
        yield _scored(name, number, labels == number, resize_map(small, size), wanted)


def _scored(
    name: str,
    number: int | None,
    found: npt.NDArray[np.bool_],
    probabilities: npt.NDArray[np.float32],
    wanted: npt.NDArray[np.uint8],
) -> Scored:
    right = wanted == 1
    found = found & (wanted != VOID)
    pixels = (
        int((found & right).sum()),
        int((found & ~right).sum()),
        int((right & ~found).sum()),
        int((~found & (wanted == 0)).sum()),
    )
    bins = calibration(probabilities, wanted)
    scores = scores_of(pixels)
    if any(pixels[:3]):
        near = surface_distances(found, right)
        scores |= {
            BOUNDARY_F.name: boundary_f(found, wanted),
            "hd95": near.hd95,
            "nsd": near.nsd,
        }
    scores[CALIBRATION_SCORE] = bins.error
    return Scored(class_name=name, number=number, scores=scores, pixels=pixels, bins=bins)


def scores_of(pixels: tuple[int, int, int, int]) -> dict[str, float]:
    """All scores by name: those of pixels, and NaN for the rest."""
    scores = dict.fromkeys(SCORES, float("nan"))
    for name in SCORES:
        parts = BY_NAME[name].parts if name in BY_NAME else None
        if parts is not None:
            part, whole = parts(*pixels)
            scores[name] = part / whole if whole else float("nan")
    return scores


def mean_of(masks: tuple[Scored, ...]) -> Scored:
    """The mean over the classes of which a score is defined."""
    scores = {}
    for name in SCORES:
        known = [one.scores[name] for one in masks if not np.isnan(one.scores[name])]
        scores[name] = float(np.mean(known)) if known else float("nan")
    return Scored(class_name=MEAN, number=None, scores=scores)
