"""U²-Net checkpoints of any stages compute what their own code base does."""

import pytest
import torch
from code_bases import SMALL_DECODER, SMALL_ENCODER, DeepU2Net, picture, randomised
from torch import nn

from segdemo.architectures.u2net import U2Net, U2NetConfig, describe
from segdemo.checkpoints import detect
from segdemo.checkpoints.batch_norm import fold_biases
from segdemo.errors import UnknownNetworkError
from tests.table import every

# Names, whether the convolutions have a bias, and who claims such files.
SPELLINGS = [
    pytest.param("xq", True, "u2net_xuebinqin", id="xuebinqin"),
    pytest.param("wz", False, "u2net_wz", id="wz"),
    pytest.param("wz", True, "u2net_wz", id="wz-converted-from-xuebinqin"),
]


def small(names="xq", bias=True, classes=1, encoder=SMALL_ENCODER, decoder=SMALL_DECODER):
    network = DeepU2Net(encoder, decoder, names=names, bias=bias, classes=classes)
    return randomised(network)


def assert_computes_the_same(theirs, x):
    detection = detect(theirs.state_dict())
    with torch.no_grad():
        expected, got = theirs(x), detection.build().forward_deep(x)
    assert expected[0].std() > 1e-3, "a constant map proves nothing"
    for ours, reference in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-3, atol=1e-4)
    return detection


@every(("names", "bias", "claimed_by"), SPELLINGS)
def test_every_spelling_computes_the_same_in_all_seven_maps(names, bias, claimed_by):
    detection = assert_computes_the_same(small(names, bias), picture(height=48, width=64))
    assert detection.id == claimed_by
    assert detection.alternatives == ()


@every(("names", "bias", "claimed_by"), SPELLINGS)
def test_the_stages_are_read_from_the_shapes(names, bias, claimed_by):
    config = detect(small(names, bias).state_dict()).config
    found = [
        (stage.height, stage.into, stage.mid, stage.out, stage.dilated)
        for stage in (*config.encoder, *config.decoder)
    ]
    assert found == [*SMALL_ENCODER, *SMALL_DECODER]


@every("size", [(1, 1), (33, 47), (64, 31)])
def test_any_size_runs(size):
    height, width = size
    theirs = small()
    x = picture(height=height, width=width)
    with torch.no_grad():
        ours = detect(theirs.state_dict()).build()(x)
        torch.testing.assert_close(ours, theirs(x)[0], rtol=1e-3, atol=1e-4)


@every("classes", [2, 4])
@every(("names", "bias", "claimed_by"), SPELLINGS)
def test_any_number_of_classes(names, bias, claimed_by, classes):
    detection = assert_computes_the_same(small(names, bias, classes), picture())
    assert detection.config.classes == classes


@every("channels", [1, 4])
def test_any_number_of_channels(channels):
    encoder = ((5, channels, 3, 6, False), *SMALL_ENCODER[1:])
    detection = assert_computes_the_same(small(encoder=encoder), picture(channels))
    assert detection.config.in_channels == channels


@every(("names", "bias", "claimed_by"), SPELLINGS)
def test_any_number_of_stages(names, bias, claimed_by):
    encoder = (*SMALL_ENCODER[:2], (4, 7, 2, 8, True), (4, 8, 3, 9, True))
    decoder = ((4, 17, 3, 8, True), (3, 15, 3, 7, False), (5, 13, 3, 5, False))
    detection = assert_computes_the_same(small(names, bias, 1, encoder, decoder), picture())
    assert len(detection.config.encoder) == 4


def test_only_stages_of_height_four_are_dilated():
    encoder = (*SMALL_ENCODER[:4], (3, 9, 3, 10, False), (5, 10, 4, 11, False))
    decoder = ((3, 21, 3, 9, False), *SMALL_DECODER[1:])
    assert_computes_the_same(small(encoder=encoder, decoder=decoder), picture(height=64, width=64))


@every(("make", "name"), [(U2NetConfig.full, "full"), (U2NetConfig.lite, "lite")])
@every(("channels", "classes"), [(3, 1), (1, 1), (3, 5)])
def test_the_networks_of_the_paper_are_read_back_and_named(make, name, channels, classes):
    config = make(in_channels=channels, classes=classes)
    with torch.device("meta"):
        network = U2Net(config)
    detection = detect(network.state_dict())
    assert (detection.id, detection.config) == ("u2net", config)
    assert describe(detection.config) == name


def test_another_network_is_told_by_its_widths():
    assert describe(detect(small().state_dict()).config) == "widths 6-7-8-9-10-11"


def test_the_plain_output_is_the_fused_map():
    network = detect(small().state_dict()).build()
    x = picture()
    with torch.no_grad():
        assert torch.equal(network(x), network.forward_deep(x)[0])


@every("missing", ["stage3.", "stage2d.", "side4.", "outconv."])
def test_a_missing_part_is_refused(missing):
    state_dict = small().state_dict()
    without = {key: value for key, value in state_dict.items() if not key.startswith(missing)}
    with pytest.raises(UnknownNetworkError):
        detect(without)


def unit(dtype=torch.float32):
    """A convolution with a bias and its norm, under our names."""
    module = nn.Module()
    module.conv, module.norm = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)
    return randomised(module).to(dtype)


def test_a_folded_bias_leaves_the_function_as_it_was():
    biased = unit(torch.float64)
    folded = fold_biases({f"a.{key}": value.float() for key, value in biased.state_dict().items()})
    assert "a.conv.bias" not in folded
    x = picture()
    convolved = nn.functional.conv2d(x, folded["a.conv.weight"])
    ours = nn.functional.batch_norm(
        convolved,
        folded["a.norm.running_mean"],
        folded["a.norm.running_var"],
        folded["a.norm.weight"],
        folded["a.norm.bias"],
    )
    with torch.no_grad():
        expected = biased.norm(biased.conv(x.double())).float()
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


@every("dtype", [torch.float16, torch.bfloat16])
def test_biases_of_half_precision_are_folded_without_loss(dtype):
    state = {f"a.{key}": value for key, value in unit(dtype).state_dict().items()}
    exact = state["a.norm.running_mean"].double() - state["a.conv.bias"].double()
    folded = fold_biases(state)["a.norm.running_mean"]
    torch.testing.assert_close(folded.double(), exact, rtol=1e-6, atol=1e-7)


def test_a_bias_that_no_norm_follows_stays():
    state = {"side.0.bias": torch.ones(1), "head.conv.bias": torch.ones(2)}
    assert fold_biases(state) == state


def test_a_bias_of_another_shape_is_not_lost():
    state = {"a.conv.bias": torch.ones(2), "a.norm.running_mean": torch.ones(3)}
    assert fold_biases(state).keys() == state.keys()
