"""Scores against plain formulas written out a second time."""

import numpy as np
import pytest

from segdemo.images.masks import VOID
from segdemo.metrics.accumulated import BinaryScores, ClassScores, scores_for


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_iou_and_dice_are_those_of_the_textbook(rng):
    counted = BinaryScores()
    maps = rng.random((3, 1, 20, 30), dtype=np.float32)
    labels = (rng.random((3, 20, 30)) < 0.3).astype(np.uint8)
    for each, truth in zip(maps, labels, strict=True):
        counted.add(each, truth)
    for step in (64, 128, 200):
        found = maps[:, 0] >= step / 256
        common, both = (found & (labels == 1)).sum(), (found | (labels == 1)).sum()
        assert counted.curve.iou[step] == pytest.approx(common / both)
        assert counted.curve.dice[step] == pytest.approx(2 * common / (found.sum() + labels.sum()))


def test_the_best_threshold_is_the_one_of_the_highest_iou(rng):
    counted = BinaryScores()
    labels = (rng.random((40, 40)) < 0.5).astype(np.uint8)
    counted.add(np.where(labels, 0.4, 0.3).astype(np.float32)[None], labels)
    facts = counted.facts()
    assert 0.3 < facts["best_threshold"] <= 0.4
    assert (facts["iou"], facts["iou_at_best_threshold"]) == (0.0, 1.0)


def test_the_mean_iou_is_that_of_the_textbook(rng):
    names = ("background", "cat", "dog", "unseen")
    labels = rng.integers(0, 3, (25, 35)).astype(np.uint8)
    maps = rng.random((4, 25, 35), dtype=np.float32)
    maps[3] = 0
    counted = ClassScores(names)
    counted.add(maps, labels)
    found = maps.argmax(0)
    expected = {
        name: ((found == n) & (labels == n)).sum() / ((found == n) | (labels == n)).sum()
        for n, name in enumerate(names[:3])
    }
    assert counted.facts()["iou_by_class"] == pytest.approx(expected, abs=1e-4)
    assert counted.best == pytest.approx(np.mean(list(expected.values())))
    assert counted.facts()["right_pixels"] == pytest.approx((found == labels).mean(), abs=1e-4)


@pytest.mark.parametrize("names", [("thing",), ("a", "b", "c")])
def test_pixels_that_say_nothing_do_not_count(names, rng):
    maps = rng.random((len(names), 10, 10), dtype=np.float32)
    labels = rng.integers(0, 2, (10, 10)).astype(np.uint8)
    part, whole = scores_for(names), scores_for(names)
    part.add(maps[:, :5], labels[:5])
    labels[5:] = VOID
    whole.add(maps, labels)
    assert part.facts() == whole.facts()


def test_two_channels_are_judged_by_the_second(rng):
    thing = rng.random((1, 12, 12), dtype=np.float32)
    labels = rng.integers(0, 2, (12, 12)).astype(np.uint8)
    one, two = scores_for(("thing",)), scores_for(("background", "thing"))
    one.add(thing, labels)
    two.add(np.concatenate([1 - thing, thing]), labels)
    assert one.facts() == two.facts()


def test_nothing_found_where_nothing_is_has_no_score_and_is_better_than_nothing():
    for counted in (BinaryScores(), ClassScores(("a", "b", "c"))):
        labels = np.full((4, 4), VOID, np.uint8)
        counted.add(np.zeros((3, 4, 4), np.float32), labels)
        assert counted.best == 0.0
        assert None in counted.facts().values()
