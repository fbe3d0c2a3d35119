"""Aligned Xception (Chollet 2016, arXiv:1610.02357; Chen et al. 2018, arXiv:1802.02611).

DeepLab's: a deeper middle, and separable convolutions with stride where Xception pools. Its code
bases differ in what no tensor tells, which ``variant`` names after them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Shapes, count
from segdemo.architectures.parts.conv_norm import Activation, ConvNorm, own_names

Variant = Literal["bubbliiiing", "jfzhang95"]

_PARTS = 3
"""Separable convolutions of a block; the last has the stride."""
_STRIDED = 3
"""Blocks with a stride, the first ones; the last of these loses it at an output stride of 8."""


@dataclass(frozen=True, kw_only=True)
class XceptionConfig:
    """Widths of the network; strides are those of the paper."""

    in_channels: int
    stem: tuple[int, int]
    """Channels after the first two convolutions."""
    blocks: tuple[tuple[int, ...], ...]
    """Channels after each separable convolution of a block."""
    tail: tuple[int, ...]
    """Channels after each separable convolution behind the blocks."""

    @property
    def name(self) -> str:
        """What people call it."""
        return "Xception"

    @property
    def out(self) -> int:
        """Channels of the deepest features."""
        return self.tail[-1]


class Separable(nn.Module):
    """Each channel convolved by itself, then all of them at each pixel."""

    def __init__(
        self,
        into: int,
        out: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        between: Activation = "none",
        after: Activation = "none",
    ) -> None:
        super().__init__()
        self.depthwise = ConvNorm(
            into, into, 3, stride=stride, dilation=dilation, groups=into, activation=between
        )
        self.pointwise = ConvNorm(into, out, activation=after)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pointwise(self.depthwise(x))
        return y


class Block(nn.Module):
    """Separable convolutions with a ReLU before each, added to what they are given."""

    def __init__(
        self,
        into: int,
        widths: tuple[int, ...],
        *,
        stride: int,
        dilations: tuple[int, ...],
        starts_with_relu: bool = True,
        shortcut_sees_relu: bool = True,
    ) -> None:
        """``shortcut_sees_relu``: whether a convolved shortcut gets what the first ReLU made."""
        super().__init__()
        self.starts_with_relu = starts_with_relu
        self.parts = nn.ModuleList()
        given = into
        for n, (out, dilation) in enumerate(zip(widths, dilations, strict=True)):
            step = stride if n == len(widths) - 1 else 1
            self.parts.append(Separable(given, out, stride=step, dilation=dilation))
            given = out
        self.shortcut: nn.Module | None = None
        if into != given or stride != 1:
            self.shortcut = ConvNorm(into, given, stride=stride, activation="none")
        self.shortcut_sees_relu = shortcut_sees_relu or self.shortcut is None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The result, and what the last separable convolution was made of, before its ReLU."""
        y = functional.relu(x) if self.starts_with_relu else x
        shortcut = y if self.shortcut_sees_relu else x
        inner = y
        for n, part in enumerate(self.parts):
            inner = y
            y = part(functional.relu(y) if n else y)
        if self.shortcut is not None:
            shortcut = self.shortcut(shortcut)
        return y + shortcut, inner


class Xception(nn.Module):
    """Features of images (N, in_channels, H, W)."""

    def __init__(
        self, config: XceptionConfig, *, output_stride: int = 16, variant: Variant = "bubbliiiing"
    ) -> None:
        super().__init__()
        self.variant = variant
        first, second = config.stem
        self.stem = nn.Sequential(
            ConvNorm(config.in_channels, first, 3, stride=2), ConvNorm(first, second, 3)
        )
        self.low_channels = config.blocks[1][-2]
        if variant == "jfzhang95":
            self.low_channels = config.blocks[0][-1]
        finer = 16 // output_stride
        self.blocks = nn.ModuleList()
        into = second
        for n, widths in enumerate(config.blocks):
            strided = n < (_STRIDED if finer == 1 else _STRIDED - 1)
            self.blocks.append(
                Block(
                    into,
                    widths,
                    stride=2 if strided else 1,
                    dilations=_dilations(n, len(config.blocks), finer, variant),
                    starts_with_relu=variant == "bubbliiiing" or n >= _STRIDED - 1,
                    shortcut_sees_relu=variant == "jfzhang95",
                )
            )
            into = widths[-1]
        self.tail = nn.Sequential()
        for out in config.tail:
            dilation, between = finer, "relu"
            if variant == "jfzhang95":
                dilation, between = 2 * finer, "none"
            self.tail.append(
                Separable(into, out, dilation=dilation, between=_activation(between), after="relu")
            )
            into = out

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The features at stride 4, and the deepest."""
        jfzhang95 = self.variant == "jfzhang95"
        x = self.stem(x)
        low = x
        for n, block in enumerate(self.blocks):
            x, inner = block(x)
            if jfzhang95 and n == 0:
                low = x = functional.relu(x)
            elif not jfzhang95 and n == 1:
                low = inner
        return low, self.tail(functional.relu(x) if jfzhang95 else x)


def _activation(name: str) -> Activation:
    return "relu" if name == "relu" else "none"


def _dilations(block: int, blocks: int, finer: int, variant: Variant) -> tuple[int, ...]:
    """Of the separable convolutions of one block."""
    if block < _STRIDED:
        return (1,) * _PARTS
    # Its last block has the last one undilated, as those with a stride have.
    last = 1 if variant == "jfzhang95" and block == blocks - 1 else finer
    return (*(finer,) * (_PARTS - 1), last)


def infer(shapes: Shapes) -> XceptionConfig:
    """The configuration that has these shapes under the names of Xception."""
    first, in_channels = shapes["stem.0.conv.weight"][:2]
    blocks = count(shapes, "blocks.{}.parts.0.pointwise.conv.weight")
    tail = count(shapes, "tail.{}.pointwise.conv.weight")
    if blocks <= _STRIDED or not tail:
        raise ValueError(f"{blocks} blocks")
    return XceptionConfig(
        in_channels=in_channels,
        stem=(first, shapes["stem.1.conv.weight"][0]),
        blocks=tuple(
            tuple(shapes[f"blocks.{n}.parts.{k}.pointwise.conv.weight"][0] for k in range(_PARTS))
            for n in range(blocks)
        ),
        tail=tuple(shapes[f"tail.{n}.pointwise.conv.weight"][0] for n in range(tail)),
    )


def _separables() -> Iterator[str]:
    for path in ("blocks.{n}.parts.{k}", "tail.{n}"):
        yield from (f"{path}.depthwise", f"{path}.pointwise")


OWN_NAMES = own_names(("stem.{n}", "blocks.{n}.shortcut", *_separables()))


def _shared_names(theirs: str, ours: str) -> dict[str, str | None]:
    """Of the stem and the shortcuts, as all code bases have them."""
    return {
        f"{theirs}.conv1": f"{ours}.stem.0.conv",
        f"{theirs}.bn1": f"{ours}.stem.0.norm",
        f"{theirs}.conv2": f"{ours}.stem.1.conv",
        f"{theirs}.bn2": f"{ours}.stem.1.norm",
        f"{theirs}.block{{n}}.skip": f"{ours}.blocks.{{n-1}}.shortcut.conv",
        f"{theirs}.block{{n}}.skipbn": f"{ours}.blocks.{{n-1}}.shortcut.norm",
    }


def bubbliiiing_names(theirs: str, ours: str) -> dict[str, str | None]:
    """The names of bubbliiiing's code base."""
    names = _shared_names(theirs, ours)
    places = {
        f"{theirs}.block{{n}}.sepconv{{k}}": f"{ours}.blocks.{{n-1}}.parts.{{k-1}}",
        # conv3 to conv5.
        f"{theirs}.conv{{n}}": f"{ours}.tail.{{n-3}}",
    }
    for their_place, place in places.items():
        names |= {
            f"{their_place}.depthwise": f"{place}.depthwise.conv",
            f"{their_place}.bn1": f"{place}.depthwise.norm",
            f"{their_place}.pointwise": f"{place}.pointwise.conv",
            f"{their_place}.bn2": f"{place}.pointwise.norm",
        }
    return names


def jfzhang95_names(theirs: str, ours: str) -> dict[str, str | None]:
    """The names of jfzhang95's code base; the norm of the pixels lies behind the convolutions."""
    names = _shared_names(theirs, ours)
    places = {f"{theirs}.conv{{n}}": (f"{theirs}.bn{{n}}", f"{ours}.tail.{{n-3}}")}
    for block, first in (("1", 0), ("2", 0), ("{n}", 1)):
        number = "{n-1}" if block == "{n}" else str(int(block) - 1)
        for part in range(_PARTS):
            # ReLU, separable convolution and norm in turn; the first two blocks have no first.
            index = first + 3 * part
            path = f"{theirs}.block{block}.rep"
            ours_here = f"{ours}.blocks.{number}.parts.{part}"
            places[f"{path}.{index}"] = (f"{path}.{index + 1}", ours_here)
    for their_place, (norm, place) in places.items():
        names |= {
            f"{their_place}.conv1": f"{place}.depthwise.conv",
            f"{their_place}.bn": f"{place}.depthwise.norm",
            f"{their_place}.pointwise": f"{place}.pointwise.conv",
            norm: f"{place}.pointwise.norm",
        }
    return names
