"""PSPNet (Zhao et al. 2016, arXiv:1612.01105): means over grids of 1, 2, 3 and 6 join the features.

The encoder is a dilated ResNet with a stem of three convolutions, as in the paper, or MobileNetV2.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures import encoders
from segdemo.architectures.base import Architecture, KeyMapping, Shapes, count
from segdemo.architectures.encoders import EncoderConfig, dilated_resnet, mobilenet
from segdemo.architectures.encoders.dilated_resnet import ResNetEncoder, ResNetEncoderConfig
from segdemo.architectures.encoders.mobilenet import MobileNetConfig, MobileNetV2
from segdemo.architectures.parts.conv_norm import ConvNorm, own_names, under, unit
from segdemo.architectures.parts.data_sets import VOC_CLASSES

_GRIDS = (1, 2, 3, 6)
"""Rows and columns of the means."""


@dataclass(frozen=True, kw_only=True)
class PSPNetConfig:
    """Encoder and widths."""

    backbone: EncoderConfig
    width: int
    """Channels of the means over each grid."""
    fused: int
    """Channels after they and the features are fused."""
    classes: int
    output_stride: int = 16

    @property
    def in_channels(self) -> int:
        """Channels of the image."""
        return self.backbone.in_channels


class PyramidPooling(nn.Module):
    """Means over grids, each convolved, upsampled, joined to the features; then fused."""

    def __init__(self, into: int, width: int, fused: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(ConvNorm(into, width) for _ in _GRIDS)
        self.fuse = ConvNorm(into + len(_GRIDS) * width, fused, 3)

    def forward(self, x: Tensor) -> Tensor:
        joined = [x]
        for grid, stage in zip(_GRIDS, self.stages, strict=True):
            y = stage(functional.adaptive_avg_pool2d(x, grid))
            y = functional.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)
            joined.append(y)
        fused: Tensor = self.fuse(torch.cat(joined, dim=1))
        return functional.dropout2d(fused, 0.1, training=self.training)


class PSPNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W) of any size."""

    def __init__(self, config: PSPNetConfig) -> None:
        super().__init__()
        self.backbone = _backbone(config)
        self.pyramid = PyramidPooling(config.backbone.out, config.width, config.fused)
        self.last = nn.Conv2d(config.fused, config.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        _, deep = self.backbone(x)
        y = self.last(self.pyramid(deep))
        return functional.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)


def _backbone(config: PSPNetConfig) -> nn.Module:
    if isinstance(config.backbone, MobileNetConfig):
        return MobileNetV2(config.backbone, output_stride=config.output_stride)
    if isinstance(config.backbone, ResNetEncoderConfig):
        return ResNetEncoder(config.backbone, output_stride=config.output_stride)
    raise ValueError(f"PSPNet is built on no {config.backbone.name}")


def infer(shapes: Shapes) -> PSPNetConfig:
    """The configuration that has these shapes under the names of PSPNet."""
    if count(shapes, "pyramid.stages.{}.conv.weight") != len(_GRIDS):
        raise ValueError("other grids than those of the paper")
    return PSPNetConfig(
        backbone=encoders.infer(under(shapes, "backbone")),
        width=shapes["pyramid.stages.0.conv.weight"][0],
        fused=shapes["pyramid.fuse.conv.weight"][0],
        classes=shapes["last.weight"][0],
    )


def describe(config: PSPNetConfig) -> str:
    """Encoder and output stride: "on ResNet-50, output stride 16"."""
    return f"on {config.backbone.name}, output stride {config.output_stride}"


_BUBBLIIIING = {
    **dilated_resnet.torchvision_names("backbone"),
    **mobilenet.sequential("backbone.features"),
    **unit("master_branch.0.stages.{n}", "pyramid.stages.{n}", conv="1", norm="2"),
    **unit("master_branch.0.bottleneck", "pyramid.fuse", conv="0", norm="1"),
    "master_branch.1": "last",
    # Of the features before the last stage, for training alone.
    "auxiliary_branch.{n}": None,
}


def _bubbliiiing(name: str, stride: int) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin="bubbliiiing/pspnet-pytorch",
        renames=_BUBBLIIIING,
        known={} if stride == 16 else {"output_stride": stride},
        # pspnet.py: 473 px, divided by 255, nothing else.
        recipe={"preprocessing": {"resize": "longest", "side": 473}},
        trained_classes=VOC_CLASSES,
    )


ARCHITECTURE = Architecture(
    id="pspnet",
    title="PSPNet",
    build=PSPNet,
    infer=infer,
    describe=describe,
    mappings=(
        KeyMapping(
            id="pspnet",
            origin="segdemo",
            renames={
                **encoders.own_names("backbone"),
                **own_names(("pyramid.stages.{n}", "pyramid.fuse"), ("last",)),
            },
        ),
        _bubbliiiing("pspnet_bubbliiiing", 16),
        _bubbliiiing("pspnet_bubbliiiing_os8", 8),
    ),
)
