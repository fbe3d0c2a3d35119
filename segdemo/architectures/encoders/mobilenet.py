"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) as an encoder, at strides of 8 to 32."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Shapes, count
from segdemo.architectures.parts.conv_norm import ConvNorm, own_names

# Blocks and the stride of the first of them, group by group; table 2 of the paper.
_GROUPS = ((1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1))
_BLOCKS = sum(blocks for blocks, _ in _GROUPS)

Dilation = Literal["torchvision", "lagging", "multi_grid"]
"""Where a stride becomes a dilation, which blocks have it: in ``torchvision`` all but the first,
which keeps that of the features it is given; ``lagging`` leaves it to the next group;
``multi_grid`` gives it to all blocks of a ResNet's stage, times 1, 2, 4 in the last."""


@dataclass(frozen=True, kw_only=True)
class MobileNetConfig:
    """Widths of the network; blocks and strides are those of the paper."""

    in_channels: int
    stem: int
    """Channels after the first convolution."""
    blocks: tuple[tuple[int, int], ...]
    """Channels inside and after each inverted residual; inside as before: nothing is expanded."""
    last: int | None = None
    """Channels after a 1x1 convolution behind them; None when there is none."""

    @property
    def name(self) -> str:
        """What people call it."""
        return "MobileNetV2"

    @property
    def out(self) -> int:
        """Channels of the deepest features."""
        return self.last or self.blocks[-1][1]


LOW = 2
"""The last block at stride 4."""


def plan(output_stride: int, dilation: Dilation) -> Iterator[tuple[int, int]]:
    """Stride and dilation of each block, so that the deepest features have ``output_stride``."""
    reached, rate = 2, 1
    for blocks, step in _GROUPS:
        before, stride = rate, step
        if reached == output_stride:
            stride, rate = 1, rate * step
        else:
            reached *= step
        yield stride, before
        for _ in range(blocks - 1):
            yield 1, before if dilation == "lagging" else rate


class InvertedResidual(nn.Module):
    """Expands, convolves every channel by itself, projects; added to its input if that fits."""

    def __init__(
        self, into: int, inner: int, out: int, *, stride: int, dilation: int, pads_first: bool
    ) -> None:
        super().__init__()
        self.padding = dilation if pads_first else 0
        self.adds = stride == 1 and into == out
        if inner != into:
            self.expand = ConvNorm(into, inner, activation="relu6")
        self.expands = inner != into
        self.depthwise = ConvNorm(
            inner,
            inner,
            3,
            stride=stride,
            padding=0 if pads_first else dilation,
            dilation=dilation,
            groups=inner,
            activation="relu6",
        )
        self.project = ConvNorm(inner, out, activation="none")

    def forward(self, x: Tensor) -> Tensor:
        y = functional.pad(x, (self.padding,) * 4) if self.padding else x
        if self.expands:
            y = self.expand(y)
        y = self.project(self.depthwise(y))
        return x + y if self.adds else y


class MobileNetV2(nn.Module):
    """Features of images (N, in_channels, H, W).

    ``pads_first``: zeros are put around a block's input rather than around what it expands to,
    where the border then is no zero. ``stem_padding``: of the first convolution.
    """

    def __init__(
        self,
        config: MobileNetConfig,
        *,
        output_stride: int = 32,
        dilation: Dilation = "torchvision",
        pads_first: bool = False,
        stem_padding: int = 1,
    ) -> None:
        super().__init__()
        self.stem = ConvNorm(
            config.in_channels, config.stem, 3, stride=2, padding=stem_padding, activation="relu6"
        )
        self.low_channels = config.blocks[LOW][1]
        self.blocks = nn.ModuleList()
        into = config.stem
        plans = plan(output_stride, dilation)
        for (inner, out), (stride, rate) in zip(config.blocks, plans, strict=True):
            self.blocks.append(
                InvertedResidual(
                    into, inner, out, stride=stride, dilation=rate, pads_first=pads_first
                )
            )
            into = out
        self.has_last = config.last is not None
        if config.last is not None:
            self.last = ConvNorm(into, config.last, activation="relu6")

    def features(self, x: Tensor) -> list[Tensor]:
        """After each block, and at last after the convolution behind them if there is one."""
        x = self.stem(x)
        features = []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        if self.has_last:
            features.append(self.last(x))
        return features

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The features at stride 4, and the deepest."""
        features = self.features(x)
        return features[LOW], features[-1]


OWN_NAMES = own_names(
    ("stem", "blocks.{n}.expand", "blocks.{n}.depthwise", "blocks.{n}.project", "last")
)


def infer(shapes: Shapes) -> MobileNetConfig:
    """The configuration that has these shapes under the names of MobileNetV2."""
    stem, in_channels = shapes["stem.conv.weight"][:2]
    blocks = count(shapes, "blocks.{}.depthwise.conv.weight")
    if blocks != _BLOCKS:
        raise ValueError(f"{blocks} blocks of {_BLOCKS}")
    last = shapes.get("last.conv.weight")
    return MobileNetConfig(
        in_channels=in_channels,
        stem=stem,
        blocks=tuple(
            (
                shapes[f"blocks.{n}.depthwise.conv.weight"][0],
                shapes[f"blocks.{n}.project.conv.weight"][0],
            )
            for n in range(blocks)
        ),
        last=last[0] if last else None,
    )


def _block(theirs: str, ours: str, *, expands: bool, nested: bool) -> dict[str, str | None]:
    """The names of one block in a Sequential, each activation in its place.

    ``nested``: convolution, norm and activation lie in a Sequential of their own but for the
    last, as in torchvision.
    """
    names: dict[str, str | None] = {}
    place = 0
    for part in ("expand", "depthwise", "project")[not expands :]:
        if nested and part != "project":
            conv, norm, step = f"{place}.0", f"{place}.1", 1
        else:
            conv, norm, step = f"{place}", f"{place + 1}", 3
        names |= {
            f"{theirs}.conv.{conv}": f"{ours}.{part}.conv",
            f"{theirs}.conv.{norm}": f"{ours}.{part}.norm",
        }
        place += step
    return names


def sequential(
    theirs: str, *, ours: str = "backbone", nested: bool = False
) -> dict[str, str | None]:
    """The names of MobileNetV2 where stem, blocks and last convolution are one Sequential."""
    return {
        f"{theirs}.0.0": f"{ours}.stem.conv",
        f"{theirs}.0.1": f"{ours}.stem.norm",
        # The first block expands nothing.
        **_block(f"{theirs}.1", f"{ours}.blocks.0", expands=False, nested=nested),
        **_block(f"{theirs}.{{n}}", f"{ours}.blocks.{{n-1}}", expands=True, nested=nested),
        f"{theirs}.{_BLOCKS + 1}.0": f"{ours}.last.conv",
        f"{theirs}.{_BLOCKS + 1}.1": f"{ours}.last.norm",
    }
