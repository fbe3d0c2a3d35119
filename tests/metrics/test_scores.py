"""Each score is what the field's libraries compute, and 0/0 is NaN wherever it is shown."""

import itertools
import math

import numpy as np
from torch import tensor
from torchmetrics.functional.classification import (
    binary_accuracy,
    binary_f1_score,
    binary_jaccard_index,
    binary_precision,
    binary_recall,
)

from segdemo.metrics.curves import curve
from segdemo.metrics.scores import BY_NAME, CLASS_SCORES, MASK_SCORES, PIXEL_SCORES
from segdemo.strings import LANGUAGES, text

THEIRS = {
    "dice": binary_f1_score,
    "iou": binary_jaccard_index,
    "precision": binary_precision,
    "recall": binary_recall,
    "accuracy": binary_accuracy,
}


def test_pixel_scores_are_those_of_torchmetrics_and_nan_for_0_of_0():
    assert [score.name for score in PIXEL_SCORES] == list(THEIRS)
    wrong = []
    # Every truth and prediction of three pixels.
    for bits in itertools.product((0, 1), repeat=6):
        found, truth = np.array([bits[:3]], np.uint8), np.array([bits[3:]], np.uint8)
        ours = curve(found * 255, truth).at(128)
        undefined = {
            "dice": not any(bits),
            "iou": not any(bits),
            "precision": not any(bits[:3]),
            "recall": not any(bits[3:]),
            "accuracy": False,
        }
        for name, theirs in THEIRS.items():
            # torchmetrics gives 0 for 0/0.
            expected = math.nan if undefined[name] else float(theirs(tensor(found), tensor(truth)))
            if not np.isclose(ours[name], expected, atol=1e-6, equal_nan=True):
                wrong.append((bits, name, ours[name], expected))
    assert not wrong


def test_every_score_is_called_by_a_name_and_explained_in_every_language():
    assert {*MASK_SCORES, *CLASS_SCORES} == BY_NAME.keys()
    for language in LANGUAGES:
        for name in BY_NAME:
            assert text(f"score_{name}", language)
            assert text(f"score_{name}_hint", language)
