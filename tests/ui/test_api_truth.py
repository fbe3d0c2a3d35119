"""Scores for programs, of classes that exclude each other and of those that do not."""

import numpy as np
import pytest

from segdemo.images.masks import decode_truth
from segdemo.inference.prediction import Prediction
from segdemo.outputs.render import View
from segdemo.ui.api_truth import class_scores


def seen(probabilities, **facts):
    height, width = probabilities.shape[1:]
    prediction = Prediction(
        probabilities=probabilities.astype(np.float32),
        picture_size=(width, height),
        milliseconds=1.0,
        device="CPU",
        **facts,
    )
    return View(prediction=prediction, pick="all", class_names=("none", "disc", "cup"))


def test_a_class_that_lies_under_another_is_scored_by_its_own_mask(tmp_path):
    labels = np.zeros((20, 20), np.uint8)
    labels[:, :10], labels[:10, :10] = 1, 2
    np.save(tmp_path / "truth.npy", labels)
    right = decode_truth((tmp_path / "truth.npy").read_bytes(), max_megapixels=1)
    disc = np.where(np.arange(20) < 10, 0.9, 0.1)[None].repeat(20, 0)
    cup = np.where((labels == 2), 0.8, 0.1)
    found = np.stack([1 - np.maximum(disc, cup), disc, cup])
    told = class_scores(seen(found, overlapping=True), right)
    by_name = {one["name"]: one for one in told["classes"]}
    assert by_name.keys() == {"disc", "cup"}
    assert by_name["cup"]["iou"] == 1.0
    # The truth has one label a pixel, so half of the disc counts as found beside it.
    assert by_name["disc"]["iou"] == pytest.approx(0.5)
    assert by_name["disc"]["recall"] == 1.0
    assert told["mean_iou"] == pytest.approx(0.75)
    exclusive = class_scores(seen(found), right)
    assert {one["name"]: one["iou"] for one in exclusive["classes"]}["cup"] == 0.0
