"""Networks of transformers give the labels that the library itself gives."""

import json
import socket

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.errors import UnknownNetworkError
from segdemo.inference.segmenter import load
from segdemo.libraries.base import Library
from tests.libraries.small_transformers import CONFIGS, PROCESSORS, SIDE, network
from tests.table import every

hf = pytest.importorskip("transformers")
hf.utils.logging.disable_progress_bar()

SIZES = ((61, 83), (97, 45), (129, 131))
SMALL_UNET = UNetConfig(
    in_channels=3,
    classes=1,
    widths=(4, 8),
    inner_widths=(4, 8),
    decoder_widths=(4,),
    decoder_inner_widths=(4,),
    up="transposed",
    up_widths=(4,),
)
SQUARE = {"preprocessing": {"resize": "stretch", "side": SIDE}}


def image(height, width, seed=0):
    """Coarse patches, so that neighbouring pixels mostly belong together."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def labels_of_the_library(net, picture, segmenter):
    """What its own post-processing says of the same input."""
    given = segmenter._prepared(picture, segmenter.max_side).tensor
    more = {}
    if net.config.model_type == "oneformer":
        more["task_inputs"] = segmenter.network.task
    with torch.inference_mode():
        answer = net(pixel_values=given, **more)
    kind = getattr(hf, PROCESSORS.get(net.config.model_type, "SegformerImageProcessor"))
    sizes = [picture.size[::-1]]
    if net.config.model_type == "eomt":
        shape = {"shortest_edge": SIDE, "longest_edge": SIDE}
        return kind().post_process_semantic_segmentation(answer, sizes, size=shape)[0].numpy()
    processor = kind.__new__(kind)  # OneFormer's constructor asks the Hub for a file.
    return processor.post_process_semantic_segmentation(answer, target_sizes=sizes)[0].numpy()


def at_a_border(labels):
    """Whether a neighbour has another label."""
    padded = np.pad(labels, 1, mode="edge")
    height, width = labels.shape
    shifts = ((y, x) for y in range(3) for x in range(3))
    return np.any([padded[y : y + height, x : x + width] != labels for y, x in shifts], axis=0)


def folder(path, net):
    net.save_pretrained(path)


def state_dict(path, net):
    """In the names that it has in memory, which are not those that the library saves."""
    net.config.architectures = [type(net).__name__]
    net.config.save_pretrained(path)
    torch.save(net.state_dict(), path / "weights.pth")


def lightning(path, net):
    net.config.architectures = [type(net).__name__]
    net.config.save_pretrained(path)
    named = {f"model.{key}": tensor for key, tensor in net.state_dict().items()}
    torch.save({"state_dict": named, "epoch": 3}, path / "last.ckpt")


@pytest.fixture
def offline(monkeypatch):
    """Whoever asks the network is told of in the test."""

    def refuse(*args, **kwargs):
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@every("name", CONFIGS)
def test_every_class_gives_the_librarys_labels_however_it_was_saved(tmp_path, offline, name):
    net = network(name)
    for number, save in enumerate((folder, state_dict, lightning)):
        place = tmp_path / save.__name__
        place.mkdir()
        save(place, net)
        segmenter = load(place, device="cpu", overrides=SQUARE)
        picture = image(*SIZES[number], seed=number)
        expected = labels_of_the_library(net, picture, segmenter)
        found = segmenter.predict(picture).labels_at(picture.size)
        assert len(np.unique(expected)) > 1, "a network that says one thing proves nothing"
        # A softmax before the enlargement moves borders by less than a pixel.
        same = found == expected
        assert same.mean() >= 0.985, f"{save.__name__}: {same.mean()}"
        assert (same | at_a_border(expected)).mean() >= 0.99, save.__name__
        assert segmenter.class_names == tuple(f"class {number}" for number in range(5))


HOSTILE = {
    "a name on the Hub": {"backbone": "owner/name"},
    "an encoder of timm": {"backbone": "resnet18", "use_timm_backbone": True},
    "weights to be fetched": {"use_pretrained_backbone": True},
    "a target": {"_target_": "os.system"},
    "a part of any kind": {"backbone_config": {"model_type": "llama"}},
    "huge widths": {"hidden_sizes": [10**12] * 4},
    "many layers": {"depths": [10**6] * 4},
    "huge classes": {"id2label": None, "num_labels": 10**9},
    "a path": {"hidden_act": "/etc/passwd"},
}


@every("name", HOSTILE)
def test_what_is_not_allowed_in_a_config_is_refused_in_a_sentence(tmp_path, offline, name):
    config = {"model_type": "segformer", **HOSTILE[name]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file({"a.weight": torch.zeros(8, 3, 7, 7)}, tmp_path / "model.safetensors")
    with pytest.raises(UnknownNetworkError) as refused:
        load(tmp_path, device="cpu")
    assert refused.value.key == "library_setting"


def test_tensors_that_are_missing_are_said(tmp_path):
    net = network("SegFormer")
    state_dict(tmp_path, net)
    tensors = net.state_dict()
    del tensors["decode_head.classifier.weight"]
    torch.save(tensors, tmp_path / "weights.pth")
    with pytest.raises(UnknownNetworkError) as refused:
        load(tmp_path, device="cpu")
    assert refused.value.key == "library_differs"
    assert refused.value.facts["first"] == "decode_head.classifier.weight"


def test_a_type_that_is_not_the_networks_own_does_not_hide_it(tmp_path):
    """RMBG-1.4 says that it is SegFormer, and is an IS-Net."""
    save_file(UNet(SMALL_UNET).state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "segformer"}))
    assert load(tmp_path, device="cpu").detection.architecture.id == "unet"


def test_without_the_extra_a_sentence_names_the_command(tmp_path, monkeypatch):
    folder(tmp_path, network("SegFormer"))
    monkeypatch.setattr(Library, "is_installed", False)
    with pytest.raises(UnknownNetworkError, match=r"pip install -r requirements-transformers\.txt"):
        load(tmp_path, device="cpu")
