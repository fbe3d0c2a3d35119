import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from segdemo.architectures.parts.data_sets import VOC_CLASSES
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.images.palettes import CLASS_PALETTES
from segdemo.inference.maps import quantise, resize_map, winners
from segdemo.inference.segmenter import load
from segdemo.ui.viewer import class_maps as module
from segdemo.ui.viewer.class_maps import class_maps
from segdemo.ui.viewer.payload import PanelEntry
from segdemo.ui.viewer.runner import ready_panel

SIZE = (61, 47)
SEED = 1056  # at which every class wins somewhere


@pytest.fixture
def network(tmp_path):
    """Writes and loads a U-Net of so many classes, with or without their names."""

    def network(count, names=None):
        torch.manual_seed(SEED + count)
        tensors = UNet(UNetConfig.standard(width=4, depth=2, classes=count)).state_dict()
        # Far from equal, so that each class wins somewhere.
        tensors["head.weight"] = tensors["head.weight"] * 20
        words = {"postprocessing": {"classes": list(names)}} if names else {}
        path = tmp_path / f"{count}.safetensors"
        save_file(tensors, path, metadata={"segdemo": json.dumps(words)})
        return load(path, device="cpu")

    return network


def pixels(stored):
    return np.asarray(Image.open(stored.file.path))


def maps_of(segmenter, picture):
    prediction = segmenter.predict(picture)
    return prediction, class_maps(segmenter, prediction, SIZE)


# --- Winners ----------------------------------------------------------------------------------


def test_the_winner_is_the_argmax_and_the_first_of_equal_ones():
    levels = np.random.default_rng(0).integers(0, 4, (6, 40, 50)).astype(np.float32) / 4
    np.testing.assert_array_equal(winners(levels, 6), levels.argmax(0))


def test_more_than_256_classes_take_16_bits():
    levels = np.random.default_rng(0).random((300, 4, 5), dtype=np.float32)
    labels = winners(levels, 300)
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels, levels.argmax(0))


def test_labels_are_decided_after_the_maps_have_the_pictures_size(network, picture):
    prediction = network(4).predict(picture)
    larger = (122, 94)
    resized = np.stack([resize_map(one, larger) for one in prediction.probabilities])
    np.testing.assert_array_equal(prediction.labels_at(larger), resized.argmax(0))


# --- What the browser gets --------------------------------------------------------------------


def test_the_browser_gets_the_winners_and_every_map(network, picture):
    prediction, maps = maps_of(network(5), picture)
    resized = np.stack([resize_map(one, SIZE) for one in prediction.probabilities])
    np.testing.assert_array_equal(pixels(maps.labels), resized.argmax(0))
    atlas = pixels(maps.atlas).reshape(5, SIZE[1], SIZE[0])
    np.testing.assert_array_equal(atlas, quantise(resized))
    assert len(np.unique(pixels(maps.labels))) > 2


def test_maps_that_would_take_too_much_memory_are_smaller(network, picture, monkeypatch):
    monkeypatch.setattr(module, "_MAX_CELLS", 3000)
    prediction, maps = maps_of(network(5), picture)
    assert maps.atlas.width * maps.atlas.height <= 3000
    assert (maps.labels.width, maps.labels.height) == SIZE
    small = (maps.atlas.width, maps.atlas.height // 5)
    expected = np.stack([quantise(resize_map(one, small)) for one in prediction.probabilities])
    np.testing.assert_array_equal(pixels(maps.atlas).reshape(expected.shape), expected)
    np.testing.assert_array_equal(pixels(maps.labels), prediction.labels_at(SIZE))


@pytest.mark.parametrize("count", [1, 2])
def test_one_map_says_everything_of_one_and_of_two_classes(network, picture, count):
    _, maps = maps_of(network(count), picture)
    assert maps is None


def test_two_classes_are_the_probability_of_the_second(network, picture):
    prediction = network(2).predict(picture)
    np.testing.assert_allclose(prediction.probabilities.sum(0), 1, atol=1e-6)
    np.testing.assert_array_equal(prediction.foreground, prediction.probabilities[1])


def test_a_panel_of_several_classes_is_ready_with_them(network, picture):
    segmenter = network(3)
    panel = ready_panel(PanelEntry(id="slot-0", label="x"), segmenter, segmenter.predict(picture))
    assert panel.to_json()["classes"]["names"] == ["Class 0", "Class 1", "Class 2"]


# --- Names ------------------------------------------------------------------------------------


def test_the_background_is_the_class_that_is_called_so(network, picture):
    prediction, maps = maps_of(network(3, ("sky", "tree", "Background")), picture)
    assert (maps.background, maps.hidden) == (2, (2,))
    np.testing.assert_array_equal(prediction.foreground, 1 - prediction.probabilities[2])


def test_of_two_classes_the_one_that_is_not_called_background_counts(network, picture):
    prediction = network(2, ("cell", "background")).predict(picture)
    np.testing.assert_array_equal(prediction.foreground, prediction.probabilities[0])


def test_names_without_a_background_hide_no_class(network, picture):
    _, maps = maps_of(network(3, ("road", "sky", "car")), picture)
    assert (maps.background, maps.hidden) == (0, ())


def test_names_that_do_not_fit_are_no_names(network, picture):
    _, maps = maps_of(network(4, ("road", "sky")), picture)
    assert maps.names == ("Class 0", "Class 1", "Class 2", "Class 3")


def test_a_foreign_name_is_one_short_line(network, picture):
    _, maps = maps_of(network(3, ("天空", "a\nb\u202ec", "x" * 500)), picture)
    assert maps.names == ("天空", "a b c", "x" * 59 + "…")


def test_known_data_sets_come_in_their_own_colours(network, picture):
    _, maps = maps_of(network(21, VOC_CLASSES), picture)
    assert maps.palette == "voc"
    assert maps.colours == CLASS_PALETTES["voc"][:21]
