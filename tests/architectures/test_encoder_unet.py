"""U-Nets on VGGs and ResNets of any width compute what their code bases do."""

from dataclasses import replace

import pytest
import torch
from code_bases import header, predicted, randomised, vector
from respelt import wrong
from small_encoder_unets import SmallBubbliiiing, SmallTernausNet, SmallUsuyamaResNet
from torchvision.models.resnet import BasicBlock

from segdemo.architectures.encoder_unet import (
    ARCHITECTURE,
    EncoderUNet,
    EncoderUNetConfig,
    ResNetEncoder,
    StepConfig,
    VGGEncoder,
)
from segdemo.architectures.parts.conv_unit import Conv, row_of
from segdemo.architectures.parts.resnet import standard_stages
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every


def small(name, **shape):
    """A network in the words of its code base, by the id of its spelling."""
    return {
        "ternausnet_unet11": lambda: SmallTernausNet(
            11, transposed=True, sequential=False, **shape
        ),
        "ternausnet_unet11_sequential": lambda: SmallTernausNet(11, transposed=True, **shape),
        "ternausnet_unet16": lambda: SmallTernausNet(16, **shape),
        "ternausnet_unet16_transposed": lambda: SmallTernausNet(16, transposed=True, **shape),
        "albunet": lambda: SmallTernausNet(34, **shape),
        "albunet_transposed": lambda: SmallTernausNet(34, transposed=True, **shape),
        "bubbliiiing_unet_vgg": lambda: SmallBubbliiiing("vgg", **shape),
        "bubbliiiing_unet_resnet": lambda: SmallBubbliiiing("resnet", **shape),
        "usuyama_resnet_unet": lambda: SmallUsuyamaResNet(**shape),
    }[name]()


SPELLINGS = [mapping.id for mapping in ARCHITECTURE.mappings[1:]]
SHAPES = ({}, {"channels": 1, "classes": 3}, {"channels": 4, "classes": 2, "width": 3})


def test_every_spelling_and_shape_computes_the_same():
    linear = "bubbliiiing_unet_vgg_linear"
    cases = {
        f"{name} {shape}": (small(name, **shape), name, 64)
        for name in SPELLINGS
        if name != linear
        for shape in SHAPES
    }
    cases[linear] = (SmallBubbliiiing("vgg", relu=False), linear, 64)
    cases["basic blocks"] = (
        SmallBubbliiiing("resnet", block=BasicBlock),
        "bubbliiiing_unet_resnet",
        64,
    )
    cases["more filters"] = (small("ternausnet_unet16", filters=3), "ternausnet_unet16", 64)
    assert wrong(cases) == {}


def test_what_a_code_base_keeps_twice_is_used_as_it_loads_it():
    # Loading goes through the modules in their order, so that the last name decides.
    network = small("ternausnet_unet16")
    state_dict = network.state_dict()
    first = {key: torch.zeros_like(t) if "encoder." in key else t for key, t in state_dict.items()}
    built = detect(first).build()
    assert torch.equal(built.encoder.blocks[0][0].conv.weight, network.conv1[0].weight)


def test_the_linear_reading_is_an_alternative():
    detection = detect(SmallBubbliiiing("vgg").state_dict())
    assert detection.id == "bubbliiiing_unet_vgg"
    assert [other.id for other in detection.alternatives] == ["bubbliiiing_unet_vgg_linear"]


@every(
    "config",
    [
        EncoderUNetConfig(
            in_channels=2,
            classes=3,
            encoder=VGGEncoder(blocks=(row_of(2), row_of(3, 3), row_of(4)), norm=True),
            bottom_pool=True,
            bottom=row_of(5),
            steps=(
                StepConfig(up_width=3, after=row_of(4)),
                StepConfig(up_width=3, after=row_of(4, 4)),
                StepConfig(up_width=2, skip=False, after=row_of(2)),
            ),
            norm=True,
            bias=False,
            up_norm=True,
            up_bias=False,
            up_kernel=4,
            head_kernel=3,
        ),
        EncoderUNetConfig(
            in_channels=3,
            classes=1,
            encoder=ResNetEncoder(
                stem=2, stages=standard_stages((1, 2), 2, bottleneck=True), bottleneck=True
            ),
            full=row_of(3, 2),
            bottom=(Conv(4, 1),),
            steps=(
                StepConfig(before=row_of(3), lateral=(Conv(2, 1),)),
                StepConfig(before=row_of(3), after=row_of(3)),
                StepConfig(after=row_of(3)),
            ),
        ),
    ],
)
def test_a_configuration_is_read_back_from_its_own_tensors(config):
    network = randomised(EncoderUNet(config))
    detection = detect(network.state_dict())
    assert (detection.id, detection.config) == ("encoder_unet", config)
    side = ARCHITECTURE.requirements(config).multiple_of
    with torch.no_grad():
        x = torch.rand(1, config.in_channels, 2 * side, 3 * side)
        assert network(x).shape == (1, config.classes, 2 * side, 3 * side)
        assert torch.equal(detection.build()(x), network(x))


@every(
    ("name", "description"),
    [
        ("ternaus_unet11", "VGG-11, transposed"),
        ("ternaus_unet16", "VGG-16, bilinear"),
        ("bubbliiiing_unet_resnet50", "ResNet-50, bilinear"),
    ],
)
def test_it_is_called_by_its_encoder(name, description):
    detection = detect(header(vector(name)))
    assert ARCHITECTURE.describe(detection.config) == description


def test_upsampling_that_no_tensor_tells_changes_the_map():
    network = small("ternausnet_unet16")
    detection = detect(randomised(network).state_dict())
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        found = detection.build()(x)
        for change in ({"interpolation": "bilinear_aligned"}, {"interpolation": "nearest"}):
            other = EncoderUNet(replace(detection.config, **change)).eval()
            other.load_state_dict(detection.tensors)
            assert (other(x) - found).abs().max() > 1e-4


def test_a_missing_step_or_block_is_refused():
    for name, paths in {
        "ternausnet_unet16": ("dec4.", "conv3.", "center.", "dec1."),
        "albunet": ("dec0.", "conv4.0.", "dec2.block.1."),
        "bubbliiiing_unet_resnet": ("up_concat3.", "resnet.layer2.", "up_conv.1."),
    }.items():
        state_dict = small(name).state_dict()
        for path in paths:
            with pytest.raises(UnknownNetworkError):
                detect({key: t for key, t in state_dict.items() if not key.startswith(path)})


@every("size", [(37, 53), (1, 90)])
@every("name", ["ternausnet_unet11", "albunet", "bubbliiiing_unet_resnet"])
def test_every_picture_gets_a_map_of_its_own_size(name, size):
    network = randomised(small(name, classes=1))
    prediction = predicted(detect(network.state_dict()), size)
    assert prediction.probabilities.shape == (1, size[1], size[0])
