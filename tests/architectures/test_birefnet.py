"""BiRefNet as its published checkpoints name it computes what its code base does."""

import json

import numpy as np
import pytest
import torch
from code_bases import VECTORS, picture, randomised
from vectors import rule

from segdemo.architectures.birefnet import ARCHITECTURE, BiRefNet, BiRefNetConfig
from segdemo.architectures.encoders.swin import SwinConfig, SwinEncoder
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.small_configs import CONFIGS

FIXTURE = json.loads((VECTORS.parent / "birefnet_small.json").read_text(encoding="utf-8"))
LARGE = SwinConfig(in_channels=3, width=192, depths=(2, 2, 18, 2), heads=(6, 12, 24, 48), window=12)
"""The encoder of BiRefNet and RMBG-2.0."""


def theirs():
    """A small checkpoint in their names; its numbers follow from these."""
    tensors = {}
    for key, shape in FIXTURE["state_dict"]:
        array = rule.weights_for(key, shape, FIXTURE["salt"])
        # What the file says of offsets is not used, so that it cannot mislead.
        is_index = key.endswith("relative_position_index")
        tensors[key] = torch.from_numpy(array).long() * 0 if is_index else torch.from_numpy(array)
    return tensors


def test_their_checkpoint_gives_their_output():
    detection = detect(theirs())
    assert detection.id == "birefnet_zhengpeng7"
    assert detection.config.encoder.window == 3
    assert not detection.alternatives
    given = torch.from_numpy(rule.input_for(**FIXTURE["input"]))
    found = detection.build()(given).flatten()
    places = rule.sample_indices(found.numel())
    np.testing.assert_allclose(found[places], FIXTURE["samples"], atol=2e-5)


def test_the_published_one_has_the_shapes_that_its_repositories_show():
    with torch.device("meta"):
        network = BiRefNet(BiRefNetConfig(encoder=LARGE))
    ours = network.state_dict()
    names = {ours: key for key, ours in _renamed(theirs()).items()}
    shapes = {names[key]: tuple(tensor.shape) for key, tensor in ours.items() if key in names}
    assert shapes["squeeze_module.0.conv_in.weight"] == (64, 5760, 3, 3)
    assert shapes["bb.patch_embed.proj.weight"] == (192, 3, 4, 4)
    deep = "decoder.decoder_block1.dec_att.aspp_deforms.2.atrous_conv.regular_conv.weight"
    assert shapes[deep] == (256, 64, 7, 7)
    assert sum(parameter.numel() for parameter in network.parameters()) == 220_173_756
    assert ARCHITECTURE.describe(BiRefNetConfig(encoder=LARGE)) == "on Swin-L"


def _renamed(tensors):
    return ARCHITECTURE.mappings[1].rename(tensors)


def test_wrapped_by_training_it_is_the_same():
    tensors = theirs()
    found = detect({"state_dict": {f"module._orig_mod.{key}": v for key, v in tensors.items()}})
    assert found.id == "birefnet_zhengpeng7"
    assert found.recipe["preprocessing"]["side"] == 1024


def test_a_checkpoint_that_lacks_a_part_is_refused():
    tensors = theirs()
    del tensors["decoder.gdt_convs_3.0.weight"]
    with pytest.raises(UnknownNetworkError, match="BiRefNet"):
        detect(tensors)


def test_what_was_exported_under_our_names_is_the_same_network():
    network = randomised(BiRefNet(CONFIGS["birefnet"]))
    detection, x = detect(network.state_dict()), picture(3, 64, 96)
    assert (detection.id, detection.config) == ("birefnet", CONFIGS["birefnet"])
    torch.testing.assert_close(detection.build()(x), network(x))


def test_a_shifted_window_never_joins_opposite_edges():
    """A change at the left edge reaches at most the neighbouring windows of the first stage."""
    config = SwinConfig(in_channels=3, width=4, depths=(2,), heads=(2,), window=2)
    encoder, x = randomised(SwinEncoder(config)), picture(3, 64, 64)
    changed = x.clone()
    changed[..., :4] += 1
    moved = (encoder(changed)[0] - encoder(x)[0]).abs().amax((0, 1, 2))
    assert moved[:2].min() > 0
    assert moved[4:].max() == 0
