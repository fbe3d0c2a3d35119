"""DeepLabV3+ computes what each of its code bases does, at both output strides."""

import pytest
import torch
from code_bases import header, picture, predicted, randomised, vector
from small_encoders import (
    WIDTHS,
    XCEPTION_TAIL,
    XCEPTION_WIDTHS,
    BubbliiiingXception,
    JFZhang95Xception,
    SmallDRN,
    mobile_features,
    resnet_stages,
    small_resnet,
)
from torch import nn
from torch.nn import functional

from segdemo.architectures.parts.data_sets import IMAGENET, VOC_CLASSES
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

LOW, DEEP = WIDTHS[2], WIDTHS[-1]
WIDTH = 6  # of the atrous convolutions, 256 in all code bases


def unit(into, out, kernel=1, dilation=1, *, bias=False, pooled=False):
    """Convolution, norm, ReLU; behind the mean of all positions if ``pooled``."""
    padding = kernel // 2 * dilation
    convolution = nn.Conv2d(into, out, kernel, padding=padding, dilation=dilation, bias=bias)
    layers = [convolution, nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*([nn.AdaptiveAvgPool2d(1)] if pooled else []), *layers)


def bilinear(x, other, *, corners):
    return functional.interpolate(x, other.shape[2:], mode="bilinear", align_corners=corners)


class VainF(nn.Module):
    """DeepLabV3+, or V3 when not ``plus``, on a ResNet or MobileNetV2."""

    def __init__(self, stride, *, backbone="mobilenet", channels=3, classes=2, plus=True):
        super().__init__()
        self.mobile, self.plus = backbone == "mobilenet", plus
        if self.mobile:
            options = {"pads_first": True, "nested": True, "stem_padding": 0}
            features = mobile_features(stride, channels=channels, **options)
            self.backbone = nn.Module()
            self.backbone.low_level_features = nn.Sequential(*features[:4])
            self.backbone.high_level_features = nn.Module()
            for n in range(4, 18):
                self.backbone.high_level_features.add_module(str(n), features[n])
            low, deep = LOW, DEEP
        else:
            self.backbone = small_resnet(stride, channels=channels)
            low, deep = 256, 2048
        rates = [rate * 16 // stride for rate in (6, 12, 18)]
        pyramid = nn.Module()
        pyramid.convs = nn.ModuleList(
            [
                unit(deep, WIDTH),
                *(unit(deep, WIDTH, 3, rate) for rate in rates),
                unit(deep, WIDTH, pooled=True),
            ]
        )
        pyramid.project = unit(5 * WIDTH, WIDTH)
        self.classifier = nn.Module()
        last = [*unit(WIDTH + 5 * plus, WIDTH, 3), nn.Conv2d(WIDTH, classes, 1)]
        if plus:
            self.classifier.project, self.classifier.aspp = unit(low, 5), pyramid
            self.classifier.classifier = nn.Sequential(*last)
        else:
            self.classifier.classifier = nn.Sequential(pyramid, *last)

    def forward(self, x):
        if self.mobile:
            low = y = self.backbone.low_level_features(x)
            for block in self.backbone.high_level_features.children():
                y = block(y)
        else:
            low, *_, y = resnet_stages(self.backbone, x)
        head = self.classifier
        pyramid = head.aspp if self.plus else head.classifier[0]
        *plain, pooled = pyramid.convs
        joined = [convolution(y) for convolution in plain]
        joined.append(bilinear(pooled(y), y, corners=False))
        y = pyramid.project(torch.cat(joined, 1))
        if self.plus:
            low = head.project(low)
            y = head.classifier(torch.cat([low, bilinear(y, low, corners=False)], 1))
        else:
            y = head.classifier[1:](y)
        return bilinear(y, x, corners=False)


class JFZhang95(nn.Module):
    """DeepLabV3+ on four encoders; the blocks of MobileNetV2 it has twice."""

    def __init__(self, stride, *, backbone="mobilenet", channels=3, classes=2, dropout=True):
        super().__init__()
        self.mobile, self.resnet = backbone == "mobilenet", backbone == "resnet"
        if backbone == "xception":
            self.backbone = JFZhang95Xception(stride, channels=channels)
            low, deep = XCEPTION_WIDTHS[0][-1], XCEPTION_TAIL[-1]
        elif backbone == "drn":
            self.backbone = SmallDRN(channels=channels)
            low, deep = 8, 10
        elif self.mobile:
            self.backbone = nn.Module()
            options = {"channels": channels, "pads_first": True}
            self.backbone.features = mobile_features(stride, "jfzhang95", **options)
            self.backbone.low_level_features = self.backbone.features[:4]
            self.backbone.high_level_features = nn.Sequential()
            for n in range(4, 18):
                self.backbone.high_level_features.add_module(str(n), self.backbone.features[n])
            low, deep = LOW, DEEP
        else:
            self.backbone = small_resnet(stride, channels=channels, grid=True)
            low, deep = 256, 2048
        self.aspp = nn.Module()
        finer = 16 // stride
        for n, rate in enumerate((1, 6 * finer, 12 * finer, 18 * finer), 1):
            convolution, norm, _ = unit(deep, WIDTH, 3 if n > 1 else 1, rate)
            branch = nn.Module()
            branch.atrous_conv, branch.bn = convolution, norm
            self.aspp.add_module(f"aspp{n}", branch)
        self.aspp.global_avg_pool = unit(deep, WIDTH, pooled=True)
        self.aspp.conv1, self.aspp.bn1, _ = unit(5 * WIDTH, WIDTH)
        self.decoder = nn.Module()
        self.decoder.conv1, self.decoder.bn1, _ = unit(low, 5)
        drop = [nn.Dropout()] if dropout else []
        layers = [*unit(WIDTH + 5, 7, 3), *drop, *unit(7, 8, 3), *drop]
        self.decoder.last_conv = nn.Sequential(*layers, nn.Conv2d(8, classes, 1))

    def forward(self, x):
        if self.mobile:
            low = self.backbone.low_level_features(x)
            y = self.backbone.high_level_features(low)
        elif self.resnet:
            low, *_, y = resnet_stages(self.backbone, x)
        else:
            low, y = self.backbone(x)
        aspp, decoder = self.aspp, self.decoder
        branches = [getattr(aspp, f"aspp{n}") for n in range(1, 5)]
        joined = [torch.relu(branch.bn(branch.atrous_conv(y))) for branch in branches]
        joined.append(bilinear(aspp.global_avg_pool(y), y, corners=True))
        y = torch.relu(aspp.bn1(aspp.conv1(torch.cat(joined, 1))))
        low = torch.relu(decoder.bn1(decoder.conv1(low)))
        y = torch.cat([bilinear(y, low, corners=True), low], 1)
        return bilinear(decoder.last_conv(y), x, corners=True)


class Bubbliiiing(nn.Module):
    """DeepLabV3+ on MobileNetV2 or Xception, with biases before norms."""

    def __init__(self, stride, *, backbone="mobilenet", channels=3, classes=2):
        super().__init__()
        self.mobile = backbone == "mobilenet"
        low, deep = (LOW, DEEP) if self.mobile else (XCEPTION_WIDTHS[1][1], XCEPTION_TAIL[-1])
        if self.mobile:
            self.backbone = nn.Module()
            self.backbone.features = mobile_features(stride, channels=channels)
        else:
            self.backbone = BubbliiiingXception(stride, channels=channels)
        self.aspp = nn.Module()
        rates = [1, *(rate * 16 // stride for rate in (6, 12, 18))]
        for n, rate in enumerate(rates, 1):
            self.aspp.add_module(
                f"branch{n}", unit(deep, WIDTH, 3 if n > 1 else 1, rate, bias=True)
            )
        self.aspp.branch5_conv, self.aspp.branch5_bn, _ = unit(deep, WIDTH, bias=True)
        self.aspp.conv_cat = unit(5 * WIDTH, WIDTH, bias=True)
        self.shortcut_conv = unit(low, 5, bias=True)
        self.cat_conv = nn.Sequential(
            *unit(WIDTH + 5, 7, 3, bias=True), nn.Dropout(), *unit(7, 8, 3, bias=True), nn.Dropout()
        )
        self.cls_conv = nn.Conv2d(8, classes, 1)

    def forward(self, x):
        if self.mobile:
            low = self.backbone.features[:4](x)
            y = self.backbone.features[4:](low)
        else:
            low, y = self.backbone(x)
        aspp = self.aspp
        joined = [getattr(aspp, f"branch{n}")(y) for n in range(1, 5)]
        pooled = torch.relu(aspp.branch5_bn(aspp.branch5_conv(y.mean((2, 3), keepdim=True))))
        y = aspp.conv_cat(torch.cat([*joined, bilinear(pooled, y, corners=True)], 1))
        low = self.shortcut_conv(low)
        y = self.cat_conv(torch.cat([bilinear(y, low, corners=True), low], 1))
        return bilinear(self.cls_conv(y), x, corners=True)


def assert_computes_the_same(theirs, assume, *, channels=3, size=(64, 96)):
    """Detects the network as ``assume``, compares outputs, and returns the detection."""
    detection = detect(theirs.state_dict(), assume=assume)
    assert detection.id == assume
    x = picture(channels, *size)
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4)
    return detection


@every("backbone", ["mobilenet", "resnet"])
@every("plus", [True, False])
def test_vainf_at_both_output_strides(backbone, plus):
    name = "deeplabv3plus_vainf" if plus else "deeplabv3_vainf"
    for stride, reading in ((8, name), (16, f"{name}_os16")):
        theirs = randomised(VainF(stride, backbone=backbone, plus=plus))
        detection = assert_computes_the_same(theirs, reading)
        assert detection.config.output_stride == stride
        assert (detection.config.low is not None) == plus


class Separable(nn.Module):
    """What VainF's option makes of a 3x3 convolution."""

    def __init__(self, old):
        super().__init__()
        into, out, options = old.in_channels, old.out_channels, {"dilation": old.dilation}
        deep = nn.Conv2d(into, into, 3, padding=old.padding, groups=into, bias=False, **options)
        self.body = nn.Sequential(deep, nn.Conv2d(into, out, 1, bias=False))

    def forward(self, x):
        return self.body(x)


def separated(module):
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and child.kernel_size == (3, 3):
            setattr(module, name, Separable(child))
        else:
            separated(child)


def test_vainf_with_separable_convolutions_behind_the_encoder():
    for plus, reading in ((True, "deeplabv3plus_vainf"), (False, "deeplabv3_vainf")):
        theirs = VainF(8, plus=plus)
        separated(theirs.classifier)
        detection = assert_computes_the_same(randomised(theirs), reading)
        assert detection.config.separable
        ours = detect(detection.build().state_dict())
        assert (ours.id, ours.config) == ("deeplab", detection.config)


@every("backbone", ["mobilenet", "resnet"])
def test_jfzhang95_at_both_output_strides(backbone):
    for stride, reading in ((16, "deeplab_jfzhang95"), (8, "deeplab_jfzhang95_os8")):
        theirs = randomised(JFZhang95(stride, backbone=backbone))
        assert assert_computes_the_same(theirs, reading).config.output_stride == stride


def test_jfzhang95_on_xception_and_drn():
    for backbone, stride, reading in (
        ("xception", 16, "deeplab_jfzhang95_xception"),
        ("xception", 8, "deeplab_jfzhang95_xception_os8"),
        ("drn", 8, "deeplab_jfzhang95_drn"),
    ):
        theirs = randomised(JFZhang95(stride, backbone=backbone, channels=2, classes=3))
        detection = assert_computes_the_same(theirs, reading, channels=2)
        assert (detection.config.in_channels, detection.config.classes) == (2, 3)
        exported = detection.build().state_dict()
        assert detect(exported, assume=reading).config == detection.config


def test_bubbliiiing_on_xception():
    for stride, reading in ((16, "deeplab_bubbliiiing"), (8, "deeplab_bubbliiiing_os8")):
        theirs = randomised(Bubbliiiing(stride, backbone="xception", channels=2, classes=3))
        detection = assert_computes_the_same(theirs, reading, channels=2)
        assert (detection.config.in_channels, detection.config.classes) == (2, 3)


def test_each_is_told_from_the_others_but_for_its_output_stride():
    networks = {
        "deeplabv3plus_vainf": VainF(8),
        "deeplabv3_vainf": VainF(8, backbone="resnet", plus=False),
        "deeplab_jfzhang95": JFZhang95(16, backbone="resnet"),
        "deeplab_bubbliiiing": Bubbliiiing(16),
    }
    found = {name: detect(theirs.state_dict()) for name, theirs in networks.items()}
    readings = {name: [one.id, *(it.id for it in one.alternatives)] for name, one in found.items()}
    others = ("vainf_os16", "vainf_os16", "jfzhang95_os8", "bubbliiiing_os8")
    assert readings == {
        name: [name, f"{name.partition('_')[0]}_{other}"]
        for name, other in zip(networks, others, strict=True)
    }


def test_jfzhang95_before_it_dropped_features_out():
    theirs = randomised(JFZhang95(16, backbone="resnet", dropout=False))
    assert_computes_the_same(theirs, "deeplab_jfzhang95_early")


def test_jfzhang95_where_blocks_are_written_once():
    theirs = randomised(JFZhang95(16))
    once = {key: t for key, t in theirs.state_dict().items() if "_level_features" not in key}
    expected, got = (detect(state).build() for state in (theirs.state_dict(), once))
    x = picture(height=40, width=56)
    torch.testing.assert_close(got(x), expected(x))
    del once["backbone.features.9.conv.0.weight"]
    with pytest.raises(UnknownNetworkError):
        detect(once)


def test_bubbliiiing_at_both_output_strides():
    for stride, reading in ((16, "deeplab_bubbliiiing"), (8, "deeplab_bubbliiiing_os8")):
        theirs = randomised(Bubbliiiing(stride))
        assert assert_computes_the_same(theirs, reading).config.output_stride == stride


@every(("channels", "classes"), [(1, 1), (4, 5)])
@every(
    ("network", "stride", "reading"),
    [
        (VainF, 8, "deeplabv3plus_vainf"),
        (JFZhang95, 16, "deeplab_jfzhang95"),
        (Bubbliiiing, 16, "deeplab_bubbliiiing"),
    ],
)
def test_channels_and_classes_are_read_from_the_shapes(network, stride, reading, channels, classes):
    theirs = randomised(network(stride, channels=channels, classes=classes))
    config = assert_computes_the_same(theirs, reading, channels=channels).config
    assert (config.in_channels, config.classes) == (channels, classes)


@every("size", [(3, 3), (33, 47)])
def test_odd_sizes_come_back_as_they_are(size):
    assert_computes_the_same(randomised(VainF(8)), "deeplabv3plus_vainf", size=size)
    assert_computes_the_same(randomised(JFZhang95(16)), "deeplab_jfzhang95", size=size)
    assert_computes_the_same(randomised(Bubbliiiing(16)), "deeplab_bubbliiiing", size=size)


@every("size", [(1, 1), (61, 33)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    detection = detect(randomised(VainF(8)).state_dict())
    assert predicted(detection, size).probabilities.shape == (2, size[1], size[0])


def test_an_exported_network_keeps_the_wiring_that_was_assumed():
    for network, reading in ((VainF(16), "deeplabv3plus_vainf_os16"), (JFZhang95(16), None)):
        theirs = detect(network.state_dict(), assume=reading)
        exported = theirs.build().state_dict()
        assert detect(exported, assume=theirs.id).config == theirs.config


def test_pictures_are_prepared_as_each_code_base_does():
    found = {
        name: detect(header(vector(name))).recipe["preprocessing"]
        for name in (
            "vainf_deeplabv3plus_resnet50",
            "jfzhang95_deeplab_mobilenet",
            "bubbliiiing_deeplabv3plus_mobilenet",
        )
    }
    assert found == {
        "vainf_deeplabv3plus_resnet50": IMAGENET,
        "jfzhang95_deeplab_mobilenet": IMAGENET,
        "bubbliiiing_deeplabv3plus_mobilenet": {"resize": "longest", "side": 512},
    }


def test_classes_of_voc_are_named_where_there_are_as_many():
    named = detect(header(vector("vainf_deeplabv3plus_mobilenet"))).recipe
    assert named["postprocessing"]["classes"] == list(VOC_CLASSES)
    assert "postprocessing" not in detect(VainF(8).state_dict()).recipe


def test_another_number_of_atrous_convolutions_is_refused():
    state_dict = VainF(8).state_dict()
    fewer = {key: t for key, t in state_dict.items() if ".aspp.convs.3." not in key}
    with pytest.raises(UnknownNetworkError):
        detect(fewer)
