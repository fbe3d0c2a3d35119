"""Swin transformers (Liu et al. 2021, arXiv:2103.14030) as encoders of four strides, 4 to 32."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Shapes, count

_PATCH = 4
_KNOWN: Mapping[tuple[int, tuple[int, ...]], str] = {
    (96, (2, 2, 6, 2)): "Swin-T",
    (96, (2, 2, 18, 2)): "Swin-S",
    (128, (2, 2, 18, 2)): "Swin-B",
    (192, (2, 2, 18, 2)): "Swin-L",
}


@dataclass(frozen=True, kw_only=True)
class SwinConfig:
    """Widths double from stage to stage."""

    in_channels: int
    width: int
    depths: tuple[int, ...]
    """Blocks in each stage."""
    heads: tuple[int, ...]
    window: int
    """Side of the windows, in patches."""
    hidden: int = 4
    """How many times wider the perceptrons are inside."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return tuple(self.width * 2**stage for stage in range(len(self.depths)))

    @property
    def name(self) -> str:
        """What people call it: "Swin-L", or its width."""
        return _KNOWN.get((self.width, self.depths), f"Swin of width {self.width}")


class Attention(nn.Module):
    """Attention among the patches of a window, with a learned bias for each offset."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        # Checkpoints hold it. What is used is computed: numbers of a file are no places.
        self.register_buffer("relative_position_index", _offsets(window))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Windows (N, windows, window², width) to the same; ``mask`` (windows, window², window²)
        is minus infinity between patches that do not see each other."""
        batch, windows, length, width = x.shape
        offsets = _offsets(self.window).to(x.device).flatten()
        bias = self.relative_position_bias_table[offsets].view(length, length, self.heads)
        bias = bias.permute(2, 0, 1)[None]
        if mask is not None:
            bias = bias + mask[:, None]
            bias = bias.repeat(batch, 1, 1, 1)
        qkv = self.qkv(x).view(batch * windows, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(query, key, value, bias.to(query.dtype))
        return self.proj(y.transpose(1, 2).reshape(x.shape))


def _offsets(window: int) -> Tensor:
    """(window², window²): the number of the offset between two patches."""
    rows, columns = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    places = torch.stack([rows.flatten(), columns.flatten()])
    down, right = places[:, :, None] - places[:, None, :] + window - 1
    return down * (2 * window - 1) + right


class Perceptron(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    """Attention in windows, which lie half a window off in every second block; a perceptron."""

    def __init__(self, width: int, heads: int, window: int, hidden: int, *, shifted: bool) -> None:
        super().__init__()
        self.window, self.shift = window, window // 2 if shifted else 0
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads, window)
        self.mlp = Perceptron(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """(N, H, W, width) to the same."""
        x = x + self._attended(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def _attended(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        x = functional.pad(x, (0, 0, 0, -width % self.window, 0, -height % self.window))
        rows, columns = x.shape[1:3]
        mask = None
        if self.shift:
            x = x.roll((-self.shift, -self.shift), (1, 2))
            mask = _mask(rows, columns, self.window, self.shift).to(x)
        y = _joined(self.attn(_windows(x, self.window), mask), rows, columns, self.window)
        if self.shift:
            y = y.roll((self.shift, self.shift), (1, 2))
        return y[:, :height, :width]


def _windows(x: Tensor, side: int) -> Tensor:
    """(N, H, W, C) to (N, windows, side², C)."""
    batch, height, width, channels = x.shape
    x = x.view(batch, height // side, side, width // side, side, channels)
    return x.transpose(2, 3).reshape(batch, -1, side * side, channels)


def _joined(x: Tensor, height: int, width: int, side: int) -> Tensor:
    """What ``_windows`` took apart."""
    batch, channels = x.shape[0], x.shape[-1]
    x = x.view(batch, height // side, width // side, side, side, channels)
    return x.transpose(2, 3).reshape(batch, height, width, channels)


def _mask(height: int, width: int, side: int, shift: int) -> Tensor:
    """Minus infinity between patches that the shift brought together from opposite edges."""
    regions = [
        torch.arange(length).ge(length - side).int() + torch.arange(length).ge(length - shift)
        for length in (height, width)
    ]
    numbered = (regions[0][:, None] * 3 + regions[1]).view(1, height, width, 1)
    inside = _windows(numbered, side)[0, :, :, 0]
    apart = inside[:, None] != inside[:, :, None]
    return torch.zeros(apart.shape).masked_fill(apart, -math.inf)


class Merging(nn.Module):
    """Four neighbouring patches become one of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        x = functional.pad(x, (0, 0, 0, width % 2, 0, height % 2))
        parts = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(parts, -1)))


class Stage(nn.Module):
    """Blocks; what follows them is merged, except after the last stage."""

    def __init__(self, config: SwinConfig, stage: int) -> None:
        super().__init__()
        width = config.widths[stage]
        self.blocks = nn.Sequential(
            *(
                Block(
                    width,
                    config.heads[stage],
                    config.window,
                    config.hidden * width,
                    shifted=number % 2 == 1,
                )
                for number in range(config.depths[stage])
            )
        )
        last = stage == len(config.depths) - 1
        self.downsample = None if last else Merging(width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The features of the stage, and what the next one is given."""
        y = self.blocks(x)
        return y, y if self.downsample is None else self.downsample(y)


class Patches(nn.Module):
    """Each square of four pixels becomes one patch; sides are filled up with zeros."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(config.in_channels, config.width, _PATCH, _PATCH)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        x = functional.pad(x, (0, -width % _PATCH, 0, -height % _PATCH))
        return self.norm(self.proj(x).permute(0, 2, 3, 1))


class SwinEncoder(nn.Module):
    """Images (N, C, H, W) to the features of each stage, (N, widths[i], H / 4·2^i, W / 4·2^i)."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.patch_embed = Patches(config)
        self.layers = nn.ModuleList(Stage(config, stage) for stage in range(len(config.depths)))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in config.widths)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Sides that no stride divides are rounded up."""
        x, found = self.patch_embed(x), []
        for stage, norm in zip(self.layers, self.norms, strict=True):
            y, x = stage(x)
            found.append(norm(y).permute(0, 3, 1, 2).contiguous())
        return found


def infer(shapes: Shapes) -> SwinConfig:
    """The configuration that has these shapes under the names of SwinEncoder."""
    width, in_channels = shapes["patch_embed.proj.weight"][:2]
    depths, heads = [], []
    for stage in range(count(shapes, "norms.{}.weight")):
        blocks = f"layers.{stage}.blocks."
        depths.append(count(shapes, blocks + "{}.norm1.weight"))
        heads.append(shapes[f"{blocks}0.attn.relative_position_bias_table"][1])
    offsets = shapes["layers.0.blocks.0.attn.relative_position_bias_table"][0]
    return SwinConfig(
        in_channels=in_channels,
        width=width,
        depths=tuple(depths),
        heads=tuple(heads),
        window=(math.isqrt(offsets) + 1) // 2,
        hidden=shapes["layers.0.blocks.0.mlp.fc1.weight"][0] // width,
    )


def names(theirs: str, ours: str) -> dict[str, str | None]:
    """How the code of the paper calls the modules under ``theirs``, ours being under ``ours``."""
    block = ("norm1", "norm2", "attn", "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
    modules = (
        *("patch_embed.proj", "patch_embed.norm"),
        *(f"layers.{{n}}.blocks.{{m}}.{part}" for part in block),
        *("layers.{n}.downsample.norm", "layers.{n}.downsample.reduction"),
    )
    same: dict[str, str | None] = {f"{theirs}.{name}": f"{ours}.{name}" for name in modules}
    return {**same, f"{theirs}.norm{{n}}": f"{ours}.norms.{{n}}"}
