"""UNet++ of any width, depth and number of heads computes what its code bases do."""

import pytest
import torch
from code_bases import picture, predicted, randomised
from respelt import wrong
from small_encoder_unets import SmallNestedUNet

from segdemo.architectures.nested_unet import ARCHITECTURE, NestedUNet, NestedUNetConfig
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

SPELLINGS = {"4uiiurz1": "nested_unet_4uiiurz1", "zoo": "nested_unet_zoo"}
SHAPES = (
    {},
    {"heads": 4},
    {"channels": 1, "classes": 3},
    {"channels": 4, "classes": 2, "heads": 4, "width": 3},
    {"depth": 2, "heads": 2},
    {"depth": 3},
)


def test_every_spelling_and_shape_computes_the_same():
    cases = {
        f"{names} {shape}": (SmallNestedUNet(names=names, **shape), spelling, 32)
        for names, spelling in SPELLINGS.items()
        for shape in SHAPES
    }
    assert wrong(cases) == {}


def test_everything_is_read_from_the_shapes():
    network = SmallNestedUNet(channels=4, classes=5, width=3, heads=3, depth=3)
    config = detect(network.state_dict()).config
    assert (config.in_channels, config.classes, config.heads) == (4, 5, 3)
    assert [row[-1].width for row in config.levels] == [3, 6, 12, 24]
    assert ARCHITECTURE.describe(config) == "width 3, 3 levels, deep supervision"
    assert ARCHITECTURE.requirements(config).multiple_of == 8


@every("up", ["resize", "transposed"])
def test_the_standard_network_is_read_back_from_its_own_tensors(up):
    standard = NestedUNetConfig.standard(width=2, classes=3, heads=4)
    config = NestedUNetConfig(**{**vars(standard), "up": up})
    with torch.device("meta"):
        detection = detect(NestedUNet(config).state_dict())
    assert (detection.id, detection.config) == ("nested_unet", config)


def test_the_last_head_gives_the_mask():
    network = randomised(SmallNestedUNet(heads=4, depth=4))
    built = detect(network.state_dict()).build()
    with torch.no_grad():
        heads, got = network(picture()), built(picture())
    near = [torch.allclose(head, got, atol=1e-4) for head in heads]
    assert near == [False, False, False, True]


def test_deep_supervision_trains_every_head():
    network = randomised(SmallNestedUNet(heads=3, depth=3))
    built = detect(network.state_dict()).build()
    with torch.no_grad():
        expected, got = network(picture()), ARCHITECTURE.forward_deep(built, picture())
    assert torch.equal(got[0], built(picture()))
    for one, other in zip(got, reversed(expected), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_each_class_gets_a_sigmoid_of_its_own():
    for names in SPELLINGS:
        recipe = detect(SmallNestedUNet(names=names, classes=3).state_dict()).recipe
        assert recipe["postprocessing"]["activation"] == "sigmoid"


def test_a_missing_node_is_refused():
    state_dict = SmallNestedUNet().state_dict()
    for node in ("conv0_3.", "conv2_0.", "conv1_3.", "final."):
        with pytest.raises(UnknownNetworkError):
            detect({key: t for key, t in state_dict.items() if not key.startswith(node)})


def test_norms_without_parameters_are_not_taken_for_no_norms():
    state_dict = SmallNestedUNet().state_dict()
    with pytest.raises(UnknownNetworkError):
        detect({key: t for key, t in state_dict.items() if ".bn" not in key})


@every("size", [(37, 53), (1, 90)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    prediction = predicted(detect(randomised(SmallNestedUNet()).state_dict()), size)
    assert prediction.probabilities.shape == (1, size[1], size[0])
