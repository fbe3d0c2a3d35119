"""The calibration error is that of torchmetrics."""

import numpy as np
import pytest
from torch import tensor
from torchmetrics.functional.classification import binary_calibration_error

from segdemo.images.masks import VOID
from segdemo.metrics.calibration import BINS, calibration

RNG = np.random.default_rng(0)


def test_it_is_the_one_of_torchmetrics():
    for sharpness in (0.3, 1.0, 4.0):
        logits = RNG.normal(size=(50, 60)) * sharpness
        said = (1 / (1 + np.exp(-logits))).astype(np.float32)
        truth = (RNG.random(said.shape) < said**2).astype(np.uint8)
        theirs = binary_calibration_error(tensor(said), tensor(truth).long(), n_bins=BINS)
        assert calibration(said, truth).error == pytest.approx(float(theirs), abs=1e-6)


def test_void_says_nothing_and_parts_add_up():
    said = RNG.random((40, 40), dtype=np.float32)
    truth = (RNG.random(said.shape) < 0.3).astype(np.uint8)
    truth[:10] = VOID
    upper, lower = calibration(said[:25], truth[:25]), calibration(said[25:], truth[25:])
    whole = calibration(said[10:], truth[10:]).error
    assert (upper + lower).error == pytest.approx(whole, abs=1e-12)
    assert calibration(said, truth).error == pytest.approx(whole, abs=1e-12)


def test_what_is_always_right_has_no_error_and_no_pixel_has_none():
    truth = np.array([[0, 1]], np.uint8)
    assert calibration(truth.astype(np.float32), truth).error == 0
    assert np.isnan(calibration(np.ones((1, 1), np.float32), np.full((1, 1), VOID, np.uint8)).error)
