"""W-Net (Galdran et al. 2020, arXiv:2009.01907): small residual U-Nets, each given the last's map.

A U-Net (Ronneberger et al. 2015, arXiv:1505.04597) whose blocks have a shortcut and whose skips
are convolved before they are joined. Norms stand behind the activation.
"""

from collections.abc import Mapping
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
from segdemo.architectures.parts.conv_norm import under

_LEAK = 0.01
"""Slope of PyTorch's leaky ReLU below zero."""


@dataclass(frozen=True, kw_only=True)
class WNetConfig:
    """How many U-Nets, and what they are like."""

    in_channels: int
    classes: int
    widths: tuple[int, ...]
    """Channels of each level, from the image down."""
    kernel: int
    networks: int
    """One after another; the last one's map counts."""
    shortcuts: bool
    """Whether what a block is given is added to what it makes, after a 1x1 convolution."""
    bridges: bool
    """Whether skips are convolved before they are joined."""
    transposed: bool
    """Upsampled by a transposed convolution, or bilinearly with a 1x1 convolution after it."""
    leaky: bool = False
    """Leaky activations rather than ReLU; the code base had one, then the other."""


class ConvUnit(nn.Module):
    """Convolution, activation, batch norm."""

    def __init__(self, into: int, out: int, config: WNetConfig) -> None:
        super().__init__()
        kernel = config.kernel
        self.conv = nn.Conv2d(into, out, kernel, padding=(kernel - 1) // 2)
        self.norm = nn.BatchNorm2d(out)
        self.leak = _LEAK if config.leaky else 0.0

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.leak:
            x = functional.leaky_relu(x, self.leak, inplace=True)
        else:
            x = functional.relu(x, inplace=True)
        normed: Tensor = self.norm(x)
        return normed


class Block(nn.Module):
    """Two units, and the shortcut around them."""

    def __init__(self, into: int, out: int, config: WNetConfig) -> None:
        super().__init__()
        self.units = nn.Sequential(ConvUnit(into, out, config), ConvUnit(out, out, config))
        self.shortcut: nn.Module | None = None
        if config.shortcuts:
            self.shortcut = nn.Sequential(nn.Conv2d(into, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.units(x)
        return y if self.shortcut is None else y + self.shortcut(x)


class Expansion(nn.Module):
    """Doubles the size, joins the skip, and convolves."""

    def __init__(self, into: int, out: int, config: WNetConfig) -> None:
        super().__init__()
        self.transposed = config.transposed
        self.up: nn.Module = (
            nn.ConvTranspose2d(into, out, 2, stride=2)
            if config.transposed
            else nn.Conv2d(into, out, 1)
        )
        self.bridge = ConvUnit(out, out, config) if config.bridges else nn.Identity()
        self.block = Block(2 * out, out, config)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        if not self.transposed:
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        joined: Tensor = self.block(torch.cat((self.up(x), self.bridge(skip)), dim=1))
        return joined


class ResidualUNet(nn.Module):
    """Features (N, the first width, H, W) for (N, in_channels, H, W)."""

    def __init__(self, in_channels: int, config: WNetConfig) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        into = in_channels
        for width in config.widths:
            self.down.append(Block(into, width, config))
            into = width
        self.up = nn.ModuleList()
        for width in config.widths[-2::-1]:
            self.up.append(Expansion(into, width, config))
            into = width

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for block in self.down:
            x = block(functional.max_pool2d(skips[-1], 2) if skips else x)
            skips.append(x)
        skips.pop()
        for expansion in self.up:
            x = expansion(x, skips.pop())
        return x


class WNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), sides as `requirements`."""

    def __init__(self, config: WNetConfig) -> None:
        super().__init__()
        self.networks = nn.ModuleList(
            ResidualUNet(config.in_channels + (config.classes if n else 0), config)
            for n in range(config.networks)
        )
        self.heads = nn.ModuleList(
            nn.Conv2d(config.widths[0], config.classes, 1) for _ in range(config.networks)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_deep(x)[0]

    def forward_deep(self, x: Tensor) -> list[Tensor]:
        """The logits of every U-Net for deep supervision, the last first."""
        logits: list[Tensor] = []
        for network, head in zip(self.networks, self.heads, strict=True):
            logits.insert(0, head(network(torch.cat((x, logits[0]), dim=1) if logits else x)))
        return logits


def infer(shapes: Shapes) -> WNetConfig:
    """The configuration that has these shapes under the names of WNet."""
    first = under(shapes, "networks.0")
    _, in_channels, kernel, _ = first["down.0.units.0.conv.weight"]
    up = first["up.0.up.weight"]
    levels = count(first, "down.{}.units.0.conv.weight")
    return WNetConfig(
        in_channels=in_channels,
        classes=shapes["heads.0.weight"][0],
        widths=tuple(first[f"down.{n}.units.0.conv.weight"][0] for n in range(levels)),
        kernel=kernel,
        networks=count(shapes, "heads.{}.weight"),
        shortcuts="down.0.shortcut.0.weight" in first,
        bridges="up.0.bridge.conv.weight" in first,
        transposed=up[2] == 2,
    )


def describe(config: WNetConfig) -> str:
    """How many U-Nets of which widths: "2 U-Nets, widths 8-16-32"."""
    widths = "-".join(map(str, config.widths))
    return f"{config.networks} U-Net{'s' * (config.networks > 1)}, widths {widths}"


def requirements(config: WNetConfig) -> SizeRequirements:
    """Every level but the first halves the size, and skips have to fit."""
    multiple = 2 ** (len(config.widths) - 1)
    return SizeRequirements(minimum=multiple, multiple_of=multiple)


def _own() -> dict[str, str]:
    path = "networks.{m}"
    blocks = (f"{path}.down.{{n}}", f"{path}.up.{{n}}.block")
    names = [
        *(f"{block}.units.{{k}}.{part}" for block in blocks for part in ("conv", "norm")),
        *(f"{block}.shortcut.{{k}}" for block in blocks),
        *(f"{path}.up.{{n}}.{part}" for part in ("up", "bridge.conv", "bridge.norm")),
        "heads.{m}",
    ]
    return {name: name for name in names}


def _block(theirs: str, ours: str) -> dict[str, str]:
    # An activation stands between each convolution and its norm.
    return {
        f"{theirs}.block.0": f"{ours}.units.0.conv",
        f"{theirs}.block.2": f"{ours}.units.0.norm",
        f"{theirs}.block.3": f"{ours}.units.1.conv",
        f"{theirs}.block.5": f"{ours}.units.1.norm",
        f"{theirs}.shortcut.{{k}}": f"{ours}.shortcut.{{k}}",
    }


def _lwnet(theirs: str, number: str) -> dict[str, str]:
    ours = f"networks.{number}"
    return {
        **_block(f"{theirs}first", f"{ours}.down.0"),
        **_block(f"{theirs}down_path.{{n}}", f"{ours}.down.{{n+1}}"),
        **_block(f"{theirs}up_path.{{n}}.conv_layer", f"{ours}.up.{{n}}.block"),
        f"{theirs}up_path.{{n}}.conv_bridge_layer.block.0": f"{ours}.up.{{n}}.bridge.conv",
        f"{theirs}up_path.{{n}}.conv_bridge_layer.block.2": f"{ours}.up.{{n}}.bridge.norm",
        # Behind an upsampling without weights a convolution is the second.
        f"{theirs}up_path.{{n}}.up_layer.block.{{k}}": f"{ours}.up.{{n}}.up",
        f"{theirs}final": f"heads.{number}",
    }


def _mapping(name: str, renames: Mapping[str, str], *, leaky: bool = False) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin="agaldran/lwnet",
        renames=renames,
        known={"leaky": True} if leaky else {},
        # predict_one_image.py: a square of 512 px, divided by 255, nothing else.
        recipe={"preprocessing": {"resize": "stretch", "side": 512}},
    )


_TWO = _lwnet("unet{m}.", "{m-1}")
_ONE = _lwnet("", "0")

ARCHITECTURE = Architecture(
    id="wnet",
    title="W-Net",
    build=WNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    forward_deep=WNet.forward_deep,
    mappings=(
        KeyMapping(id="wnet", origin="segdemo", renames=_own()),
        _mapping("wnet_lwnet", _TWO),
        _mapping("wnet_lwnet_leaky", _TWO, leaky=True),
        _mapping("unet_lwnet", _ONE),
        _mapping("unet_lwnet_leaky", _ONE, leaky=True),
    ),
)
