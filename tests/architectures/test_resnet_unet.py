"""ResNet U-Nets of any depth and width compute what UNET-ZOO's code does; others are named."""

import pytest
import torch
from code_bases import header, picture, predicted, randomised, vector
from small_unets import TutorialResNetUNet, TutorialResNeXtUNet
from torchvision.models.resnet import BasicBlock, Bottleneck

from segdemo.architectures.resnet_unet import ARCHITECTURE, ResNetUNet, ResNetUNetConfig, describe
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every


def assert_computes_the_same(theirs, x):
    """Detects the network from its tensors, compares outputs, and returns the detection."""
    detection = detect(theirs.state_dict())
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    assert (detection.id, detection.alternatives) == ("resnet34_unet", ())
    return detection


def small_pictures(channels=3):
    return picture(channels, height=64, width=128)


@every("width", [4, 8, 48])
@every("block", [BasicBlock, Bottleneck])
def test_any_width_and_kind_of_block(width, block):
    theirs = randomised(TutorialResNetUNet(width=width, block=block))
    config = assert_computes_the_same(theirs, small_pictures()).config
    assert config.stem == width
    assert config.bottleneck == (block is Bottleneck)


@every("depths", [(2, 2, 2, 2), (1, 3, 2, 1), (1, 1, 12, 1)])
def test_any_number_of_blocks(depths):
    theirs = randomised(TutorialResNetUNet(depths=depths))
    config = assert_computes_the_same(theirs, small_pictures()).config
    assert tuple(stage.blocks for stage in config.stages) == depths


@every("depths", [(1, 1), (1, 2, 1), (1, 1, 1, 1, 1)])
def test_any_number_of_stages(depths):
    theirs = randomised(TutorialResNetUNet(depths=depths))
    config = assert_computes_the_same(theirs, small_pictures()).config
    multiple = 2 ** (len(depths) + 1)
    assert ARCHITECTURE.requirements(config).multiple_of == multiple


def test_grouped_bottlenecks():
    theirs = randomised(TutorialResNeXtUNet(width=16))
    config = assert_computes_the_same(theirs, small_pictures()).config
    assert {stage.groups for stage in config.stages} == {2}


@every(("channels", "classes"), [(1, 1), (3, 4), (4, 2)])
def test_any_number_of_channels_and_classes(channels, classes):
    theirs = randomised(TutorialResNetUNet(channels=channels, classes=classes))
    config = assert_computes_the_same(theirs, small_pictures(channels)).config
    assert (config.in_channels, config.classes) == (channels, classes)


@every(
    ("blocks", "bottleneck", "name"),
    [
        ((2, 2, 2, 2), False, "ResNet-18, width 8"),
        ((3, 4, 6, 3), False, "ResNet-34, width 8"),
        ((3, 4, 6, 3), True, "ResNet-50, width 8"),
        ((1, 2, 3, 1), True, "ResNet of 1-2-3-1 blocks, width 8"),
    ],
)
def test_the_standard_network_is_read_back_from_its_own_tensors(blocks, bottleneck, name):
    config = ResNetUNetConfig.standard(width=8, blocks=blocks, bottleneck=bottleneck, classes=3)
    with torch.device("meta"):
        detection = detect(ResNetUNet(config).state_dict())
    assert (detection.id, detection.config) == ("resnet_unet", config)
    assert describe(detection.config) == name


def test_the_standard_network_is_that_of_the_tutorial():
    assert detect(header(vector("resnet34_unet"))).config == ResNetUNetConfig.standard()


@every("size", [(1, 1), (4, 200), (61, 33), (64, 96)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    detection = detect(randomised(TutorialResNetUNet()).state_dict())
    prediction = predicted(detection, size)
    assert prediction.probabilities.shape == (1, size[1], size[0])


@every("modules", [("dblock.dilate1",), ("dblock.dilate1", "spp.conv")])
@every("prefix", ["", "module."])
def test_a_dilated_centre_is_refused_by_its_name(modules, prefix):
    state_dict = header(vector("resnet34_unet"))
    for module in modules:
        state_dict[f"{module}.weight"] = torch.empty(512, 512, 3, 3, device="meta")
    # Pooled maps are joined there, so the expanding path begins wider.
    state_dict["decoder4.conv1.weight"] = torch.empty(129, 516, 1, 1, device="meta")
    with pytest.raises(UnknownNetworkError) as caught:
        detect({prefix + key: tensor for key, tensor in state_dict.items()})
    assert caught.value.key == "checkpoint_dilated_centre"
    assert "dblock" in str(caught.value)
    assert "CE-Net" in str(caught.value)


@every("extra", [{"dblock.dilate1.weight", "extra.weight"}, {"extra.weight"}])
def test_a_stranger_is_not_taken_for_the_dilated_centre(extra):
    state_dict = header(vector("resnet34_unet"))
    state_dict |= {name: torch.empty(1, device="meta") for name in extra}
    with pytest.raises(UnknownNetworkError) as caught:
        detect(state_dict)
    assert caught.value.key != "checkpoint_dilated_centre"


def test_the_dilated_centre_alone_is_no_network():
    with pytest.raises(UnknownNetworkError) as caught:
        detect({"dblock.dilate1.weight": torch.zeros(4, 4, 3, 3), "spp.bias": torch.zeros(1)})
    assert caught.value.key != "checkpoint_dilated_centre"


def test_linknet_has_the_names_but_another_tail():
    with pytest.raises(UnknownNetworkError):
        detect(TutorialResNetUNet(tail_kernel=3).state_dict())


def test_a_missing_stage_or_block_is_refused():
    complete = TutorialResNetUNet(depths=(1, 3, 1, 1)).state_dict()
    for path in ("encoder3.", "encoder2.1.", "decoder2.", "encoder2.0.downsample."):
        with pytest.raises(UnknownNetworkError):
            detect({key: t for key, t in complete.items() if not key.startswith(path)})


def test_a_shortcut_where_nothing_changes_is_refused():
    state_dict = TutorialResNetUNet(depths=(2, 1, 1, 1)).state_dict()
    for key, tensor in TutorialResNetUNet(depths=(1, 1, 1, 1)).state_dict().items():
        if key.startswith("encoder2.0.downsample."):
            state_dict[key.replace("encoder2.0", "encoder1.1")] = tensor
    with pytest.raises(UnknownNetworkError):
        detect(state_dict)
