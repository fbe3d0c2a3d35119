"""Networks of segmentation_models_pytorch give what the library itself gives."""

import json
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from segdemo.errors import UnknownNetworkError
from segdemo.inference.processing import resized
from segdemo.inference.segmenter import load
from segdemo.libraries.base import Library
from segdemo.libraries.smp import settings as smp_settings
from tests.libraries.small_smp import network, pairs, seeded
from tests.table import every

pytest.importorskip("segmentation_models_pytorch")

SIZES = ((37, 53), (65, 41), (33, 97))
AS_IT_IS = {"preprocessing": {"resize": "none"}}


def image(height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def saved(folder, net):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.save_pretrained(folder)
    return folder


def of_the_library(net, picture, segmenter):
    """Probabilities of two classes, the image fed as the spec says and padded to what it takes."""
    needs = segmenter.detection.architecture.requirements(segmenter.detection.config)
    inputs = segmenter.spec.preprocessing
    if inputs.resize == "stretch":
        picture = resized(picture, (inputs.side, inputs.side), inputs.resample)
    mean, std = (torch.tensor(v)[:, None, None] for v in (inputs.mean, inputs.std))
    x = (torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255 - mean) / std
    height, width = x.shape[1:]
    below, beside = (
        max(needs.minimum, side + -side % needs.multiple_of) - side for side in (height, width)
    )
    padded = np.pad(x.numpy(), ((0, 0), (0, below), (0, beside)), mode="reflect")
    with torch.inference_mode():
        y = net(torch.from_numpy(padded)[None])
    return y[0, :, :height, :width].softmax(dim=0).numpy()


@pytest.mark.slow
@every("decoder, encoder", pairs())
def test_every_decoder_opens_from_its_folder_and_is_the_librarys_own(tmp_path, decoder, encoder):
    seeded()
    net = network(decoder, encoder)
    segmenter = load(saved(tmp_path, net), device="cpu", overrides={})
    for height, width in SIZES:
        picture = image(height, width)
        found = segmenter.predict(picture).probabilities
        expected = of_the_library(net, picture, segmenter)
        assert np.abs(found - expected).max() <= 2e-4


def test_interpolation_is_that_of_the_config(tmp_path):
    net = network("Unet", "resnet18", decoder_interpolation="bilinear")
    segmenter = load(saved(tmp_path, net), device="cpu")
    picture = image(64, 64)
    expected = of_the_library(net, picture, segmenter)
    assert np.abs(segmenter.predict(picture).probabilities - expected).max() <= 2e-4
    assert segmenter.detection.known["decoder_interpolation"] == "bilinear"


def test_a_unet_on_a_resnet_stays_our_own_family(tmp_path):
    net = network("Unet", "resnet18")
    segmenter = load(saved(tmp_path, net), device="cpu")
    assert segmenter.detection.architecture.id == "smp_unet"
    picture = image(64, 64)
    expected = of_the_library(net, picture, segmenter)
    assert np.abs(segmenter.predict(picture).probabilities - expected).max() <= 2e-4


def test_tanh_is_no_sigmoid(tmp_path):
    net = network("Unet", "resnet18", classes=1, activation="tanh")
    segmenter = load(saved(tmp_path, net), device="cpu")
    picture = image(64, 64)
    inputs = segmenter.spec.preprocessing
    mean, std = (torch.tensor(v)[:, None, None] for v in (inputs.mean, inputs.std))
    x = (torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255 - mean) / std
    with torch.inference_mode():
        expected = (net(x[None])[0] + 1) / 2
    found = segmenter.predict(picture).probabilities
    assert np.abs(found - expected.numpy()).max() <= 2e-4


@every("depth", [3, 4])
def test_a_shallower_encoder_keeps_stages_that_it_does_not_use(tmp_path, depth):
    net = network("Unet", "resnet18", encoder_depth=depth, decoder_channels=[16, 8, 8, 4][:depth])
    segmenter = load(saved(tmp_path, net), device="cpu")
    picture = image(48, 48)
    expected = of_the_library(net, picture, segmenter)
    assert np.abs(segmenter.predict(picture).probabilities - expected).max() <= 2e-4


def test_a_head_that_names_the_image_is_left_out_and_said(tmp_path):
    net = network("Linknet", "resnet18", aux_params={"classes": 3})
    segmenter = load(saved(tmp_path, net), device="cpu")
    assert "classification_head." in segmenter.detection.stripped


HOSTILE = {
    "a path": {"encoder_name": "../../etc/passwd"},
    "a name on the Hub": {"encoder_name": "tu-hf-hub:owner/name"},
    "a folder for timm": {"encoder_name": "tu-local-dir:folder"},
    "a target": {"_target_": "os.system"},
    "a key for timm": {"encoder_name": "tu-resnet18", "pretrained_cfg_overlay": {"url": "x"}},
    "a file for timm": {"encoder_name": "tu-resnet18", "checkpoint_path": "/etc/passwd"},
    "a huge width": {"decoder_channels": [10**12] * 5},
    "many blocks": {"decoder_channels": [8] * 10**4},
    "huge classes": {"classes": 10**9},
    "a class of another module": {"_model_class": "datasets"},
    "a callable": {"activation": {"_target_": "os.system"}},
    "an interpolation": {"decoder_interpolation": "__import__"},
    "no encoder of anybody": {"encoder_name": "tu-nothing_of_the_kind"},
}


@every("name", HOSTILE)
def test_what_is_not_allowed_in_a_config_is_refused_in_a_sentence(tmp_path, name):
    config = {"_model_class": "FPN" if "huge" not in name else "Unet", "encoder_name": "resnet18"}
    if name == "many blocks":
        config["_model_class"] = "Unet"
    (tmp_path / "config.json").write_text(json.dumps({**config, **HOSTILE[name]}))
    save_file({"encoder.conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "model.safetensors")
    with pytest.raises(UnknownNetworkError) as refused:
        load(tmp_path, device="cpu")
    assert refused.value.key == "library_setting"


def test_other_weights_beside_a_config_are_said_to_be_others(tmp_path):
    saved(tmp_path, network("FPN", "resnet18"))
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "encoder_name": "resnet34"}))
    with pytest.raises(UnknownNetworkError) as refused:
        load(tmp_path, device="cpu")
    assert refused.value.key == "library_differs"


def test_without_the_extra_a_sentence_names_the_command(tmp_path, monkeypatch):
    saved(tmp_path, network("FPN", "resnet18"))
    monkeypatch.setattr(Library, "is_installed", False)
    with pytest.raises(UnknownNetworkError, match=r"pip install -r requirements-smp\.txt"):
        load(tmp_path, device="cpu")


def test_the_list_of_decoders_is_that_of_the_library():
    import segmentation_models_pytorch as smp  # noqa: PLC0415

    known = {one.lower() for one in smp_settings.DECODERS}
    assert known == smp.MODEL_ARCHITECTURES_MAPPING.keys()
