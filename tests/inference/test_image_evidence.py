"""An image and a loaded network: which reading is nearest to the training, and whether any is."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from remembered import SCALINGS, remembering, smooth_images
from safetensors.torch import save_file

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.inference.image_evidence import Standing, is_unlike, nearness, standings
from segdemo.inference.inspection import inspect_network
from segdemo.inference.segmenter import load

AS_IT_IS = {"resize": "none"}


def picture(images, number=0):
    pixels = (images[number] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return Image.fromarray(pixels)


@pytest.fixture
def segmenter(tmp_path):
    """Loads a small U-Net that remembers images of a scale."""

    def make(scale="unit", images=None, **said):
        torch.manual_seed(0)
        images = smooth_images() if images is None else images
        network = UNet(UNetConfig.standard(width=8, depth=1))
        path = tmp_path / "network.safetensors"
        words = {"segdemo": json.dumps({"preprocessing": {**AS_IT_IS, **said}})}
        save_file(remembering(network, SCALINGS[scale](images)).state_dict(), path, words)
        return load(path, device="cpu")

    return make


def test_the_values_of_the_training_come_first_whatever_the_file_says(segmenter):
    image = picture(smooth_images())
    first = {}
    for scale, key in {"unit": "unit", "raw": "raw", "signed": "signed"}.items():
        said = {"divisor": 100.0, "mean": [3.0], "std": [2.0]}
        first[key] = standings(segmenter(scale, **said), image)[0].name
    assert {name: key for key, name in first.items()} == {key: key for key in first}


def test_the_reading_that_holds_is_called_now_and_stands_once(segmenter):
    names = [one.name for one in standings(segmenter("unit"), picture(smooth_images()))]
    assert names[0] == "now"
    assert len(names) == len(set(names))
    assert "unit" not in names
    assert {"imagenet", "signed", "raw", "bgr"} <= set(names)


def test_an_image_like_those_of_the_training_is_not_unlike_and_another_is(segmenter):
    dark = smooth_images(cast=(0.1, 0.1, 0.1)) * 0.15
    network = segmenter("unit", images=dark)
    assert not is_unlike(standings(network, picture(dark)))
    checks = np.indices((64, 64)).sum(0) % 2 * 255
    wild = Image.fromarray(np.stack([checks] * 3, axis=-1).astype(np.uint8))
    assert is_unlike(standings(network, wild))


def test_without_norms_nothing_is_said(tmp_path):
    torch.manual_seed(0)
    config = UNetConfig.standard(width=4, depth=1, bias=True)
    path = tmp_path / "plain.safetensors"
    save_file(UNet(replace(config, norm=False)).state_dict(), path)
    network, image = load(path, device="cpu"), picture(smooth_images())
    assert nearness(network, image) is None
    assert standings(network, image) == ()
    assert not is_unlike(())


def test_measuring_leaves_the_network_and_its_answer_as_they_are(segmenter):
    network, image = segmenter("unit"), picture(smooth_images())
    before = network.predict(image).probabilities
    standings(network, image)
    assert np.array_equal(network.predict(image).probabilities, before)
    assert not any(module._forward_pre_hooks for module in network.network.modules())


def test_the_inspection_with_an_image_is_json_and_says_what_is_nearest(segmenter):
    facts = inspect_network(segmenter("unit"), picture(smooth_images()))["evidence"]["image"]
    assert json.loads(json.dumps(facts)) == facts
    assert facts["readings"][0]["name"] == "now"
    assert "nearest to the reading as now" in facts["sentences"][0]
    assert facts["unlike"] is False


def test_a_standing_that_the_first_layer_speaks_against_comes_last(segmenter):
    found = standings(segmenter("unit"), picture(smooth_images()))
    order = [one.nearness.order for one in found]
    assert order == sorted(order)
    assert max(order)[0] == 2
    assert found[0].nearness.doubt < found[-1].nearness.doubt
    assert isinstance(found[0], Standing)
