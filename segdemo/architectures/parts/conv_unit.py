"""Rows of convolutions, each with its norm and its ReLU, as encoders and decoders have them."""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Shapes, count


class Conv(NamedTuple):
    """One convolution of a row; its padding keeps the size."""

    width: int
    """Channels after it."""
    kernel: int = 3
    """Its side, an odd number."""


Row = tuple[Conv, ...]


def row_of(*widths: int) -> Row:
    """A row of 3x3 convolutions."""
    return tuple(Conv(width) for width in widths)


class ConvUnit(nn.Module):
    """Convolution, batch norm (or none), ReLU (or none); the size stays."""

    def __init__(self, into: int, conv: Conv, *, norm: bool, bias: bool, relu: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, conv.width, conv.kernel, padding=conv.kernel // 2, bias=bias)
        self.norm = nn.BatchNorm2d(conv.width) if norm else nn.Identity()
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return functional.relu(x, inplace=True) if self.relu else x


def conv_row(into: int, row: Row, *, norm: bool, bias: bool, relu: bool = True) -> nn.Sequential:
    """The units of ``row``, one after another, for ``into`` channels."""
    units = nn.Sequential()
    for conv in row:
        units.append(ConvUnit(into, conv, norm=norm, bias=bias, relu=relu))
        into = conv.width
    return units


VGG_KERNELS = (3,)
"""A VGG has no others."""


def infer_row(shapes: Shapes, path: str, *, kernels: tuple[int, ...] = (1, 3, 5, 7)) -> Row:
    """The row that has these shapes under ``path``; ValueError where a kernel is another."""
    found = []
    for number in range(count(shapes, path + ".{}.conv.weight")):
        width, _, kernel, _ = shapes[f"{path}.{number}.conv.weight"]
        if kernel not in kernels:
            raise ValueError(f"{path} has a kernel of {kernel}")
        found.append(Conv(width, kernel))
    return tuple(found)


def row_names(ours: str, *theirs: tuple[str, str]) -> dict[str, str | None]:
    """(convolution, norm) of each unit in a code base -> ours; an empty name is left out."""
    return {
        name: f"{ours}.{place}.{part}"
        for place, names in enumerate(theirs)
        for name, part in zip(names, ("conv", "norm"), strict=True)
        if name
    }
