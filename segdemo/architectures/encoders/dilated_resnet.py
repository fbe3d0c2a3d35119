"""A ResNet (He et al. 2015, arXiv:1512.03385) as the encoder of networks that dilate it.

Where a stride becomes a dilation the deepest features keep a finer grid, as DeepLab (Chen et al.
2017, arXiv:1706.05587) and PSPNet (Zhao et al. 2016, arXiv:1612.01105) have it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Shapes, count
from segdemo.architectures.encoders.mobilenet import Dilation
from segdemo.architectures.parts import resnet
from segdemo.architectures.parts.conv_norm import ConvNorm

_GRID = (1, 2, 4)
"""By which the dilation of the last stage grows from block to block in a multi-grid."""


@dataclass(frozen=True, kw_only=True)
class ResNetEncoderConfig:
    """The stem and the stages from the image down."""

    in_channels: int
    stem: tuple[int, ...]
    """Channels after each convolution of the stem: one of 7x7, or several of 3x3."""
    bottleneck: bool
    stages: tuple[resnet.StageConfig, ...]

    @property
    def name(self) -> str:
        """Which ResNet it is, such as "ResNet-50"."""
        return resnet.name_of(self.stages, bottleneck=self.bottleneck)

    @property
    def out(self) -> int:
        """Channels of the deepest features."""
        return self.stages[-1].out


def plan(
    stages: Sequence[resnet.StageConfig], output_stride: int, dilation: Dilation
) -> Iterator[list[tuple[int, int]]]:
    """Stride and dilation of each block, so that the deepest features have ``output_stride``."""
    reached, rate = 4, 1
    for level, stage in enumerate(stages):
        before, stride, step = rate, 1, 2 if level else 1
        if reached == output_stride:
            rate *= step
        else:
            stride, reached = step, reached * step
        rates = [before, *[rate] * (stage.blocks - 1)]
        if dilation == "multi_grid":
            last = level == len(stages) - 1
            rates = [rate * factor for factor in (_GRID if last else [1] * stage.blocks)]
        yield [(stride if block == 0 else 1, value) for block, value in enumerate(rates)]


class ResNetEncoder(nn.Module):
    """Features of images (N, in_channels, H, W)."""

    def __init__(
        self,
        config: ResNetEncoderConfig,
        *,
        output_stride: int = 32,
        dilation: Dilation = "torchvision",
    ) -> None:
        super().__init__()
        self.low_channels = config.stages[0].out
        self.stem = nn.ModuleList()
        into, kernel = config.in_channels, 7 if len(config.stem) == 1 else 3
        for n, out in enumerate(config.stem):
            self.stem.append(ConvNorm(into, out, kernel, stride=1 if n else 2))
            into = out
        plans = list(plan(config.stages, output_stride, dilation))
        self.encoder = resnet.build_stages(
            into, config.stages, bottleneck=config.bottleneck, plans=plans
        )

    def features(self, x: Tensor) -> list[Tensor]:
        """After each stage; the first is at stride 4."""
        for unit in self.stem:
            x = unit(x)
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        features = []
        for stage in self.encoder:
            x = stage(x)
            features.append(x)
        return features

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The features at stride 4, and the deepest."""
        features = self.features(x)
        return features[0], features[-1]


def infer(shapes: Shapes) -> ResNetEncoderConfig:
    """The configuration that has these shapes under the names of ResNetEncoder."""
    stages, bottleneck = resnet.infer_stages(shapes)
    return ResNetEncoderConfig(
        in_channels=shapes["stem.0.conv.weight"][1],
        stem=tuple(
            shapes[f"stem.{n}.conv.weight"][0] for n in range(count(shapes, "stem.{}.conv.weight"))
        ),
        bottleneck=bottleneck,
        stages=stages,
    )


def torchvision_names(theirs: str, *, ours: str = "backbone") -> dict[str, str | None]:
    """The names of the children of torchvision's ResNet, which most code bases keep.

    A stem of several convolutions has them as conv1, bn1, conv2, bn2 and so on.
    """
    return {
        f"{theirs}.conv{{i}}": f"{ours}.stem.{{i-1}}.conv",
        f"{theirs}.bn{{i}}": f"{ours}.stem.{{i-1}}.norm",
        f"{theirs}.layer{{n}}.{{k}}.conv{{i}}": f"{ours}.encoder.{{n-1}}.{{k}}.conv{{i}}",
        f"{theirs}.layer{{n}}.{{k}}.bn{{i}}": f"{ours}.encoder.{{n-1}}.{{k}}.norm{{i}}",
        f"{theirs}.layer{{n}}.{{k}}.downsample.{{i}}": (
            f"{ours}.encoder.{{n-1}}.{{k}}.shortcut.{{i}}"
        ),
    }


_PARTS = ("encoder.{n}.{k}.conv{i}", "encoder.{n}.{k}.norm{i}", "encoder.{n}.{k}.shortcut.{i}")

OWN_NAMES: dict[str, str | None] = {
    name: name for name in ("stem.{n}.conv", "stem.{n}.norm", *_PARTS)
}
