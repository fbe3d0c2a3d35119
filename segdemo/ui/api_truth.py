"""What programs are told of a truth: how its file was read, and how right networks are by it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from segdemo.errors import PictureError, SegdemoError
from segdemo.images.masks import TruthMask
from segdemo.metrics.confusion import confusion
from segdemo.metrics.curves import curve
from segdemo.metrics.outlines import outlines
from segdemo.metrics.scores import BOUNDARY_F, MASK_SCORES
from segdemo.outputs.files import Drawing
from segdemo.outputs.render import View, binary_truth
from segdemo.wording import shown


class TruthValue(TypedDict):
    """A value of the mask's file, how often it occurs, and its label; null says nothing."""

    value: str
    pixels: int
    label: int | None


class TruthFacts(TypedDict):
    """How a mask was read; the readings are names for ``truth_reading``."""

    reading: str
    kind: str
    values: list[TruthValue]
    other_readings: list[str]


Scores = dict[str, float | None]
"""``metrics.scores.MASK_SCORES`` by name; null where one is 0/0."""


class OneClass(TypedDict):
    """How right one class is among all that compete; null where it is neither found nor there."""

    number: int
    name: str
    iou: float | None
    pixels: int
    dice: float | None
    precision: float | None
    recall: float | None


class ClassScores(TypedDict):
    """How right the classes are that win each pixel, where network and truth know several.

    Means are over the classes that are found or there.
    """

    mean_iou: float | None
    accuracy: float | None
    classes: list[OneClass]
    mean_dice: float | None


class Agreement(TypedDict):
    """How much of the masks of two networks is common: intersection over union.

    ``mean_iou`` is that of the winners, where both know the same number of classes, of three on.
    """

    first: str
    second: str
    iou: float | None
    mean_iou: float | None


def truth_facts(truth: TruthMask) -> TruthFacts | None:
    """None where there is no file."""
    if truth.reading is None:
        return None
    return {
        "reading": truth.reading.name,
        "kind": truth.reading.kind,
        "values": [
            {
                "value": value.value,
                "pixels": value.pixels,
                "label": None if value.void else value.label,
            }
            for value in truth.values
        ],
        "other_readings": list(truth.other_readings),
    }


def name_of_reading(value: object) -> str | None:
    """What a program asks for; nothing for nothing. Raises PictureError for no text."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise PictureError("truth_reading_text", value=shown(str(value)))
    return value


def whole_number(value: object) -> int | None:
    """The page, channel or slice that a program asks for. Raises SegdemoError for none."""
    if value is None:
        return None
    # JSON knows one kind of number, and Python takes True for one.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise SegdemoError("api_plane", value=shown(str(value)))
    return int(value)


def scores(view: View, right: TruthMask) -> Scores:
    """Of the mask of a network, against the truth."""
    wanted = binary_truth(view, right)
    found = curve(view.quantised, wanted).at(view.threshold)
    found[BOUNDARY_F.name] = outlines(view.quantised, wanted).f_score[view.threshold]
    return {name: number(found[name]) for name in MASK_SCORES}


def class_scores(view: View, right: TruthMask) -> ClassScores | None:
    """Of the winners; None where network or truth knows a foreground alone. Void is left out.

    Classes that do not exclude each other are each scored by their own mask at the threshold.
    """
    if not view.by_class or not right.several:
        return None
    if view.prediction.overlapping:
        return _overlapping_scores(view, right)
    found, names = confusion(view.labels, right.labels, view.classes), view.class_names
    return {
        "mean_iou": number(found.mean_iou),
        "accuracy": number(found.accuracy),
        "classes": [
            {
                "number": place,
                "name": names[place] if place < len(names) else "",
                "iou": number(float(iou)),
                "pixels": int(found.counts[place].sum()),
                "dice": number(float(found.score("dice")[place])),
                "precision": number(float(found.score("precision")[place])),
                "recall": number(float(found.score("recall")[place])),
            }
            for place, iou in enumerate(found.ious)
        ],
        "mean_dice": number(found.mean("dice")),
    }


def _overlapping_scores(view: View, right: TruthMask) -> ClassScores:
    rows: list[OneClass] = []
    for place in range(1, view.classes):
        one = replace(view, pick=str(place))
        wanted = binary_truth(one, right)
        found = curve(one.quantised, wanted).at(view.threshold)
        rows.append(
            {
                "number": place,
                "name": view.class_names[place] if place < len(view.class_names) else "",
                "iou": number(found["iou"]),
                "pixels": int((wanted == 1).sum()),
                "dice": number(found["dice"]),
                "precision": number(found["precision"]),
                "recall": number(found["recall"]),
            }
        )
    ious = [row["iou"] for row in rows if row["iou"] is not None]
    dices = [row["dice"] for row in rows if row["dice"] is not None]
    agreed = confusion(view.labels, right.labels, view.classes).accuracy
    return {
        "mean_iou": sum(ious) / len(ious) if ious else None,
        "accuracy": number(agreed),
        "classes": rows,
        "mean_dice": sum(dices) / len(dices) if dices else None,
    }


@dataclass(frozen=True, eq=False, kw_only=True)
class Answered:
    """What is kept of an answer to tell how far it agrees with others."""

    mask: NDArray[np.bool_]
    labels: NDArray[np.uint8] | None
    """The winners of 3 to 256 classes."""
    classes: int


def answered(drawing: Drawing) -> Answered:
    """The mask of a view, and the winners where there are several classes."""
    winners = drawing.winners
    labels = winners.labels if winners.by_class else None
    return Answered(mask=drawing.view.mask, labels=labels, classes=winners.classes)


def agreements(found: Mapping[str, Answered]) -> list[Agreement]:
    """Of each two answers by their names, in order."""
    return [
        {
            "first": first,
            "second": second,
            "iou": number(_shared(found[first].mask, found[second].mask)),
            "mean_iou": number(_alike(found[first], found[second])),
        }
        for first, second in combinations(found, 2)
    ]


def _shared(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    union = int(np.logical_or(one, other).sum())
    return int(np.logical_and(one, other).sum()) / union if union else math.nan


def _alike(one: Answered, other: Answered) -> float:
    """The mean IoU of the winners; NaN where the classes are not as many."""
    if one.labels is None or other.labels is None or one.classes != other.classes:
        return math.nan
    return confusion(one.labels, other.labels, one.classes).mean_iou


def number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else float(value)
