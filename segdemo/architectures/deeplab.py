"""DeepLabV3+ (Chen et al. 2018, arXiv:1802.02611), and DeepLabV3 (arXiv:1706.05587) beside it.

A dilated encoder, atrous convolutions of several rates side by side, and a small decoder that
joins the features at stride 4; version 3 has no decoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures import encoders
from segdemo.architectures.base import (
    Architecture,
    KeyMapping,
    Shapes,
    SizeRequirements,
    count,
)
from segdemo.architectures.encoders import (
    EncoderConfig,
    dilated_resnet,
    drn,
    mobilenet,
    xception,
)
from segdemo.architectures.encoders.dilated_resnet import ResNetEncoder
from segdemo.architectures.encoders.drn import DRN, DRNConfig
from segdemo.architectures.encoders.mobilenet import Dilation, MobileNetConfig, MobileNetV2
from segdemo.architectures.encoders.xception import Variant, Xception, XceptionConfig
from segdemo.architectures.parts.conv_norm import ConvNorm, own_names, under, unit
from segdemo.architectures.parts.data_sets import IMAGENET, VOC_CLASSES

_RATES = (6, 12, 18)
"""Of the atrous convolutions at an output stride of 16; at 8 they are twice as large."""


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What a code base computes that no tensor tells."""

    low_first: bool
    """The order in which the decoder joins the fine and the deep features."""
    align_corners: bool
    """Of every bilinear upsampling."""
    mobilenet_dilation: Dilation = "torchvision"
    resnet_dilation: Dilation = "torchvision"
    xception: Variant = "bubbliiiing"
    pads_first: bool = True
    """Whether MobileNet's blocks pad what they are given rather than what it expands to."""
    stem_padding: int = 1
    """Of MobileNet's first convolution."""


VAINF = Wiring(low_first=True, align_corners=False, stem_padding=0)
JFZHANG95 = Wiring(
    low_first=False,
    align_corners=True,
    mobilenet_dilation="lagging",
    resnet_dilation="multi_grid",
    xception="jfzhang95",
)
BUBBLIIIING = Wiring(low_first=False, align_corners=True, pads_first=False)


@dataclass(frozen=True, kw_only=True)
class DeepLabConfig:
    """Encoder, widths, and the wiring of one of the code bases."""

    backbone: EncoderConfig
    width: int
    """Channels after each of the parallel convolutions."""
    fused: int
    """Channels after they are fused."""
    low: int | None
    """Channels of the fine features in the decoder; None when there is no decoder."""
    head: tuple[int, ...]
    """Channels after each 3x3 convolution before the last."""
    classes: int
    separable: bool = False
    """Whether the 3x3 convolutions behind the encoder are separable."""
    output_stride: int = 8
    wiring: Wiring = VAINF

    @property
    def in_channels(self) -> int:
        """Channels of the image."""
        return self.backbone.in_channels


class AtrousPyramid(nn.Module):
    """1x1, atrous 3x3 of each rate and the mean of all positions, joined and fused (ASPP)."""

    def __init__(
        self, into: int, width: int, fused: int, *, rates: tuple[int, ...], separable: bool
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList([ConvNorm(into, width)])
        for rate in rates:
            self.branches.append(ConvNorm(into, width, 3, dilation=rate, separable=separable))
        self.pooled = ConvNorm(into, width)
        self.fuse = ConvNorm((len(rates) + 2) * width, fused)

    def forward(self, x: Tensor) -> Tensor:
        branches = [branch(x) for branch in self.branches]
        pooled = self.pooled(functional.adaptive_avg_pool2d(x, 1))
        branches.append(pooled.expand(-1, -1, x.shape[2], x.shape[3]))
        fused: Tensor = self.fuse(torch.cat(branches, dim=1))
        return functional.dropout(fused, 0.1, training=self.training)


class DeepLab(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W)."""

    def __init__(self, config: DeepLabConfig) -> None:
        super().__init__()
        self.wiring = config.wiring
        self.backbone = _backbone(config)
        finer = 16 // config.output_stride
        self.aspp = AtrousPyramid(
            config.backbone.out,
            config.width,
            config.fused,
            rates=tuple(rate * finer for rate in _RATES),
            separable=config.separable,
        )
        into = config.fused
        self.low: nn.Module | None = None
        if config.low is not None:
            self.low = ConvNorm(self.backbone.low_channels, config.low)
            into += config.low
        self.head = nn.Sequential()
        for out in config.head:
            self.head.append(ConvNorm(into, out, 3, separable=config.separable))
            into = out
        self.last = nn.Conv2d(into, config.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        low, deep = self.backbone(x)
        y = self.aspp(deep)
        if self.low is not None:
            fine = self.low(low)
            y = self._resized(y, fine)
            y = torch.cat((fine, y) if self.wiring.low_first else (y, fine), dim=1)
        return self._resized(self.last(self.head(y)), x)

    def _resized(self, x: Tensor, other: Tensor) -> Tensor:
        """``x`` at the height and width of ``other``."""
        corners = self.wiring.align_corners
        return functional.interpolate(x, other.shape[2:], mode="bilinear", align_corners=corners)


def _backbone(config: DeepLabConfig) -> MobileNetV2 | ResNetEncoder | Xception | DRN:
    wiring, stride = config.wiring, config.output_stride
    if isinstance(config.backbone, MobileNetConfig):
        return MobileNetV2(
            config.backbone,
            output_stride=stride,
            dilation=wiring.mobilenet_dilation,
            pads_first=wiring.pads_first,
            stem_padding=wiring.stem_padding,
        )
    if isinstance(config.backbone, XceptionConfig):
        return Xception(config.backbone, output_stride=stride, variant=wiring.xception)
    if isinstance(config.backbone, DRNConfig):
        return DRN(config.backbone)
    return ResNetEncoder(config.backbone, output_stride=stride, dilation=wiring.resnet_dilation)


def infer(shapes: Shapes) -> DeepLabConfig:
    """The configuration that has these shapes under the names of DeepLab."""
    if count(shapes, "aspp.branches.{}.conv.weight") != 1 + len(_RATES):
        raise ValueError("other atrous convolutions than those of the paper")
    low = shapes.get("low.conv.weight")
    return DeepLabConfig(
        backbone=encoders.infer(under(shapes, "backbone")),
        width=shapes["aspp.branches.0.conv.weight"][0],
        fused=shapes["aspp.fuse.conv.weight"][0],
        low=low[0] if low else None,
        head=tuple(
            shapes[f"head.{n}.conv.weight"][0] for n in range(count(shapes, "head.{}.conv.weight"))
        ),
        classes=shapes["last.weight"][0],
        separable="head.0.depthwise.weight" in shapes,
    )


def describe(config: DeepLabConfig) -> str:
    """Encoder and output stride: "on ResNet-50, output stride 8"."""
    version = "" if config.low is not None else "V3 "
    return f"{version}on {config.backbone.name}, output stride {config.output_stride}"


def requirements(config: DeepLabConfig) -> SizeRequirements:
    """An unpadded first convolution needs as many pixels as its kernel has."""
    unpadded = isinstance(config.backbone, MobileNetConfig) and not config.wiring.stem_padding
    return SizeRequirements(minimum=3 if unpadded else 1)


_OWN = {
    **encoders.own_names("backbone"),
    **own_names(
        ("aspp.branches.{n}", "aspp.pooled", "aspp.fuse", "low", "head.{n}"),
        ("aspp.branches.{n}.depthwise", "head.{n}.depthwise", "last"),
    ),
}


def _separable(theirs: str, ours: str) -> dict[str, str | None]:
    """What becomes of a convolution with main.py's ``--separable_conv``."""
    return {f"{theirs}.body.0": f"{ours}.depthwise", f"{theirs}.body.1": f"{ours}.conv"}


def _vainf_pyramid(theirs: str) -> dict[str, str | None]:
    return {
        # Without its activation the pooling stands first.
        **unit(f"{theirs}.convs.4", "aspp.pooled", conv="1", norm="2"),
        **unit(f"{theirs}.convs.{{n}}", "aspp.branches.{n}", conv="0", norm="1"),
        **_separable(f"{theirs}.convs.{{n}}.0", "aspp.branches.{n}"),
        **unit(f"{theirs}.project", "aspp.fuse", conv="0", norm="1"),
    }


_VAINF_BACKBONE = {
    **dilated_resnet.torchvision_names("backbone"),
    **mobilenet.sequential("backbone.low_level_features", nested=True),
    **mobilenet.sequential("backbone.high_level_features", nested=True),
}
_VAINF_PLUS = {
    **_VAINF_BACKBONE,
    **_vainf_pyramid("classifier.aspp"),
    **unit("classifier.project", "low", conv="0", norm="1"),
    **unit("classifier.classifier", "head.0", conv="0", norm="1"),
    **_separable("classifier.classifier.0", "head.0"),
    "classifier.classifier.3": "last",
}
_VAINF_V3 = {
    **_VAINF_BACKBONE,
    **_vainf_pyramid("classifier.classifier.0"),
    **unit("classifier.classifier", "head.0", conv="1", norm="2"),
    **_separable("classifier.classifier.1", "head.0"),
    "classifier.classifier.4": "last",
}

_JFZHANG95_HEAD: dict[str, str | None] = {
    **unit("aspp.aspp{n}", "aspp.branches.{n-1}", conv="atrous_conv", norm="bn"),
    **unit("aspp.global_avg_pool", "aspp.pooled", conv="1", norm="2"),
    **unit("aspp", "aspp.fuse", conv="conv1", norm="bn1"),
    **unit("decoder", "low", conv="conv1", norm="bn1"),
    **unit("decoder.last_conv", "head.0", conv="0", norm="1"),
}
# With dropout between the convolutions in the later code, without in the earlier.
_LATE = {
    **unit("decoder.last_conv", "head.1", conv="4", norm="5"),
    "decoder.last_conv.8": "last",
}
_EARLY = {
    **unit("decoder.last_conv", "head.1", conv="3", norm="4"),
    "decoder.last_conv.6": "last",
}
_JFZHANG95: dict[str, str | None] = {
    **dilated_resnet.torchvision_names("backbone"),
    **mobilenet.sequential("backbone.low_level_features"),
    **mobilenet.sequential("backbone.high_level_features"),
    # The blocks of MobileNet are saved twice: all, and again before and behind stride 4.
    **dict.fromkeys(mobilenet.sequential("backbone.features")),
    **_JFZHANG95_HEAD,
}
_JFZHANG95_ONCE = {**mobilenet.sequential("backbone.features"), **_JFZHANG95_HEAD}
_JFZHANG95_XCEPTION = {**xception.jfzhang95_names("backbone", "backbone"), **_JFZHANG95_HEAD}
_JFZHANG95_DRN = {**drn.names("backbone", "backbone"), **_JFZHANG95_HEAD}

_BUBBLIIIING = {
    **mobilenet.sequential("backbone.features"),
    **xception.bubbliiiing_names("backbone", "backbone"),
    **unit("aspp.branch{n}", "aspp.branches.{n-1}", conv="0", norm="1"),
    **unit("aspp", "aspp.pooled", conv="branch5_conv", norm="branch5_bn"),
    **unit("aspp.conv_cat", "aspp.fuse", conv="0", norm="1"),
    **unit("shortcut_conv", "low", conv="0", norm="1"),
    **unit("cat_conv", "head.0", conv="0", norm="1"),
    **unit("cat_conv", "head.1", conv="4", norm="5"),
    "cls_conv": "last",
}


def _vainf(name: str, renames: Mapping[str, str | None], stride: int) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin="VainF/DeepLabV3Plus-Pytorch",
        renames=renames,
        known={} if stride == 8 else {"output_stride": stride},
        recipe={"preprocessing": IMAGENET},
        trained_classes=VOC_CLASSES,
    )


def _jfzhang95(name: str, renames: Mapping[str, str | None], stride: int) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin="jfzhang95/pytorch-deeplab-xception",
        renames=renames,
        known={"wiring": JFZHANG95, "output_stride": stride},
        recipe={"preprocessing": IMAGENET},
        trained_classes=VOC_CLASSES,
    )


def _bubbliiiing(name: str, stride: int) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin="bubbliiiing/deeplabv3-plus-pytorch",
        renames=_BUBBLIIIING,
        known={"wiring": BUBBLIIIING, "output_stride": stride},
        folds_bias=True,
        # deeplab.py: 512 px, divided by 255, nothing else.
        recipe={"preprocessing": {"resize": "longest", "side": 512}},
        trained_classes=VOC_CLASSES,
    )


ARCHITECTURE = Architecture(
    id="deeplab",
    title="DeepLabV3+",
    build=DeepLab,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=(
        KeyMapping(id="deeplab", origin="segdemo", renames=_OWN),
        _vainf("deeplabv3plus_vainf", _VAINF_PLUS, 8),
        _vainf("deeplabv3plus_vainf_os16", _VAINF_PLUS, 16),
        _vainf("deeplabv3_vainf", _VAINF_V3, 8),
        _vainf("deeplabv3_vainf_os16", _VAINF_V3, 16),
        _jfzhang95("deeplab_jfzhang95", {**_JFZHANG95, **_LATE}, 16),
        _jfzhang95("deeplab_jfzhang95_os8", {**_JFZHANG95, **_LATE}, 8),
        _jfzhang95("deeplab_jfzhang95_early", {**_JFZHANG95, **_EARLY}, 16),
        # Where a tensor is written once it has the first of its names.
        _jfzhang95("deeplab_jfzhang95_once", {**_JFZHANG95_ONCE, **_LATE}, 16),
        _jfzhang95("deeplab_jfzhang95_xception", {**_JFZHANG95_XCEPTION, **_LATE}, 16),
        _jfzhang95("deeplab_jfzhang95_xception_os8", {**_JFZHANG95_XCEPTION, **_LATE}, 8),
        _jfzhang95("deeplab_jfzhang95_drn", {**_JFZHANG95_DRN, **_LATE}, 8),
        _bubbliiiing("deeplab_bubbliiiing", 16),
        _bubbliiiing("deeplab_bubbliiiing_os8", 8),
    ),
)
