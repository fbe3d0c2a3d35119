"""A convolution with its batch norm and activation, as most encoders and heads repeat it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Shapes

Activation = Literal["relu", "relu6", "none"]

_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda x: functional.relu(x, inplace=True),
    "relu6": lambda x: functional.relu6(x, inplace=True),
    "none": lambda x: x,
}


class ConvNorm(nn.Module):
    """Convolution without bias, batch norm, activation; keeps the size unless told otherwise."""

    def __init__(
        self,
        into: int,
        out: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        padding: int | None = None,
        dilation: int = 1,
        groups: int = 1,
        activation: Activation = "relu",
        separable: bool = False,
    ) -> None:
        """``separable``: each channel is convolved by itself, then all of them at each pixel."""
        super().__init__()
        if padding is None:
            padding = kernel // 2 * dilation
        self.depthwise: nn.Module | None = None
        if separable:
            self.depthwise = nn.Conv2d(
                into, into, kernel, stride, padding, dilation=dilation, groups=into, bias=False
            )
            kernel, stride, padding, dilation, groups = 1, 1, 0, 1, 1
        self.conv = nn.Conv2d(
            into, out, kernel, stride, padding, dilation=dilation, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(out)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        if self.depthwise is not None:
            x = self.depthwise(x)
        return _ACTIVATIONS[self.activation](self.norm(self.conv(x)))


def own_names(units: Iterable[str], layers: Iterable[str] = ()) -> dict[str, str | None]:
    """A mapping of our names to themselves: of units of this kind, and of single layers."""
    parts = (f"{unit}.{part}" for unit in units for part in ("conv", "norm"))
    return {name: name for name in (*parts, *layers)}


def unit(theirs: str, ours: str, *, conv: str, norm: str) -> dict[str, str | None]:
    """How a code base calls the two parts of one of our units."""
    return {f"{theirs}.{conv}": f"{ours}.conv", f"{theirs}.{norm}": f"{ours}.norm"}


def under(shapes: Shapes, path: str) -> Shapes:
    """The shapes of what lies in the module ``path``, by their names in it."""
    start = f"{path}."
    return {name[len(start) :]: shape for name, shape in shapes.items() if name.startswith(start)}
