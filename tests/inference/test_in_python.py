"""Segmenters and predictions as people use them in Python."""

import pickle

import numpy as np
import pytest
from checkpoint_files import write_checkpoint
from PIL import Image

from segdemo.errors import ExportError, FileError, PictureError, PredictionError, SpecError
from segdemo.inference.maps import quantise
from segdemo.inference.segmenter import load
from tests.table import every


def random_picture(seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (29, 37, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def checkpoint(tmp_path):
    """Writes a checkpoint and loads it."""

    def written(overrides=None, **options):
        path = write_checkpoint(tmp_path / "net.safetensors", **options)
        return load(path, device="cpu", overrides=overrides)

    return written


def test_a_segmenter_takes_what_people_have(tmp_path, checkpoint):
    segmenter, picture = checkpoint(), random_picture()
    path = tmp_path / "picture.png"
    picture.save(path)
    expected = segmenter.predict(picture).probabilities
    for given in (path, str(path), path.read_bytes(), np.asarray(picture)):
        np.testing.assert_array_equal(segmenter.predict(given).probabilities, expected)


def test_a_batch_is_the_predictions_in_order_and_reads_no_further_than_its_jobs(checkpoint):
    segmenter = checkpoint()
    pictures = [random_picture(seed) for seed in range(6)]
    taken = []

    def coming():
        for picture in pictures:
            taken.append(picture)
            yield picture

    found = segmenter.predict_batch(coming(), jobs=2)
    first = next(found)
    assert len(taken) <= 3
    for picture, prediction in zip(pictures, [first, *found], strict=True):
        expected = segmenter.predict(picture).probabilities
        np.testing.assert_array_equal(prediction.probabilities, expected)


def test_a_segmenter_goes_to_another_process_and_is_shown_on_one_line(checkpoint):
    segmenter = checkpoint(words={"postprocessing": {"classes": ["leaf"]}})
    twin = pickle.loads(pickle.dumps(segmenter))
    picture = random_picture()
    expected = segmenter.predict(picture).probabilities
    np.testing.assert_array_equal(twin.predict(picture).probabilities, expected)
    assert twin.spec == segmenter.spec
    assert twin.detection.architecture is segmenter.detection.architecture
    assert repr(twin) == repr(segmenter)
    assert repr(segmenter).startswith("Segmenter(U-Net, ")
    assert "classes: leaf" in repr(segmenter)
    assert "\n" not in repr(segmenter)


@every(
    ("overrides", "nearest"),
    [
        ({"preprocesing": {"side": 9}}, '"preprocessing"'),
        ({"preprocessing": {"sides": 9}}, '"preprocessing.side"'),
        ({"side": 9}, '"preprocessing.side"'),
        ({"postprocessing": {"treshold": 0.2}}, '"postprocessing.threshold"'),
    ],
    ids=["part", "field", "without its part", "threshold"],
)
def test_a_misspelt_override_names_the_nearest(checkpoint, overrides, nearest):
    with pytest.raises(SpecError, match=nearest):
        checkpoint(overrides=overrides)
    with pytest.raises(SpecError, match=nearest):
        checkpoint().with_overrides(overrides)


def test_the_mask_is_cut_at_the_checkpoints_own_threshold_in_steps_of_256(checkpoint):
    prediction = checkpoint(words={"postprocessing": {"threshold": 0.3}}).predict(random_picture())
    quantised = quantise(prediction.foreground_at(prediction.picture_size))
    np.testing.assert_array_equal(prediction.mask(), quantised >= 77)
    np.testing.assert_array_equal(prediction.mask(0.5), quantised >= 128)
    np.testing.assert_array_equal(prediction.labels, quantised >= 77)


@every("threshold", [0, 1, 0.0, -0.5, 2, float("nan"), "0.5", True], ids=str)
def test_what_is_no_threshold_is_a_sentence(checkpoint, threshold):
    with pytest.raises(PredictionError, match="no number between 0 and 1"):
        checkpoint().predict(random_picture()).mask(threshold)


def test_a_prediction_is_saved_as_the_command_line_saves_it(checkpoint, tmp_path):
    picture = random_picture()
    path = tmp_path / "leaf.png"
    picture.save(path)
    prediction = checkpoint(classes=3).predict(path)
    files = prediction.save(tmp_path / "out", path)
    assert sorted(files) == ["cutout", "labels", "mask", "overlay", "probability"]
    with Image.open(files["labels"]) as read:
        np.testing.assert_array_equal(np.asarray(read), prediction.labels)
    with Image.open(files["overlay"]) as read:
        np.testing.assert_array_equal(np.asarray(read), np.asarray(prediction.overlay(picture)))
    assert files["mask"].name == "leaf.mask.png"
    only = prediction.save(tmp_path, np.asarray(picture), name="a/b", kinds=["mask"])
    assert only == {"mask": tmp_path / "a" / "b.mask.png"}
    with pytest.raises(ExportError, match="masks is no kind of output"):
        prediction.save(tmp_path, picture, kinds=["masks"])
    with pytest.raises(PictureError, match="8 × 8"):
        prediction.overlay(picture.resize((8, 8)))


def test_a_shipped_checkpoint_is_reached_by_its_name_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load("nuclei_tiny8").detection.architecture.id == "unet"
    with pytest.raises(FileError):
        load("nobody")
