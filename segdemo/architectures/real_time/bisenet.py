"""BiSeNet (Yu et al. 2018, arXiv:1808.00897): a deep context path beside a shallow spatial one.

Code bases differ in the attention that fuses both paths, and some take the ResNet's features at
stride 8 for the spatial path.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, count
from segdemo.architectures.encoders import dilated_resnet
from segdemo.architectures.encoders.dilated_resnet import ResNetEncoder, ResNetEncoderConfig
from segdemo.architectures.parts.conv_norm import ConvNorm, own_names, under, unit
from segdemo.architectures.parts.data_sets import (
    CITYSCAPES,
    CITYSCAPES_CLASSES,
    FACE_CLASSES,
    IMAGENET,
)


@dataclass(frozen=True, kw_only=True)
class BiSeNetConfig:
    """Encoder, widths, and which attention fuses the paths."""

    backbone: ResNetEncoderConfig
    context: int
    """Channels of the context path."""
    spatial: tuple[int, ...]
    """Channels after each convolution of the spatial path, the last of 1x1; empty without one."""
    fused: int
    """Channels after both paths are fused."""
    squeezed: int | None
    """Channels between the two convolutions of the fusing attention; None when it has only one,
    with a norm: that code base also gives the last convolution a bias."""
    head: int
    """Channels before the last convolution."""
    classes: int

    @property
    def in_channels(self) -> int:
        """Channels of the image."""
        return self.backbone.in_channels

    @property
    def align_corners(self) -> bool:
        """Of the last upsampling: with the older attention, not with the newer."""
        return self.squeezed is not None


def _mean(x: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(x, 1)


def _nearest(x: Tensor, other: Tensor) -> Tensor:
    """``x`` at the height and width of ``other``."""
    return functional.interpolate(x, other.shape[2:], mode="nearest")


class Refinement(nn.Module):
    """A convolution whose channels are weighed by their means (attention refinement module)."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.unit = ConvNorm(into, out, 3)
        self.attention = ConvNorm(out, out, activation="none")

    def forward(self, x: Tensor) -> Tensor:
        x = self.unit(x)
        return x * torch.sigmoid(self.attention(_mean(x)))


class ContextPath(nn.Module):
    """The encoder's features at stride 8, and refined ones at stride 8 from its depth."""

    def __init__(self, config: BiSeNetConfig) -> None:
        super().__init__()
        width = config.context
        *_, into16, into32 = [stage.out for stage in config.backbone.stages]
        self.backbone = ResNetEncoder(config.backbone)
        self.refine16 = Refinement(into16, width)
        self.refine32 = Refinement(into32, width)
        self.mean = ConvNorm(into32, width)
        self.up32 = ConvNorm(width, width, 3)
        self.up16 = ConvNorm(width, width, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        *_, at8, at16, at32 = self.backbone.features(x)
        y = self.refine32(at32) + self.mean(_mean(at32))
        y = self.refine16(at16) + self.up32(_nearest(y, at16))
        return at8, self.up16(_nearest(y, at8))


class SpatialPath(nn.Sequential):
    """Three convolutions that halve the size, of 7x7 and 3x3, and one of 1x1."""

    def __init__(self, into: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        for n, out in enumerate(widths):
            kernel, stride = (1, 1) if n == len(widths) - 1 else (3 if n else 7, 2)
            self.append(ConvNorm(into, out, kernel, stride=stride))
            into = out


class Fusion(nn.Module):
    """Both paths joined; then channels are weighed by their means and added (feature fusion)."""

    def __init__(self, into: int, out: int, squeezed: int | None) -> None:
        super().__init__()
        self.unit = ConvNorm(into, out)
        self.squeezes = squeezed is not None
        if squeezed is None:
            self.attention = ConvNorm(out, out, activation="none")
        else:
            self.squeeze = nn.Conv2d(out, squeezed, 1, bias=False)
            self.expand = nn.Conv2d(squeezed, out, 1, bias=False)

    def forward(self, spatial: Tensor, context: Tensor) -> Tensor:
        x = self.unit(torch.cat((spatial, context), dim=1))
        weights = _mean(x)
        if self.squeezes:
            weights = self.expand(functional.relu(self.squeeze(weights), inplace=True))
        else:
            weights = self.attention(weights)
        return x * torch.sigmoid(weights) + x


class BiSeNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W) of any size."""

    def __init__(self, config: BiSeNetConfig) -> None:
        super().__init__()
        self.align_corners = config.align_corners
        self.context = ContextPath(config)
        self.spatial: nn.Module | None = None
        into = config.context
        if config.spatial:
            self.spatial = SpatialPath(config.in_channels, config.spatial)
            into += config.spatial[-1]
        else:
            into += config.backbone.stages[-3].out
        self.fusion = Fusion(into, config.fused, config.squeezed)
        self.head = ConvNorm(config.fused, config.head, 3)
        self.last = nn.Conv2d(config.head, config.classes, 1, bias=config.squeezed is None)

    def forward(self, x: Tensor) -> Tensor:
        at8, context = self.context(x)
        fine = at8 if self.spatial is None else self.spatial(x)
        y = self.last(self.head(self.fusion(fine, context)))
        corners = self.align_corners
        return functional.interpolate(y, x.shape[2:], mode="bilinear", align_corners=corners)


def infer(shapes: Shapes) -> BiSeNetConfig:
    """The configuration that has these shapes under the names of BiSeNet."""
    squeeze = shapes.get("fusion.squeeze.weight")
    backbone = dilated_resnet.infer(under(shapes, "context.backbone"))
    if len(backbone.stages) < 3:
        raise ValueError(f"{len(backbone.stages)} stages do not reach stride 32")
    return BiSeNetConfig(
        backbone=backbone,
        context=shapes["context.mean.conv.weight"][0],
        spatial=tuple(
            shapes[f"spatial.{n}.conv.weight"][0]
            for n in range(count(shapes, "spatial.{}.conv.weight"))
        ),
        fused=shapes["fusion.unit.conv.weight"][0],
        squeezed=squeeze[0] if squeeze else None,
        head=shapes["head.conv.weight"][0],
        classes=shapes["last.weight"][0],
    )


def describe(config: BiSeNetConfig) -> str:
    """Encoder, and whether there is a spatial path: "on ResNet-18 with spatial path"."""
    return f"on {config.backbone.name}{' with spatial path' if config.spatial else ''}"


_CONTEXT = {
    **dilated_resnet.torchvision_names("cp.resnet", ours="context.backbone"),
    **unit("cp.arm{n}.conv", "context.refine{n}.unit", conv="conv", norm="bn"),
    **unit("cp.arm{n}", "context.refine{n}.attention", conv="conv_atten", norm="bn_atten"),
    **unit("cp.conv_avg", "context.mean", conv="conv", norm="bn"),
    **unit("cp.conv_head{n}", "context.up{n}", conv="conv", norm="bn"),
    **unit("ffm.convblk", "fusion.unit", conv="conv", norm="bn"),
    **unit("conv_out.conv", "head", conv="conv", norm="bn"),
    "conv_out.conv_out": "last",
    # Heads of the context path, for training alone.
    "conv_out{n}.conv.conv": None,
    "conv_out{n}.conv.bn": None,
    "conv_out{n}.conv_out": None,
}
_SPATIAL = {
    **unit("sp.conv{n}", "spatial.{n-1}", conv="conv", norm="bn"),
    **unit("sp.conv_out", "spatial.3", conv="conv", norm="bn"),
}
_SQUEEZED = {"ffm.conv1": "fusion.squeeze", "ffm.conv2": "fusion.expand"}

ARCHITECTURE = Architecture(
    id="bisenet",
    title="BiSeNet",
    build=BiSeNet,
    infer=infer,
    describe=describe,
    mappings=(
        KeyMapping(
            id="bisenet",
            origin="segdemo",
            renames={
                **{
                    f"context.backbone.{name}": f"context.backbone.{name}"
                    for name in dilated_resnet.OWN_NAMES
                },
                **own_names(
                    (
                        "context.refine{n}.unit",
                        "context.refine{n}.attention",
                        "context.mean",
                        "context.up{n}",
                        "spatial.{n}",
                        "fusion.unit",
                        "fusion.attention",
                        "head",
                    ),
                    ("fusion.squeeze", "fusion.expand", "last"),
                ),
            },
        ),
        KeyMapping(
            id="bisenet_coincheung",
            origin="CoinCheung/BiSeNet",
            renames={
                **_CONTEXT,
                **_SPATIAL,
                **unit("ffm", "fusion.attention", conv="conv", norm="bn"),
            },
            fits=lambda config: bool(config.spatial),
            recipe={"preprocessing": CITYSCAPES},
            trained_classes=CITYSCAPES_CLASSES,
        ),
        KeyMapping(
            id="bisenet_coincheung_early",
            origin="CoinCheung/BiSeNet before 2020",
            renames={**_CONTEXT, **_SPATIAL, **_SQUEEZED},
            fits=lambda config: bool(config.spatial),
            recipe={"preprocessing": IMAGENET},
            trained_classes=CITYSCAPES_CLASSES,
        ),
        KeyMapping(
            id="bisenet_zllrunning",
            origin="zllrunning/face-parsing.PyTorch",
            renames={**_CONTEXT, **_SQUEEZED},
            fits=lambda config: not config.spatial,
            # test.py: a square of 512 px.
            recipe={"preprocessing": {"resize": "stretch", "side": 512, **IMAGENET}},
            trained_classes=FACE_CLASSES,
        ),
    ),
)
