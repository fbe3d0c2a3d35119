"""MODNet (Ke et al. 2020, arXiv:2011.11961): the matte of a person, from one image.

A low-resolution branch on MobileNetV2 finds the person, a high-resolution branch the details, and
a fusion branch joins both. Half of the channels of a norm are normalised by the batch, half by
each image.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import (
    Architecture,
    KeyMapping,
    Shapes,
    SizeRequirements,
    count,
)
from segdemo.architectures.encoders import mobilenet
from segdemo.architectures.encoders.mobilenet import MobileNetConfig, MobileNetV2
from segdemo.architectures.parts.conv_norm import under

_HALVES = 5
"""How often the encoder halves the size."""
_AT2, _AT4 = 0, 2
"""The blocks of MobileNetV2 whose features are joined, at strides 2 and 4."""


@dataclass(frozen=True, kw_only=True)
class MODNetConfig:
    """Encoder, and widths of the branches."""

    backbone: MobileNetConfig
    squeezed: int
    """Channels between the two layers that weigh the encoder's channels."""
    low: tuple[int, int]
    """Channels at strides 16 and 8 of the low-resolution branch."""
    width: int
    """Channels of the high-resolution branch."""
    classes: int

    @property
    def in_channels(self) -> int:
        """Channels of the image."""
        return self.backbone.in_channels


class HalfNorm(nn.Module):
    """Batch norm for the first half of the channels, instance norm for the others (IBNorm)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.batch = nn.BatchNorm2d(channels // 2)
        self.split = channels // 2

    def forward(self, x: Tensor) -> Tensor:
        first, second = x[:, : self.split], x[:, self.split :]
        return torch.cat((self.batch(first), functional.instance_norm(second)), dim=1)


class Unit(nn.Module):
    """Convolution, half norm, ReLU."""

    def __init__(self, into: int, out: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, stride, padding=kernel // 2)
        self.norm = HalfNorm(out)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)), inplace=True)


def _resized(x: Tensor, factor: float) -> Tensor:
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class LowBranch(nn.Module):
    """Features at stride 8 from the deepest, whose channels are weighed by their means."""

    def __init__(self, config: MODNetConfig) -> None:
        super().__init__()
        deep = config.backbone.out
        self.squeeze = nn.Linear(deep, config.squeezed, bias=False)
        self.expand = nn.Linear(config.squeezed, deep, bias=False)
        self.at16 = Unit(deep, config.low[0], 5)
        self.at8 = Unit(*config.low, 5)

    def forward(self, x: Tensor) -> Tensor:
        weights = functional.relu(self.squeeze(x.mean(dim=(2, 3))), inplace=True)
        x = x * torch.sigmoid(self.expand(weights))[:, :, None, None]
        x = self.at16(_resized(x, 2))
        features: Tensor = self.at8(_resized(x, 2))
        return features


class HighBranch(nn.Module):
    """Features at stride 2 from those of the encoder, the low branch and the image."""

    def __init__(self, config: MODNetConfig) -> None:
        super().__init__()
        width, channels = config.width, config.in_channels
        blocks = config.backbone.blocks
        self.enter2 = Unit(blocks[_AT2][1], width, 1)
        self.enter4 = Unit(blocks[_AT4][1], width, 1)
        self.down = Unit(width + channels, width, 3, stride=2)
        self.join4 = Unit(2 * width, 2 * width, 3)
        self.at4 = nn.Sequential(
            Unit(2 * width + config.low[1] + channels, 2 * width, 3),
            Unit(2 * width, 2 * width, 3),
            Unit(2 * width, width, 3),
        )
        self.at2 = nn.Sequential(
            Unit(2 * width, 2 * width, 3),
            Unit(2 * width, width, 3),
            Unit(width, width, 3),
            Unit(width, width, 3),
        )

    def forward(self, x: Tensor, enc2: Tensor, enc4: Tensor, low: Tensor) -> Tensor:
        enc2 = self.enter2(enc2)
        y = self.down(torch.cat((_resized(x, 1 / 2), enc2), dim=1))
        y = self.join4(torch.cat((y, self.enter4(enc4)), dim=1))
        y = self.at4(torch.cat((y, _resized(low, 2), _resized(x, 1 / 4)), dim=1))
        features: Tensor = self.at2(torch.cat((_resized(y, 2), enc2), dim=1))
        return features


class FusionBranch(nn.Module):
    """Logits of the matte from both branches and the image."""

    def __init__(self, config: MODNetConfig) -> None:
        super().__init__()
        width = config.width
        self.low = Unit(config.low[1], width, 5)
        self.join = Unit(2 * width, width, 3)
        self.fine = Unit(width + config.in_channels, width // 2, 3)
        self.last = nn.Conv2d(width // 2, config.classes, 1)

    def forward(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        low = _resized(self.low(_resized(low, 2)), 2)
        y = _resized(self.join(torch.cat((low, high), dim=1)), 2)
        logits: Tensor = self.last(self.fine(torch.cat((y, x), dim=1)))
        return logits


class MODNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W multiples of 32."""

    def __init__(self, config: MODNetConfig) -> None:
        super().__init__()
        self.backbone = MobileNetV2(config.backbone)
        self.low = LowBranch(config)
        self.high = HighBranch(config)
        self.fusion = FusionBranch(config)

    def forward(self, x: Tensor) -> Tensor:
        features = self.backbone.features(x)
        low = self.low(features[-1])
        high = self.high(x, features[_AT2], features[_AT4], low)
        logits: Tensor = self.fusion(x, low, high)
        return logits


def infer(shapes: Shapes) -> MODNetConfig:
    """The configuration that has these shapes under the names of MODNet."""
    backbone = mobilenet.infer(under(shapes, "backbone"))
    if backbone.last is None or count(shapes, "high.at2.{}.conv.weight") == 0:
        raise ValueError("no MODNet")
    return MODNetConfig(
        backbone=backbone,
        squeezed=shapes["low.squeeze.weight"][0],
        low=(shapes["low.at16.conv.weight"][0], shapes["low.at8.conv.weight"][0]),
        width=shapes["high.enter2.conv.weight"][0],
        classes=shapes["fusion.last.weight"][0],
    )


def describe(config: MODNetConfig) -> str:
    """Encoder and width: "on MobileNetV2, width 32"."""
    return f"on {config.backbone.name}, width {config.width}"


def requirements(config: MODNetConfig) -> SizeRequirements:
    """What is joined was halved by strides here and by a factor there."""
    return SizeRequirements(minimum=1 << _HALVES, multiple_of=1 << _HALVES)


_UNITS = {
    "low.at16": "lr_branch.conv_lr16x",
    "low.at8": "lr_branch.conv_lr8x",
    "high.enter2": "hr_branch.tohr_enc2x",
    "high.enter4": "hr_branch.tohr_enc4x",
    "high.down": "hr_branch.conv_enc2x",
    "high.join4": "hr_branch.conv_enc4x",
    "high.at4.{n}": "hr_branch.conv_hr4x.{n}",
    "high.at2.{n}": "hr_branch.conv_hr2x.{n}",
    "fusion.low": "f_branch.conv_lr4x",
    "fusion.join": "f_branch.conv_f2x",
    "fusion.fine": "f_branch.conv_f.0",
}
_LAYERS = {
    "low.squeeze": "lr_branch.se_block.fc.0",
    "low.expand": "lr_branch.se_block.fc.2",
    "fusion.last": "f_branch.conv_f.1.layers.0",
}
_BRANCHES: dict[str, str | None] = {
    **{f"{theirs}.layers.0": f"{ours}.conv" for ours, theirs in _UNITS.items()},
    **{f"{theirs}.layers.1.bnorm": f"{ours}.norm.batch" for ours, theirs in _UNITS.items()},
    **{theirs: ours for ours, theirs in _LAYERS.items()},
    # What training compares with coarse mattes and with edges.
    "lr_branch.conv_lr.layers.0": None,
    "hr_branch.conv_hr.{n}.layers.0": None,
    "hr_branch.conv_hr.{n}.layers.1.bnorm": None,
}
_FIRST, _SECOND = "backbone.model.features", "lr_branch.backbone.model.features"


def _zhkkke(name: str, renames: dict[str, str | None]) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin="ZHKKKe/MODNet",
        renames={**renames, **_BRANCHES},
        # The demo: -1 to 1, the shorter side 512; the sigmoid stands inside.
        recipe={
            "preprocessing": {"resize": "shortest", "side": 512, "mean": [0.5], "std": [0.5]},
            "postprocessing": {"activation": "sigmoid"},
        },
    )


ARCHITECTURE = Architecture(
    id="modnet",
    title="MODNet",
    build=MODNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=(
        KeyMapping(
            id="modnet",
            origin="segdemo",
            renames={
                **{f"backbone.{name}": f"backbone.{name}" for name in mobilenet.OWN_NAMES},
                **{
                    f"{ours}.{part}": f"{ours}.{part}"
                    for ours in _UNITS
                    for part in ("conv", "norm.batch")
                },
                **{ours: ours for ours in _LAYERS},
            },
        ),
        # The encoder is saved twice; where a tensor is written once it has the first name.
        _zhkkke(
            "modnet_zhkkke",
            {**mobilenet.sequential(_SECOND), **dict.fromkeys(mobilenet.sequential(_FIRST))},
        ),
        _zhkkke("modnet_zhkkke_once", mobilenet.sequential(_FIRST)),
    ),
)
