"""BASNet as xuebinqin's code saves it, and both ways in which its forward was written."""

import pytest
import torch
from code_bases import header, picture, predicted, randomised, reshaped, vector
from torch.nn import functional

from segdemo.architectures.basnet import ARCHITECTURE, BASNet, BASNetConfig
from segdemo.architectures.parts import resnet
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

NAME = "xuebinqin_basnet"


def narrow(**options):
    """The network with two or three channels everywhere, in our own names."""
    stage = {"blocks": 1, "inner": 3, "out": 3}
    config = BASNetConfig(
        **{"in_channels": 3, "classes": 1, **options},
        stem=2,
        encoder=tuple(resnet.StageConfig(**stage) for _ in range(6)),
        bridge=(2, 3, 4),
        decoder=((3, 3, 4),) * 6,
        refining=(3,) * 6,
        refined=(3,) * 4,
    )
    return randomised(BASNet(config))


@pytest.fixture(scope="module")
def complete():
    return header(vector(NAME))


@every("shares_norm", [True, False])
@every(("channels", "classes"), [(1, 1), (4, 2)])
def test_channels_classes_and_widths_are_read_from_the_shapes(channels, classes, shares_norm):
    network = narrow(in_channels=channels, classes=classes, shares_norm=shares_norm)
    detection = detect(network.state_dict())
    assert detection.id == "basnet"
    assert (detection.config.in_channels, detection.config.classes) == (channels, classes)
    assert detection.config.shares_norm == shares_norm
    x = picture(channels, 64, 96)
    torch.testing.assert_close(detection.build()(x), network(x))


def test_the_code_base_has_other_channels_in_its_first_convolution(complete):
    changed = reshaped(complete, {"inconv.weight": {1: 1}})
    assert detect(changed).config.in_channels == 1


def test_the_last_norm_of_the_deepest_stage_may_be_that_of_the_next():
    network, x = narrow(shares_norm=True), picture(height=64, width=64)
    stage = network.decoder[0]
    assert stage[2].norm is None
    given = {}
    stage[2].conv.register_forward_hook(lambda module, inputs, found: given.update(found=found))
    deepest = network.features(x)[1]
    normed = network.decoder[1][2].norm(given["found"])
    torch.testing.assert_close(deepest, functional.relu(normed))


def test_both_readings_fit_the_same_file(complete):
    default, shared = detect(complete), detect(complete, assume="basnet_xuebinqin_shared_norm")
    assert (default.config.shares_norm, shared.config.shares_norm) == (False, True)
    assert len(default.tensors) - len(shared.tensors) == 5


def test_side_outputs_are_kept_for_training():
    network, x = narrow(shares_norm=False), picture(height=32, width=64)
    refined, *sides = network.forward_deep(x)
    assert len(sides) == 7
    assert {tuple(side.shape) for side in sides} == {(1, 1, 32, 64)}
    torch.testing.assert_close(refined, network(x))
    torch.testing.assert_close(refined, network.refinement(sides[0]))


def test_a_stage_less_is_refused(complete):
    for path in ("resb6_", "conv3d_", "refunet.conv5", "outconvb"):
        with pytest.raises(UnknownNetworkError):
            detect({key: t for key, t in complete.items() if not key.startswith(path)})


@every("size", [(1, 1), (61, 33)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    detection = detect(narrow(shares_norm=False).state_dict())
    assert predicted(detection, size).probabilities.shape == (1, *size[::-1])


def test_pictures_are_prepared_as_its_test_does(complete):
    recipe = detect(complete).recipe
    assert (recipe["preprocessing"]["side"], recipe["preprocessing"]["divisor"]) == (256, "maximum")
    assert recipe["postprocessing"] == {"activation": "sigmoid"}
    assert ARCHITECTURE.describe(detect(complete).config) == "widths 64-128-256-512-512-512"
