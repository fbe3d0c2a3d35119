"""segmentation_models_pytorch's Unet on any ResNet computes what its code does."""

import pytest
import torch
from code_bases import header, picture, predicted, randomised, vector
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from segdemo.architectures.smp_unet import ARCHITECTURE, SmpUNet, SmpUNetConfig, describe
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every


class LikeTheirs(nn.Module):
    """Unet of segmentation_models_pytorch around torchvision's ResNet; it returns logits."""

    def __init__(
        self,
        *,
        channels=3,
        classes=1,
        block=BasicBlock,
        depths=(1, 2, 1, 1),
        decoder=(20, 12, 10, 8, 6),
        norm=True,
        **options,
    ):
        super().__init__()
        self.encoder = ResNet(block, list(depths), **options)
        del self.encoder.fc, self.encoder.avgpool
        self.encoder.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        widths = [64, *(64 * 2**n * block.expansion for n in range(4))]
        self.decoder = nn.Module()
        self.decoder.blocks = nn.ModuleList()
        for into, skip, out in zip(
            (widths[-1], *decoder), (*widths[-2::-1], 0), decoder, strict=False
        ):
            step = nn.Module()
            step.conv1, step.conv2 = (
                nn.Sequential(
                    nn.Conv2d(given, out, 3, padding=1, bias=not norm),
                    nn.BatchNorm2d(out) if norm else nn.Identity(),
                    nn.ReLU(),
                )
                for given in (into + skip, out)
            )
            self.decoder.blocks.append(step)
        self.segmentation_head = nn.Sequential(nn.Conv2d(decoder[-1], classes, 3, padding=1))

    def forward(self, x):
        encoder = self.encoder
        features = [torch.relu(encoder.bn1(encoder.conv1(x)))]
        x = encoder.maxpool(features[0])
        for n in range(1, 5):
            x = getattr(encoder, f"layer{n}")(x)
            features.append(x)
        features.pop()
        for step in self.decoder.blocks:
            x = functional.interpolate(x, size=[2 * side for side in x.shape[2:]])
            if features:
                x = torch.cat([x, features.pop()], 1)
            x = step.conv2(step.conv1(x))
        return self.segmentation_head(x)


def assert_computes_the_same(theirs, channels=3):
    """Detects the network from its tensors, compares outputs, and returns the detection."""
    x = picture(channels, height=64, width=128)
    detection = detect(theirs.state_dict())
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    assert (detection.id, detection.alternatives) == ("segmentation_models_unet", ())
    return detection


@every("block", [BasicBlock, Bottleneck])
@every("depths", [(1, 1, 1, 1), (1, 3, 2, 1)])
def test_any_kind_and_number_of_blocks(block, depths):
    config = assert_computes_the_same(randomised(LikeTheirs(block=block, depths=depths))).config
    assert config.bottleneck == (block is Bottleneck)
    assert tuple(stage.blocks for stage in config.stages) == depths


def test_grouped_bottlenecks():
    theirs = randomised(LikeTheirs(block=Bottleneck, groups=32, width_per_group=4))
    config = assert_computes_the_same(theirs).config
    assert {stage.groups for stage in config.stages} == {32}


@every("norm", [True, False])
def test_a_way_up_with_batch_norm_and_without(norm):
    config = assert_computes_the_same(randomised(LikeTheirs(norm=norm))).config
    assert config.norm == norm


@every(("channels", "classes"), [(1, 1), (3, 4), (4, 2)])
def test_any_number_of_channels_and_classes(channels, classes):
    theirs = randomised(LikeTheirs(channels=channels, classes=classes))
    config = assert_computes_the_same(theirs, channels).config
    assert (config.in_channels, config.classes) == (channels, classes)


def test_what_says_of_which_kind_the_picture_is_does_not_matter():
    state_dict = randomised(LikeTheirs()).state_dict()
    beside = {"classification_head.3.weight": torch.ones(5, 512)}
    assert detect(state_dict | beside).config == detect(state_dict).config


def test_pictures_are_normalised_as_those_of_imagenet():
    recipe = detect(header(vector("smp_unet_resnet34"))).recipe
    assert recipe["preprocessing"]["mean"] == [0.485, 0.456, 0.406]


def test_the_standard_network_is_theirs_with_the_usual_arguments():
    detection = detect(header(vector("smp_unet_resnet34")))
    assert detection.config == SmpUNetConfig.standard(classes=2)
    assert describe(detection.config) == "on ResNet-34"


@every("depths", [(1, 1), (1, 2, 1), (1, 1, 1, 1, 1)])
def test_any_number_of_stages_under_our_names(depths):
    config = SmpUNetConfig.standard(width=8, blocks=depths)
    with torch.device("meta"):
        detection = detect(SmpUNet(config).state_dict())
    assert (detection.id, detection.config) == ("smp_unet", config)
    assert ARCHITECTURE.requirements(config).multiple_of == 2 ** (len(depths) + 1)


@every("size", [(1, 1), (4, 200), (61, 33), (64, 96)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    detection = detect(randomised(LikeTheirs()).state_dict())
    prediction = predicted(detection, size)
    assert prediction.probabilities.shape == (1, size[1], size[0])


def test_attention_between_the_paths_is_another_network():
    state_dict = header(vector("smp_unet_resnet34"))
    name = "decoder.blocks.0.attention1.attention.cSE.1.weight"
    with pytest.raises(UnknownNetworkError, match="attention1"):
        detect({**state_dict, name: torch.empty(48, 768, 1, 1, device="meta")})


def test_fewer_steps_up_than_down_are_refused():
    # As encoder_depth=4 makes it, which leaves the last stage in the file and out of the network.
    state_dict = header(vector("smp_unet_resnet34"))
    with pytest.raises(UnknownNetworkError):
        detect({k: tensor for k, tensor in state_dict.items() if "blocks.4" not in k})
