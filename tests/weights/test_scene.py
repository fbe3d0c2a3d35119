"""Generated scenes: the same for a seed, every class in them, and labels that fit the picture."""

import numpy as np
import pytest

from tests.table import every
from weights.generators.scene import (
    landscapes as scene_landscapes,
)
from weights.generators.scene import (
    pictures as scene,
)
from weights.generators.scene import (
    streets as scene_streets,
)
from weights.generators.scene.view import BUILDING, GROUND, SKY, TREE, VEHICLE, View, by


def drawn(index: int, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    return scene.generate(np.random.default_rng([7, index]), size)


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray]:
    pairs = [drawn(index) for index in range(24)]
    return np.stack([picture for picture, _ in pairs]), np.stack([labels for _, labels in pairs])


def test_a_scene_depends_on_its_seed_alone():
    for first, second in zip(drawn(3), drawn(3), strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(drawn(3)[0], drawn(4)[0])


@every("size", [33, 48, 160])
def test_a_scene_has_the_size_asked_for(size):
    picture, labels = drawn(0, size)
    assert picture.shape == (size, size, 3)
    assert labels.shape == (size, size)
    assert picture.dtype == labels.dtype == np.uint8


def test_every_class_occurs_and_no_other_label(many):
    _, labels = many
    assert set(np.unique(labels)) == set(range(len(scene.CLASSES)))


def test_no_class_is_rare_and_none_is_nearly_everything(many):
    _, labels = many
    shares = np.bincount(labels.ravel(), minlength=6) / labels.size
    assert shares.min() > 0.01
    assert shares.max() < 0.5


def test_labels_are_where_their_colours_are(many):
    # Sky is brighter than trees, and trees are greener than everything else, on average.
    shown, labels = many
    means = {kind: shown[labels == kind].mean(axis=0) for kind in (SKY, GROUND, TREE, BUILDING)}
    assert means[SKY].mean() > 1.3 * means[TREE].mean()
    green = {kind: mean[1] - (mean[0] + mean[2]) / 2 for kind, mean in means.items()}
    assert max(green, key=lambda kind: green[kind]) == TREE
    assert means[SKY][2] > means[GROUND][2]


def test_ground_lies_below_the_sky(many):
    _, labels = many
    rows = np.broadcast_to(np.arange(64)[None, :, None], labels.shape)
    assert rows[labels == GROUND].mean() > rows[labels == SKY].mean() + 20


@every("kind", [kind for kind, _ in scene.KINDS], ids=lambda kind: kind.__name__)
def test_every_kind_of_scene_is_drawn(kind, monkeypatch):
    monkeypatch.setattr(scene, "KINDS", ((kind, 1.0),))
    found = {label for index in range(4) for label in np.unique(drawn(index)[1]).tolist()}
    assert {GROUND, SKY} <= found
    assert len(found) >= 4


def test_a_parked_vehicle_fills_more_of_its_picture_than_traffic_does(monkeypatch):
    def share(kind):
        monkeypatch.setattr(scene, "KINDS", ((kind, 1.0),))
        return np.mean([(drawn(index)[1] == VEHICLE).mean() for index in range(8)])

    assert share(scene_streets.parked) > 2 * share(scene_landscapes.country)


def test_a_point_of_the_ground_is_seen_where_it_was_looked_for():
    view = View(side=100, horizon=40.0, middle=50.0, focal=90.0, eye=1.6, yaw=0.3)
    right, away = view.place(0.7, 65.0)
    column, row = view.on_sheet(by(right, 0, away)[None])[0]
    assert column == pytest.approx(70)
    assert row == pytest.approx(65)


def test_what_is_behind_the_eye_is_cut_off():
    view = View(side=100, horizon=50.0, middle=50.0, focal=90.0, eye=1.6, yaw=0.0)
    behind = np.array([[-1, 0, -9], [1, 0, -9], [1, 2, -5], [-1, 2, -5]], float)
    assert len(view.clipped(behind)) == 0
    through = np.array([[1, 0, -9], [1, 0, 9], [1, 2, 9], [1, 2, -9]], float)
    assert len(view.clipped(through)) == 4
    assert np.isfinite(view.clipped(through)).all()
