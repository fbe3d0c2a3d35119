"""The usual readings: each once, the present one among them, small maps of each."""

from functools import partial

import numpy as np
import pytest
from checkpoint_files import write_checkpoint
from PIL import Image

from segdemo.inference.maps import quantise
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.spec import NO_OVERRIDES
from segdemo.strings import speaking, text
from segdemo.ui.viewer.readings.trials import THUMBNAIL_SIDE, Attempt, Trials, attempts, thumbnail
from tests.table import every

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@pytest.fixture(scope="module")
def pool():
    return Pool(Settings(device="cpu"))


def usual(pool, path, overrides=NO_OVERRIDES):
    return attempts(partial(pool.load, path), overrides)


OTHERS = ("signed", "maximum", "raw", "imagenet_undivided", "zscore", "bgr", "grey", "none")


def keys(found):
    return [attempt.key for attempt in found]


def test_the_usual_readings_are_tried_each_once(pool, tmp_path):
    path = write_checkpoint(tmp_path / "net.safetensors", words={"preprocessing": IMAGENET})
    found = usual(pool, path)
    assert keys(found) == ["file", "unit", *OTHERS]
    assert len({attempt.overrides for attempt in found}) == len(found)


def test_what_the_file_says_is_not_tried_under_another_name(pool, tmp_path):
    path = write_checkpoint(tmp_path / "net.safetensors")
    assert keys(usual(pool, path)) == ["file", "imagenet", *OTHERS]


def test_a_reading_that_is_not_usual_is_among_them_and_so_is_the_files_own(pool, tmp_path):
    path = write_checkpoint(tmp_path / "net.safetensors")
    overrides = NO_OVERRIDES.with_override("preprocessing.mean", [0.3])
    found = {attempt.key: attempt.overrides for attempt in usual(pool, path, overrides)}
    assert (found["file"], found["now"]) == (NO_OVERRIDES, overrides)
    assert found["bgr"] == overrides.with_override("preprocessing.channels", "bgr")


def test_a_usual_reading_that_holds_has_its_usual_name(pool, tmp_path):
    path = write_checkpoint(tmp_path / "net.safetensors")
    overrides = NO_OVERRIDES.with_override("preprocessing.divisor", 1.0)
    found = usual(pool, path, overrides)
    assert "now" not in keys(found)
    assert overrides in [attempt.overrides for attempt in found if attempt.key == "raw"]


def test_a_grey_network_has_no_order_of_channels_to_try(pool, tmp_path):
    path = write_checkpoint(tmp_path / "grey.safetensors", in_channels=1)
    assert not {"bgr", "grey"} & set(keys(usual(pool, path)))


def test_several_classes_are_tried_with_and_without_softmax(pool, tmp_path):
    path = write_checkpoint(tmp_path / "three.safetensors", classes=3)
    assert {"sigmoid", "none"} <= set(keys(usual(pool, path)))


@every("size", [(640, 480), (31, 3000), (40, 30)])
def test_the_map_of_a_trial_is_small_and_in_proportion(pool, tmp_path, size):
    path = write_checkpoint(
        tmp_path / "net.safetensors", words={"preprocessing": {"resize": "at_most", "side": 64}}
    )
    picture = Image.linear_gradient("L").convert("RGB").resize(size)
    prediction = pool.predict(path, picture)
    small = thumbnail(prediction)
    factor = min(1, THUMBNAIL_SIDE / max(size))
    assert small.width == pytest.approx(size[0] * factor, abs=0.5)
    assert small.height == pytest.approx(size[1] * factor, abs=0.5)
    expected = quantise(prediction.foreground_at((small.width, small.height)))
    np.testing.assert_array_equal(np.asarray(Image.open(small.file.path)), expected)


@pytest.fixture
def trials(pool, tmp_path):
    path = write_checkpoint(tmp_path / "net.safetensors")
    return Trials(slot=1, entry_id="net", attempts=usual(pool, path))


def test_trials_are_about_one_picture_one_checkpoint_and_their_readings(trials):
    overrides = trials.attempts[2].overrides
    assert trials.hold("digest", "net", overrides)
    assert not trials.hold("other", "net", overrides)
    assert not trials.hold("digest", "else", overrides)
    assert not trials.hold("digest", "net", NO_OVERRIDES.with_override("preprocessing.side", 7))


def test_only_what_was_made_can_be_chosen(trials):
    assert [trials.reading_of(name) for name in ("trial-0", "trial-99", "", "0")] == [None] * 4
    trials.maps[0] = None
    assert trials.reading_of("trial-0") is None
    assert trials.made(NO_OVERRIDES) == ()


def test_titles_are_in_the_language_of_whoever_looks():
    attempt = Attempt(key="maximum", overrides=NO_OVERRIDES)
    with speaking("zh"):
        assert attempt.title == text("trial_maximum", "zh")
    assert Attempt(key="assume", overrides=NO_OVERRIDES, name="unet").title == "As unet"
