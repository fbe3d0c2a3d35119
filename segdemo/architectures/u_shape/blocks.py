"""The parts of U-shaped networks: blocks of convolutions, attention gates, ways up."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.u_shape.config import (
    BlockConfig,
    ConvConfig,
    GateConfig,
    LevelConfig,
    UpConfig,
    UShapeConfig,
    follows_down,
)

Activation = Callable[[Tensor], Tensor]


def _relu(x: Tensor) -> Tensor:
    return functional.relu(x, inplace=True)


ACTIVATIONS: Mapping[str, Activation] = {
    "relu": _relu,
    "leaky": partial(functional.leaky_relu, negative_slope=0.01),
    "leaky_tenth": partial(functional.leaky_relu, negative_slope=0.1),
    "leaky_fifth": partial(functional.leaky_relu, negative_slope=0.2),
    "elu": functional.elu,
    "selu": functional.selu,
    "silu": functional.silu,
    "gelu": functional.gelu,
}


def norm_of(channels: int, config: UShapeConfig) -> nn.Module:
    """The norm of this network; an instance norm has no tensors."""
    if config.norm == "batch":
        return nn.BatchNorm2d(channels)
    if config.norm == "group":
        return nn.GroupNorm(config.groups or channels, channels)
    return nn.InstanceNorm2d(channels)


class EvenConv(nn.Conv2d):
    """A convolution with an even kernel that keeps the size, as Keras' "same" does."""

    def forward(self, x: Tensor) -> Tensor:
        before, after = (self.kernel_size[0] - 1) // 2, self.kernel_size[0] // 2
        return super().forward(functional.pad(x, (before, after, before, after)))


def conv_of(into: int, conv: ConvConfig, config: UShapeConfig, *, stride: int = 1) -> nn.Conv2d:
    """The convolution; an even kernel has its odd row and column of zeros at the end."""
    if conv.kernel % 2 == 0 and stride == 1:
        return EvenConv(into, conv.out, conv.kernel, bias=conv.bias)
    padding = (conv.kernel - 1) // 2 if config.is_padded or conv.kernel == 1 else 0
    return nn.Conv2d(into, conv.out, conv.kernel, stride, padding=padding, bias=conv.bias)


class OwnActivation(nn.Module):
    """One of ACTIVATIONS as a module."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.function = ACTIVATIONS[name]

    def forward(self, x: Tensor) -> Tensor:
        activated: Tensor = self.function(x)
        return activated


class Activated(nn.Module):
    """A module whose convolutions are called by name, each with its norm and its activation."""

    def __init__(self, config: UShapeConfig) -> None:
        super().__init__()
        self.act_first = config.order == "act_first"
        self.activation = ACTIVATIONS[config.activation]

    def add_conv(
        self,
        names: tuple[str, str, str],
        convolution: nn.Module,
        conv: ConvConfig,
        config: UShapeConfig,
    ) -> None:
        """Adds a convolution, its norm and its PReLU, as far as it has them, by these names."""
        name, norm, act = names
        self.add_module(name, convolution)
        self.add_module(norm, norm_of(conv.out, config) if conv.norm else nn.Identity())
        if conv.slopes:
            self.add_module(act, nn.PReLU(conv.slopes))

    def run(self, names: tuple[str, str, str], x: Tensor, *, activated: bool = True) -> Tensor:
        """What the convolution of these names makes of ``x``."""
        name, norm, act = names
        modules = self._modules
        x = _call(modules[name], x)
        if self.act_first:
            return _call(modules[norm], self.act(act, x) if activated else x)
        x = _call(modules[norm], x)
        return self.act(act, x) if activated else x

    def act(self, name: str, x: Tensor) -> Tensor:
        """The activation, by its own PReLU where there is one."""
        module = self._modules.get(name)
        activated: Tensor = self.activation(x) if module is None else module(x)
        return activated


def _call(module: nn.Module | None, x: Tensor) -> Tensor:
    assert module is not None
    result: Tensor = module(x)
    return result


def _names(number: int) -> tuple[str, str, str]:
    return f"conv{number}", f"norm{number}", f"act{number}"


_DOWN = ("down", "down_norm", "down_act")
_SHORTCUT = ("shortcut", "shortcut_norm", "shortcut_act")
_PROJECT = ("project", "project_norm", "project_act")


class Block(Activated):
    """The convolutions of one level, plain, residual or recurrent.

    Recurrent residual blocks are those of Alom et al. 2018 (arXiv:1802.06955).
    """

    def __init__(
        self, into: int, block: BlockConfig, config: UShapeConfig, *, stride: int = 1
    ) -> None:
        super().__init__(config)
        self.count = len(block.convs)
        self.activated = config.activated
        self.add_inside = config.add == "inside"
        self.repeats = config.repeats
        if block.down is not None:
            self.add_conv(_DOWN, conv_of(into, block.down, config, stride=2), block.down, config)
            into, stride = block.down.out, 1
        if block.shortcut is not None:
            convolution = conv_of(into, block.shortcut, config, stride=stride)
            self.add_conv(_SHORTCUT, convolution, block.shortcut, config)
        if block.project is not None:
            convolution = conv_of(into, block.project, config, stride=stride)
            self.add_conv(_PROJECT, convolution, block.project, config)
            into, stride = block.project.out, 1
        for number, conv in enumerate(block.convs, start=1):
            convolution = conv_of(into, conv, config, stride=stride if number == 1 else 1)
            self.add_conv(_names(number), convolution, conv, config)
            into = conv.out
        self.adds_first = (
            config.identity and self.count > 1 and block.convs[0].out == block.convs[-1].out
        )
        self.has_down = block.down is not None
        if block.down is not None:
            own = follows_down(config.down_activation, block.down)
            self.down_activated = own != "none"
            if own not in ("none", "same") and not block.down.slopes:
                # Its activation stands beside the other modules, under the name of a PReLU.
                self.add_module("down_act", OwnActivation(own))
        self.has_shortcut = block.shortcut is not None
        self.has_projection = block.project is not None

    def forward(self, x: Tensor) -> Tensor:
        if self.has_down:
            x = self.run(_DOWN, x, activated=self.down_activated)
        if self.has_projection:
            x = self.run(_PROJECT, x, activated=False)
            return x + self.convolved(x)
        if self.adds_first:
            x = self.convolved(x, upto=1)
            added = self.convolved(x, start=2, withhold=self.add_inside) + x
            return self.act(f"act{self.count}", added) if self.add_inside else added
        if not self.has_shortcut:
            return self.convolved(x)
        around = self.run(_SHORTCUT, x, activated=False)
        if not self.add_inside:
            return self.convolved(x) + around
        return self.act(f"act{self.count}", self.convolved(x, withhold=True) + around)

    def convolved(
        self, x: Tensor, *, start: int = 1, upto: int = 0, withhold: bool = False
    ) -> Tensor:
        """What the convolutions make of ``x``, if wanted without the last activation.

        ``start`` and ``upto`` are the numbers of the first and the last, 0 being all.
        """
        for number in range(start, (upto or self.count) + 1):
            is_last = number == self.count
            activated = self.activated == "each" or (self.activated == "last") == is_last
            names, activated = _names(number), activated and not (is_last and withhold)
            fed = x
            x = self.run(names, fed, activated=activated)
            if self.has_projection:
                x = self.repeated(names, fed, x, activated=activated)
        return x

    def repeated(
        self, names: tuple[str, str, str], fed: Tensor, x: Tensor, *, activated: bool
    ) -> Tensor:
        """What a convolution, fed its own output ``x`` again, makes of its input ``fed``."""
        if self.repeats == "doubled":
            return self.run(names, x + x, activated=activated)
        for _ in range(self.repeats):
            x = self.run(names, fed + x, activated=activated)
        return x


class Gate(Activated):
    """The skip, weighed by what the upsampled map says of each place."""

    def __init__(self, up: int, skip: int, gate: GateConfig, config: UShapeConfig) -> None:
        super().__init__(config)
        for name, into, conv in (
            ("up", up, gate.up),
            ("skip", skip, gate.skip),
            ("psi", gate.up.out, gate.psi),
        ):
            convolution = conv_of(into, conv, config)
            self.add_conv((name, f"{name}_norm", ""), convolution, conv, config)

    def forward(self, up: Tensor, skip: Tensor) -> Tensor:
        attended = self.run(("up", "up_norm", ""), up, activated=False)
        attended = attended + self.run(("skip", "skip_norm", ""), skip, activated=False)
        attended = functional.relu(attended, inplace=True)
        return skip * torch.sigmoid(self.run(("psi", "psi_norm", ""), attended, activated=False))


_TRANSPOSED = ("up", "up_norm", "up_act")
_RESIZED = ("up_conv", "up_conv_norm", "up_conv_act")


def transposed_of(into: int, conv: ConvConfig) -> nn.ConvTranspose2d:
    """Doubles the size exactly, whatever its kernel."""
    kernel = conv.kernel
    padding = (kernel - 1) // 2
    return nn.ConvTranspose2d(
        into, conv.out, kernel, 2, padding, output_padding=kernel % 2, bias=conv.bias
    )


class Up(Activated):
    """Doubles the size, joins the skip, and convolves."""

    def __init__(self, into: int, skip: int, level: LevelConfig, config: UShapeConfig) -> None:
        super().__init__(config)
        up, into = level.up, self.add_up(into, level.up, config)
        self.kind, self.has_conv = up.kind, up.conv is not None
        self.late = config.enlarged == "after_join"
        activated = config.up_activated
        if activated is None:
            activated = up.conv is not None and up.conv.norm
        self.up_activated = activated
        if level.gate is not None:
            self.gate = Gate(into, skip, level.gate, config)
        self.is_gated = level.gate is not None
        self.join = config.join if level.skip else "none"
        self.fit = config.fit
        joined = into + skip if self.join in ("skip_first", "up_first") else into
        self.conv = Block(joined, level.block, config)

    def add_up(self, into: int, up: UpConfig, config: UShapeConfig) -> int:
        """Adds what doubles the size; the channels that it gives."""
        if up.kind == "shuffle":
            self.up: nn.Module = nn.PixelShuffle(2)
        elif up.kind != "transposed":
            mode, *aligned = config.interpolation.split("_")
            corners = None if mode == "nearest" else bool(aligned)
            self.up = nn.Upsample(scale_factor=2, mode=mode, align_corners=corners)
        quarter = 4 if up.kind == "shuffle" else 1
        if up.conv is None:
            return into // quarter
        if up.kind == "transposed":
            self.add_conv(_TRANSPOSED, transposed_of(into, up.conv), up.conv, config)
        else:
            self.add_conv(_RESIZED, conv_of(into, up.conv, config), up.conv, config)
        return up.conv.out // quarter

    def forward(self, x: Tensor, skip: Tensor, larger: bool) -> Tensor:
        """``larger``: whether what is joined is enlarged, for the next level."""
        x = x if self.late else self.enlarged(x)
        x, skip = self.fitted(x, skip)
        if self.is_gated:
            skip = self.gate(x, skip)
        if self.join == "sum":
            x = x + skip
        elif self.join != "none":
            x = torch.cat((skip, x) if self.join == "skip_first" else (x, skip), dim=1)
        joined: Tensor = self.conv(self.up(x) if self.late and larger else x)
        return joined

    def enlarged(self, x: Tensor) -> Tensor:
        """At double the size."""
        if self.kind == "transposed":
            return self.run(_TRANSPOSED, x, activated=self.up_activated)
        if self.kind == "shuffle" and self.has_conv:
            x = self.run(_RESIZED, x, activated=self.up_activated)
        x = self.up(x)
        if self.kind == "resize_conv":
            x = self.run(_RESIZED, x, activated=self.up_activated)
        return x

    def fitted(self, x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        """Both at one size, where pooling lost an odd row or column."""
        rows, columns = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        # An export has to hold for every size, so it pads even where this one needs none.
        if self.fit == "pad" and (torch.compiler.is_exporting() or rows or columns):
            # The odd row or column of zeros comes last.
            left, top = columns // 2, rows // 2
            x = functional.pad(x, (left, columns - left, top, rows - top))
        elif self.fit == "crop" and (rows or columns):
            # Halves are rounded to even, as torchvision's center_crop does.
            left, top = round(columns / 2), round(rows / 2)
            skip = skip[:, :, top : top + x.shape[2], left : left + x.shape[3]]
        return x, skip
