"""Answers are kept by bytes, the latest ones, and only for what they are about."""

import os

import numpy as np
import pytest
from PIL import Image

from segdemo.inference.prediction import Prediction
from segdemo.spec import NO_OVERRIDES
from segdemo.ui.viewer.predictions import Predictions

PICTURE = Image.new("RGB", (4, 4))
BYTES = 400


class Answers:
    """A predictor of answers of 400 bytes each, which counts them."""

    def __init__(self):
        self.asked = []

    def load(self, path, overrides=NO_OVERRIDES):
        return path.name, overrides

    def predict(self, path, picture, overrides=NO_OVERRIDES):
        self.asked.append(path.name)
        return Prediction(
            probabilities=np.zeros((1, 10, 10), np.float32),
            picture_size=picture.size,
            milliseconds=1.0,
            device="CPU",
        )


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def paths(tmp_path):
    found = [tmp_path / name for name in "abc"]
    for path in found:
        path.write_bytes(b"weights")
    return found


def test_the_least_recently_used_answers_leave_first(answers, paths):
    kept = Predictions(answers, max_bytes=2 * BYTES)
    for path in (paths[0], paths[1], paths[0], paths[2], paths[0], paths[1]):
        kept.of(PICTURE, "d", path, NO_OVERRIDES)
    assert answers.asked == ["a", "b", "c", "b"]


def test_an_answer_larger_than_the_limit_is_given_but_not_kept(answers, paths):
    kept = Predictions(answers, max_bytes=BYTES - 1)
    for _ in range(2):
        segmenter, prediction = kept.of(PICTURE, "d", paths[0], NO_OVERRIDES)
        assert segmenter == ("a", NO_OVERRIDES)
        assert prediction.probabilities.nbytes == BYTES
    assert answers.asked == ["a", "a"]


def test_another_picture_reading_or_version_of_the_file_is_another_answer(answers, paths):
    kept = Predictions(answers)
    raw = NO_OVERRIDES.with_override("preprocessing.divisor", 1)
    kept.of(PICTURE, "d", paths[0], NO_OVERRIDES)
    kept.of(PICTURE, "e", paths[0], NO_OVERRIDES)
    kept.of(PICTURE, "d", paths[0], raw)
    os.utime(paths[0], ns=(1, 1))
    kept.of(PICTURE, "d", paths[0], NO_OVERRIDES)
    assert len(answers.asked) == 4
    kept.of(PICTURE, "d", paths[0], NO_OVERRIDES)
    assert len(answers.asked) == 4
