"""Every architecture and every test vector: recognised once, or refused, and computing the same."""

import random

import pytest
import torch
from code_bases import VECTORS, header, vector
from torch import nn
from vectors import rule

from segdemo.architectures import ARCHITECTURES
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError

# Fixture -> the spelling that claims it, and those that tensors cannot tell from it.
CLAIMED = {
    "milesial_unet": ("unet_milesial",),
    "milesial_bias_unet_bilinear": ("unet_milesial_bias",),
    "unet_classic": ("unet_classic",),
    "unet_unpadded": ("unet_milesial_bias", "unet_unpadded"),
    "labml_unet": ("unet_labml",),
    "unet_lab": ("unet_lab",),
    "unet_zoo32": ("unet_zoo32",),
    "unet_tiny8": ("unet_tiny8",),
    "resnet34_unet": ("resnet34_unet",),
    "u2net_full": ("u2net_wz",),
    "u2net_lite": ("u2net_wz",),
    "xuebinqin_u2net": ("u2net_xuebinqin",),
    "xuebinqin_u2netp": ("u2net_xuebinqin",),
}
# Where tensors cannot tell, the reading that the fixture means.
MEANT = {"unet_unpadded": "unet_unpadded"}
FIXTURES = sorted(path.stem for path in VECTORS.glob("*.json"))


class Activated(nn.Module):
    """Our network with the activation that the fixture's code base has inside."""

    def __init__(self, network, output_kind):
        super().__init__()
        self.network, self.output_kind = network, output_kind

    def forward(self, x):
        logits = self.network(x)
        return logits.sigmoid() if self.output_kind == "probabilities" else logits


def samples(state_dict):
    """Some of its keys, from the first to the last, weights and statistics alike."""
    return list(state_dict)[:: len(state_dict) // 7]


@pytest.fixture(params=sorted(CLAIMED))
def fixture(request):
    return vector(request.param)


def test_every_claimed_fixture_is_there():
    assert CLAIMED.keys() <= set(FIXTURES)


def test_every_spelling_has_a_name_of_its_own():
    ids = [mapping.id for entry in ARCHITECTURES for mapping in entry.mappings]
    assert len(set(ids)) == len(ids)
    assert len({entry.id for entry in ARCHITECTURES}) == len(ARCHITECTURES)


def test_every_architecture_has_a_fixture():
    families = {detect(header(vector(name))).architecture.id for name in CLAIMED}
    assert families == {entry.id for entry in ARCHITECTURES}


def test_a_fixture_is_claimed_once_but_for_its_twins(fixture):
    detection = detect(header(fixture))
    readings = (detection.id, *(other.id for other in detection.alternatives))
    assert readings == CLAIMED[fixture["name"]]


@pytest.mark.parametrize("name", [name for name in FIXTURES if name not in CLAIMED])
def test_what_is_not_known_is_refused(name):
    with pytest.raises(UnknownNetworkError):
        detect(header(vector(name)))


def test_a_fixture_computes_what_its_code_base_does(fixture):
    state_dict = rule.state_dict_for(fixture)
    detection = detect(state_dict, assume=MEANT.get(fixture["name"]))
    network = Activated(detection.build(), fixture["output_kind"])
    assert rule.check(fixture, network, load_weights=False) == []


def test_a_fixture_takes_and_refuses_the_sizes_of_its_code_base(fixture):
    network = detect(header(fixture), assume=MEANT.get(fixture["name"])).build()
    for case in fixture["shape_only"]:
        pictures = torch.empty(case["input"], device="meta")
        if "error" in case:
            with pytest.raises(RuntimeError):
                network(pictures)
        else:
            assert list(network(pictures).shape) == case["output"]


def test_the_smallest_picture_runs_and_a_smaller_one_does_not(fixture):
    detection = detect(header(fixture), assume=MEANT.get(fixture["name"]))
    requirements = detection.architecture.requirements(detection.config)
    network, side = detection.build(), requirements.minimum
    lost, channels = 2 * requirements.border, detection.config.in_channels
    smallest = torch.empty(1, channels, side, side, device="meta")
    assert network(smallest).shape[2:] == (side - lost,) * 2
    with pytest.raises(RuntimeError):
        network(torch.empty(1, channels, side - 1, side + 60, device="meta"))


def test_recognition_needs_no_weights(fixture):
    detection = detect(header(fixture), assume=MEANT.get(fixture["name"]))
    assert detection.parameters > 0
    assert all(parameter.is_meta for parameter in detection.build().parameters())


def test_the_order_of_keys_does_not_matter(fixture):
    entries = list(header(fixture).items())
    random.Random(0).shuffle(entries)
    shuffled, straight = detect(dict(entries)), detect(header(fixture))
    assert (shuffled.id, shuffled.config) == (straight.id, straight.config)


def test_one_tensor_more_is_refused(fixture):
    surplus = {**header(fixture), "extra.weight": torch.empty(1, device="meta")}
    with pytest.raises(UnknownNetworkError):
        detect(surplus)


def test_one_tensor_less_is_refused(fixture):
    complete = header(fixture)
    for key in samples(complete):
        if not key.endswith(("num_batches_tracked", "conv_s1.bias")):
            with pytest.raises(UnknownNetworkError):
                detect({name: tensor for name, tensor in complete.items() if name != key})


def test_one_tensor_of_another_shape_is_refused(fixture):
    complete = header(fixture)
    for key in samples(complete):
        wrong = torch.empty(*complete[key].shape, 2, device="meta")
        with pytest.raises(UnknownNetworkError):
            detect({**complete, key: wrong})


def test_our_own_names_are_recognised_too(fixture):
    theirs = detect(header(fixture))
    exported = theirs.build().state_dict()
    assert detect(exported).origin == "segdemo"
    # What no tensor tells has to be said of an exported file as well.
    assumed = theirs.id if theirs.known else None
    assert detect(exported, assume=assumed).config == theirs.config


def test_a_configuration_is_told_in_a_few_words(fixture):
    detection = detect(header(fixture))
    assert 1 <= len(detection.architecture.describe(detection.config).split()) <= 6
