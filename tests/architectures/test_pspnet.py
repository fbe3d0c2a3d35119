"""PSPNet computes what bubbliiiing's code does, at both output strides."""

import pytest
import torch
from code_bases import header, picture, predicted, randomised, vector
from small_encoders import WIDTHS, mobile_features, resnet_stages, small_resnet
from torch import nn
from torch.nn import functional

from segdemo.architectures.parts.data_sets import VOC_CLASSES
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every


def bilinear(x, other):
    return functional.interpolate(x, other.shape[2:], mode="bilinear", align_corners=True)


class Bubbliiiing(nn.Module):
    """PSPNet with its auxiliary branch or without."""

    def __init__(self, stride, *, backbone="mobilenet", channels=3, classes=2, auxiliary=False):
        super().__init__()
        self.mobile = backbone == "mobilenet"
        if self.mobile:
            self.backbone = nn.Module()
            self.backbone.features = mobile_features(stride, channels=channels)
            width, middle = WIDTHS[-1], WIDTHS[12]
        else:
            self.backbone = small_resnet(stride, channels=channels, stem=3)
            width, middle = 2048, 1024
        inner = width // 4
        pyramid = nn.Module()
        pyramid.stages = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(grid),
                nn.Conv2d(width, inner, 1, bias=False),
                nn.BatchNorm2d(inner),
                nn.ReLU(),
            )
            for grid in (1, 2, 3, 6)
        )
        pyramid.bottleneck = nn.Sequential(
            nn.Conv2d(2 * width, inner, 3, padding=1, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            nn.Dropout2d(0.1),
        )
        self.master_branch = nn.Sequential(pyramid, nn.Conv2d(inner, classes, 1))
        if auxiliary:
            self.auxiliary_branch = nn.Sequential(
                nn.Conv2d(middle, 4, 3, padding=1, bias=False),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.Dropout2d(0.1),
                nn.Conv2d(4, classes, 1),
            )

    def forward(self, x):
        y = self.backbone.features(x) if self.mobile else resnet_stages(self.backbone, x)[-1]
        pyramid, last = self.master_branch
        joined = [y, *(bilinear(stage(y), y) for stage in pyramid.stages)]
        return bilinear(last(pyramid.bottleneck(torch.cat(joined, 1))), x)


def assert_computes_the_same(theirs, assume, *, channels=3, size=(64, 96)):
    detection = detect(theirs.state_dict(), assume=assume)
    x = picture(channels, *size)
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4)
    assert detection.id == assume
    return detection


@every("backbone", ["mobilenet", "resnet"])
def test_both_output_strides(backbone):
    for stride, reading in ((16, "pspnet_bubbliiiing"), (8, "pspnet_bubbliiiing_os8")):
        theirs = randomised(Bubbliiiing(stride, backbone=backbone))
        detection = assert_computes_the_same(theirs, reading)
        assert detection.config.output_stride == stride
        assert len(detection.alternatives) == 1


@every(("channels", "classes"), [(1, 1), (4, 5)])
def test_channels_and_classes_are_read_from_the_shapes(channels, classes):
    theirs = randomised(Bubbliiiing(16, channels=channels, classes=classes))
    config = assert_computes_the_same(theirs, "pspnet_bubbliiiing", channels=channels).config
    assert (config.in_channels, config.classes) == (channels, classes)


@every("size", [(1, 1), (33, 47)])
def test_odd_sizes_come_back_as_they_are(size):
    assert_computes_the_same(randomised(Bubbliiiing(16)), "pspnet_bubbliiiing", size=size)


def test_the_auxiliary_branch_does_not_matter():
    for backbone in ("mobilenet", "resnet"):
        theirs = randomised(Bubbliiiing(16, backbone=backbone, auxiliary=True))
        assert_computes_the_same(theirs, "pspnet_bubbliiiing")


@every("size", [(1, 1), (61, 33)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    detection = detect(randomised(Bubbliiiing(16)).state_dict())
    assert predicted(detection, size).probabilities.shape == (2, size[1], size[0])


def test_other_grids_are_refused():
    state_dict = Bubbliiiing(16).state_dict()
    with pytest.raises(UnknownNetworkError):
        detect({key: t for key, t in state_dict.items() if ".stages.3." not in key})


def test_pictures_are_divided_alone_and_classes_are_those_of_voc():
    state_dict = header(vector("bubbliiiing_pspnet_mobilenet"))
    for leaf in ("weight", "bias"):
        name = f"master_branch.1.{leaf}"
        state_dict[name] = torch.empty(21, *state_dict[name].shape[1:], device="meta")
    recipe = detect(state_dict).recipe
    assert recipe["preprocessing"] == {"resize": "longest", "side": 473}
    assert recipe["postprocessing"]["classes"] == list(VOC_CLASSES)
