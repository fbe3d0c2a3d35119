"""What programs are told of a truth: how its file was read, and how right networks are by it."""

import math
from collections.abc import Sequence
from typing import TypedDict

from segdemo.errors import PictureError, SegdemoError
from segdemo.images.masks import VOID, TruthMask
from segdemo.metrics.confusion import confusion
from segdemo.metrics.curves import curve
from segdemo.metrics.outlines import outlines
from segdemo.metrics.scores import BOUNDARY_F, MASK_SCORES
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


class ClassScores(TypedDict):
    """How right the classes are that win each pixel, where network and truth know several."""

    mean_iou: float | None
    accuracy: float | None
    classes: list[OneClass]


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


def class_scores(view: View, right: TruthMask, names: Sequence[str]) -> ClassScores | None:
    """Of the winners; None where network or truth knows a foreground alone. Void is left out."""
    if not 2 < view.classes <= VOID or not right.several:
        return None
    size = view.prediction.picture_size
    found = confusion(view.prediction.labels_at(size), right.labels, view.classes)
    return {
        "mean_iou": number(found.mean_iou),
        "accuracy": number(found.accuracy),
        "classes": [
            {
                "number": place,
                "name": names[place] if place < len(names) else "",
                "iou": number(float(iou)),
                "pixels": int(found.counts[place].sum()),
            }
            for place, iou in enumerate(found.ious)
        ],
    }


def number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else float(value)
