"""FCNs with Caffe's names compute what their own code base does, and say which twin was assumed."""

import pytest
import torch
from code_bases import picture, randomised
from torch import nn
from torch.nn import functional

from segdemo.architectures.fcn import Grid, places
from segdemo.architectures.parts.data_sets import VOC_CLASSES
from segdemo.architectures.parts.vgg import VGGConfig, vgg16
from segdemo.checkpoints import detect
from segdemo.checkpoints.recognise import resolve_spec
from segdemo.errors import UnknownNetworkError
from tests.table import every

# The crops as the papers' prototxt files have them, and the layer that makes the picture.
CROPS = {32: (19,), 16: (5, 27), 8: (5, 9, 31)}
LAST = {32: "upscore", 16: "upscore16", 8: "upscore8"}
DEPTHS = (2, 2, 3, 3, 3)


class CaffeFCN(nn.Module):
    """FCN-32s, -16s or -8s, narrow, layer by layer under the names of Caffe."""

    def __init__(self, stride, *, channels=3, classes=2, width=2, at_once=False, depths=DEPTHS):
        super().__init__()
        self.stride, self.depths = stride, depths
        self.scales = (0.01, 0.0001) if at_once else (1.0, 1.0)
        into = channels
        for n, depth in enumerate(depths, 1):
            out = width * min(2 ** (n - 1), 8)
            for k in range(1, depth + 1):
                padding = 100 if (n, k) == (1, 1) else 1
                self.add_module(f"conv{n}_{k}", nn.Conv2d(into, out, 3, padding=padding))
                into = out
        self.fc6 = nn.Conv2d(into, 6, 7)
        self.fc7 = nn.Conv2d(6, 5, 1)
        self.score_fr = nn.Conv2d(5, classes, 1)
        if stride < 32:
            self.upscore2 = nn.ConvTranspose2d(classes, classes, 4, 2, bias=False)
            self.score_pool4 = nn.Conv2d(width * 8, classes, 1)
        if stride < 16:
            self.upscore_pool4 = nn.ConvTranspose2d(classes, classes, 4, 2, bias=False)
            self.score_pool3 = nn.Conv2d(width * 4, classes, 1)
        last = nn.ConvTranspose2d(classes, classes, 2 * stride, stride, bias=False)
        self.add_module(LAST[stride], last)

    def forward(self, x):
        pooled, crops, y = {}, list(CROPS[self.stride]), x
        for n, depth in enumerate(self.depths, 1):
            for k in range(1, depth + 1):
                y = torch.relu(self.get_submodule(f"conv{n}_{k}")(y))
            y = pooled[n] = functional.max_pool2d(y, 2, stride=2, ceil_mode=True)
        y = self.score_fr(torch.relu(self.fc7(torch.relu(self.fc6(y)))))
        if self.stride < 32:
            y = self.upscore2(y)
            y = y + window(self.score_pool4(pooled[4] * self.scales[0]), crops.pop(0), y)
        if self.stride < 16:
            y = self.upscore_pool4(y)
            y = y + window(self.score_pool3(pooled[3] * self.scales[1]), crops.pop(0), y)
        return window(self.get_submodule(LAST[self.stride])(y), crops.pop(0), x)


def window(x, start, like):
    rows, columns = like.shape[2:]
    return x[:, :, start : start + rows, start : start + columns]


def assert_computes_the_same(theirs, x, assume=None):
    detection = detect(theirs.state_dict(), assume=assume)
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.std() > 1e-3 or expected.numel() < 10, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    return detection


@every("size", [(1, 1), (33, 47), (64, 31)])
@every("stride", [32, 16, 8])
def test_every_stride_computes_the_same_at_any_size(stride, size):
    height, width = size
    detection = assert_computes_the_same(
        randomised(CaffeFCN(stride)), picture(height=height, width=width)
    )
    assert detection.id == f"fcn{stride}s"
    assert detection.config.stride == stride


@every("channels", [1, 4])
@every("classes", [1, 5])
def test_channels_classes_and_widths_are_read_from_the_shapes(channels, classes):
    theirs = randomised(CaffeFCN(8, channels=channels, classes=classes, width=3))
    config = assert_computes_the_same(theirs, picture(channels)).config
    assert (config.in_channels, config.classes) == (channels, classes)
    assert config.widths == vgg16(3)
    assert config.hidden == (6, 5)


def test_a_shallower_vgg_is_read_too():
    theirs = randomised(CaffeFCN(8, depths=(1, 1, 2, 2, 2)))
    config = assert_computes_the_same(theirs, picture()).config
    assert [len(block) for block in config.widths] == [1, 1, 2, 2, 2]


def test_what_was_trained_at_once_is_the_twin_of_8s_alone():
    detection = detect(CaffeFCN(8).state_dict())
    assert [other.id for other in detection.alternatives] == ["fcn8s_at_once"]
    for stride in (16, 32):
        assert detect(CaffeFCN(stride).state_dict()).alternatives == ()


def test_what_was_trained_at_once_computes_the_same_when_it_is_assumed():
    theirs = randomised(CaffeFCN(8, at_once=True))
    detection = assert_computes_the_same(theirs, picture(), assume="fcn8s_at_once")
    assert detection.architecture.describe(detection.config) == "8s at once, width 2"
    assert [other.id for other in detection.alternatives] == ["fcn8s"]


def test_what_was_trained_at_once_computes_something_else_as_8s():
    theirs = randomised(CaffeFCN(8, at_once=True))
    with torch.no_grad():
        expected, got = theirs(picture()), detect(theirs.state_dict()).build()(picture())
    assert (expected - got).abs().max() > expected.std()


def test_an_exported_network_computes_at_once_when_its_metadata_say_so():
    theirs = randomised(CaffeFCN(8, at_once=True))
    exported = detect(theirs.state_dict()).build().state_dict()
    with torch.no_grad():
        got = detect(exported, assume="fcn8s_at_once").build()(picture())
        torch.testing.assert_close(got, theirs(picture()), rtol=1e-4, atol=1e-5)


@every("stride", [16, 32])
def test_at_once_can_be_assumed_of_8s_alone(stride):
    with pytest.raises(UnknownNetworkError) as caught:
        detect(detect(CaffeFCN(stride).state_dict()).tensors, assume="fcn8s_at_once")
    assert caught.value.key == "checkpoint_assume"


@every(("stride", "crops"), CROPS.items())
def test_the_crops_of_the_papers_follow_from_the_layers(stride, crops):
    skips = len(crops) - 1
    config = VGGConfig(in_channels=3, classes=1, widths=vgg16(), hidden=(9, 9), skips=skips)
    assert places(config) == crops


def test_grids_that_lie_between_each_other_do_not_meet():
    with pytest.raises(ValueError, match="do not meet"):
        Grid().after(2).place_in(Grid())


@every("kernel", [8, 32])
def test_a_last_layer_of_another_stride_is_refused(kernel):
    state_dict = CaffeFCN(8).state_dict()
    state_dict["upscore8.weight"] = torch.zeros(2, 2, kernel, kernel)
    with pytest.raises(UnknownNetworkError):
        detect(state_dict)


@every(("classes", "names"), [(21, VOC_CLASSES), (20, ()), (2, ())])
def test_only_a_network_of_21_classes_has_those_of_voc(classes, names):
    with torch.device("meta"):
        state_dict = CaffeFCN(16, classes=classes).state_dict()
    assert resolve_spec(detect(state_dict), {}).postprocessing.classes == names


def test_the_mean_is_taken_from_blue_green_and_red_in_bytes():
    with torch.device("meta"):
        state_dict = CaffeFCN(32).state_dict()
    preprocessing = resolve_spec(detect(state_dict), {}).preprocessing
    assert (preprocessing.channels, preprocessing.divisor) == ("bgr", 1.0)
    assert preprocessing.mean == pytest.approx((104.007, 116.669, 122.679), abs=1e-3)
