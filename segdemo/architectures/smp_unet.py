"""The Unet of segmentation_models_pytorch: a U-Net whose contracting path is a ResNet.

https://github.com/qubvel-org/segmentation_models.pytorch; its other paths (EfficientNet and what
timm has beside ResNets) and the attention between them are other networks.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, count
from segdemo.architectures.parts.data_sets import IMAGENET
from segdemo.architectures.parts.resnet import (
    OWN_NAMES,
    Contraction,
    ResNetConfig,
    infer_stages,
    name_of,
    requirements,
    standard_stages,
)


@dataclass(frozen=True, kw_only=True)
class SmpUNetConfig(ResNetConfig):
    """The stages of the contracting path from the image down, and the way up."""

    decoder: tuple[int, ...]
    """Channels after each block of the expanding path, the deepest first: one more than stages."""
    norm: bool = True
    """Whether a batch norm follows each convolution of the expanding path."""
    head_kernel: int = 3

    @classmethod
    def standard(
        cls,
        *,
        in_channels: int = 3,
        classes: int = 1,
        blocks: tuple[int, ...] = (3, 4, 6, 3),
        width: int = 64,
        bottleneck: bool = False,
    ) -> "SmpUNetConfig":
        """On a ResNet-34, or another one by its ``blocks``; the way up narrows to width / 4."""
        stages = standard_stages(blocks, width, bottleneck=bottleneck)
        return cls(
            in_channels=in_channels,
            classes=classes,
            stem=width,
            bottleneck=bottleneck,
            stages=stages,
            decoder=tuple(width * 2**level // 4 for level in range(len(blocks), -1, -1)),
        )


class Expansion(nn.Module):
    """Doubles the size by repeating pixels, joins the skip, and convolves twice."""

    def __init__(self, into: int, skip: int, out: int, *, norm: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into + skip, out, 3, padding=1, bias=not norm)
        self.norm1 = nn.BatchNorm2d(out) if norm else nn.Identity()
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=not norm)
        self.norm2 = nn.BatchNorm2d(out) if norm else nn.Identity()

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = functional.interpolate(x, scale_factor=2, mode="nearest")
        if skip is not None:
            x = torch.cat([x, skip], dim=1)
        x = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        return functional.relu(self.norm2(self.conv2(x)), inplace=True)


class SmpUNet(Contraction):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W multiples of 32.

    Other sizes raise RuntimeError or come back rounded up to a multiple. Nothing lies at full
    size to be joined, so the last block of the expanding path has no skip.
    """

    def __init__(self, config: SmpUNetConfig) -> None:
        super().__init__(config)
        deepest, *skips = [stage.out for stage in config.stages[::-1]]
        self.decoder = nn.ModuleList(
            Expansion(into, skip, out, norm=config.norm)
            for into, skip, out in zip(
                (deepest, *config.decoder), (*skips, config.stem, 0), config.decoder, strict=False
            )
        )
        kernel = config.head_kernel
        self.head = nn.Conv2d(config.decoder[-1], config.classes, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        *skips, x = self.features(x)
        for block in self.decoder:
            x = block(x, skips.pop() if skips else None)
        logits: Tensor = self.head(x)
        return logits


def infer(shapes: Shapes) -> SmpUNetConfig:
    """The configuration that has these shapes under the names of SmpUNet."""
    stages, bottleneck = infer_stages(shapes)
    expansions = count(shapes, "decoder.{}.conv1.weight")
    if len(stages) + 1 != expansions:
        raise ValueError(f"{len(stages)} stages and a stem down, {expansions} up")
    stem, in_channels = shapes["stem_conv.weight"][:2]
    classes, _, head_kernel, _ = shapes["head.weight"]
    return SmpUNetConfig(
        in_channels=in_channels,
        classes=classes,
        stem=stem,
        bottleneck=bottleneck,
        stages=stages,
        decoder=tuple(shapes[f"decoder.{level}.conv1.weight"][0] for level in range(expansions)),
        norm="decoder.0.norm1.weight" in shapes,
        head_kernel=head_kernel,
    )


def describe(config: SmpUNetConfig) -> str:
    """Which ResNet it is built on, such as "on ResNet-34"."""
    return f"on {name_of(config.stages, bottleneck=config.bottleneck)}"


def _names(encoder: str) -> dict[str, str | None]:
    """Its names, with those of the contracting path under ``encoder``."""
    return {
        f"{encoder}.conv1": "stem_conv",
        f"{encoder}.bn1": "stem_norm",
        # The children of torchvision's ResNet, which timm calls so too.
        f"{encoder}.layer{{n}}.{{k}}.conv{{i}}": "encoder.{n-1}.{k}.conv{i}",
        f"{encoder}.layer{{n}}.{{k}}.bn{{i}}": "encoder.{n-1}.{k}.norm{i}",
        f"{encoder}.layer{{n}}.{{k}}.downsample.{{i}}": "encoder.{n-1}.{k}.shortcut.{i}",
        "decoder.blocks.{n}.conv{i}.0": "decoder.{n}.conv{i}",
        "decoder.blocks.{n}.conv{i}.1": "decoder.{n}.norm{i}",
        "segmentation_head.0": "head",
        # What kind of image it is; no part of the mask.
        "classification_head.{n}": None,
    }


# Its preprocessing for all ResNets, whose weights begin with ImageNet's.
_RECIPE = {"preprocessing": IMAGENET}

ARCHITECTURE = Architecture(
    id="smp_unet",
    title="U-Net (SMP)",
    build=SmpUNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=(
        KeyMapping(
            id="smp_unet",
            origin="segdemo",
            renames={
                **OWN_NAMES,
                "decoder.{n}.conv{i}": "decoder.{n}.conv{i}",
                "decoder.{n}.norm{i}": "decoder.{n}.norm{i}",
                "head": "head",
            },
        ),
        KeyMapping(
            id="segmentation_models_unet",
            origin="segmentation_models_pytorch",
            renames=_names("encoder"),
            recipe=_RECIPE,
        ),
        KeyMapping(
            id="segmentation_models_unet_timm",
            origin="segmentation_models_pytorch",
            renames=_names("encoder.model"),
            recipe=_RECIPE,
        ),
    ),
)
