"""D-LinkNet (Zhou et al. 2018, CVPR Workshops) and CE-Net (Gu et al. 2019, arXiv:1903.02740).

LinkNet (arXiv:1707.03718) on a ResNet with a centre of dilated convolutions; CE-Net's centre ends
with maxima over squares of several sizes.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures import resnet_unet
from segdemo.architectures.base import (
    Architecture,
    KeyMapping,
    Shapes,
    SizeRequirements,
    count,
)
from segdemo.architectures.parts import resnet
from segdemo.architectures.resnet_unet import ResNetUNet, ResNetUNetConfig

_POOLS = (2, 3, 5, 6)
"""Sides of the squares whose maxima CE-Net joins to the features."""
_ATROUS = (1, 3, 5)
"""Dilations of the convolutions in CE-Net's centre."""


@dataclass(frozen=True, kw_only=True)
class DLinkNetConfig(ResNetUNetConfig):
    """A ResNet U-Net and its centre."""

    centre: Literal["cascade", "atrous"]
    """Convolutions one after another, all added up (D-LinkNet), or four ways through three of
    them, and maxima (CE-Net)."""
    dilated: int
    """How many convolutions the centre has."""


class Cascade(nn.Module):
    """Convolutions of dilation 1, 2, 4 and so on, one after another, all added to the input."""

    def __init__(self, width: int, dilated: int) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=2**n, dilation=2**n) for n in range(dilated)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = total = x
        for convolution in self.dilated:
            y = functional.relu(convolution(y))
            total = total + y
        return total


class AtrousWays(nn.Module):
    """Four ways through the same convolutions, added to the input; then maxima are joined to it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=rate, dilation=rate) for rate in _ATROUS
        )
        self.project = nn.Conv2d(width, width, 1)
        self.pooled = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        near, middle, wide = self.dilated
        first = near(x)
        second = middle(first)
        ways = (first, *(self.project(way) for way in (middle(x), second, wide(second))))
        for way in ways:
            x = x + functional.relu(way)
        return torch.cat([*(self._maxima(x, side) for side in _POOLS), x], dim=1)

    def _maxima(self, x: Tensor, side: int) -> Tensor:
        y = self.pooled(functional.max_pool2d(x, side, stride=side))
        return functional.interpolate(y, x.shape[2:], mode="bilinear", align_corners=False)


class DLinkNet(ResNetUNet):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), sides as `requirements`."""

    def __init__(self, config: DLinkNetConfig) -> None:
        super().__init__(config)
        deepest = config.stages[-1].out
        self.centre: nn.Module
        if config.centre == "cascade":
            self.centre = Cascade(deepest, config.dilated)
        else:
            self.centre = AtrousWays(deepest)
            inner, out = config.decoder[0]
            self.decoder[0] = resnet_unet.Expansion(deepest + len(_POOLS), inner, out)

    def features(self, x: Tensor) -> list[Tensor]:
        """Those of the ResNet, the deepest after the centre."""
        *skips, deepest = super().features(x)
        return [*skips, self.centre(deepest)]


def infer(shapes: Shapes) -> DLinkNetConfig:
    """The configuration that has these shapes under the names of DLinkNet."""
    dilated = count(shapes, "centre.dilated.{}.weight")
    atrous = "centre.pooled.weight" in shapes
    if not dilated or (atrous and dilated != len(_ATROUS)):
        raise ValueError(f"{dilated} dilated convolutions")
    return DLinkNetConfig(
        **vars(resnet_unet.infer(shapes)),
        centre="atrous" if atrous else "cascade",
        dilated=dilated,
    )


def describe(config: DLinkNetConfig) -> str:
    """Which of the two, on which ResNet: "D-LinkNet on ResNet-34"."""
    name = "CE-Net" if config.centre == "atrous" else "D-LinkNet"
    return f"{name} on {resnet_unet.describe(config).partition(',')[0]}"


def requirements(config: DLinkNetConfig) -> SizeRequirements:
    """Those of the ResNet; the largest square has to fit into the deepest features."""
    multiple = resnet.requirements(config).multiple_of
    squares = max(_POOLS) if config.centre == "atrous" else 1
    return SizeRequirements(minimum=squares * multiple, multiple_of=multiple)


_OWN = {
    **resnet_unet.ARCHITECTURE.mappings[0].renames,
    **{name: name for name in ("centre.dilated.{n}", "centre.project", "centre.pooled")},
}
_CENTRE = {"dblock.dilate{n}": "centre.dilated.{n-1}"}
# Both code bases: BGR, -1.6 to 1.6; the sigmoid stands inside, one for each class.
_PREPROCESSING = {"channels": "bgr", "mean": [0.5], "std": [0.3125]}
_POSTPROCESSING = {"activation": "sigmoid"}

ARCHITECTURE = Architecture(
    id="dlinknet",
    title="D-LinkNet, CE-Net",
    build=DLinkNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=(
        KeyMapping(id="dlinknet", origin="segdemo", renames=_OWN),
        KeyMapping(
            id="dlinknet_zlckanata",
            origin="zlckanata/DeepGlobe-Road-Extraction-Challenge",
            renames={**resnet_unet.LINKNET_NAMES, **_CENTRE},
            fits=lambda config: config.centre == "cascade",
            recipe={"preprocessing": _PREPROCESSING, "postprocessing": _POSTPROCESSING},
        ),
        KeyMapping(
            id="cenet_guzaiwang",
            origin="Guzaiwang/CE-Net",
            renames={
                **resnet_unet.LINKNET_NAMES,
                **_CENTRE,
                "dblock.conv1x1": "centre.project",
                "spp.conv": "centre.pooled",
            },
            fits=lambda config: config.centre == "atrous",
            recipe={
                "preprocessing": {**_PREPROCESSING, "resize": "stretch", "side": 448},
                "postprocessing": _POSTPROCESSING,
            },
        ),
    ),
)
