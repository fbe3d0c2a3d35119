"""A U-Net with the Global Attention Upsample of PAN (Li et al. 2018, arXiv:1805.10180) beside it.

Each level of the expanding path joins three maps: the skip, what comes up by a transposed
convolution, and what comes up by attention, level by level, from the bottleneck.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements, count
from segdemo.architectures.parts.conv_unit import Row, conv_row, infer_row, row_names, row_of


@dataclass(frozen=True, kw_only=True)
class GAUNetConfig:
    """The convolutions of each level; each level up has as many as the one that it meets."""

    in_channels: int
    classes: int
    levels: tuple[Row, ...]
    """From the image down, the bottleneck last."""

    @classmethod
    def standard(
        cls, *, in_channels: int = 3, classes: int = 1, width: int = 64, depth: int = 4
    ) -> "GAUNetConfig":
        """Double convolutions whose widths double on the way down."""
        widths = [width * 2**level for level in range(depth + 1)]
        return cls(
            in_channels=in_channels,
            classes=classes,
            levels=tuple(row_of(width, width) for width in widths),
        )


class GlobalAttention(nn.Module):
    """Raises a coarse map, and adds a fine one weighted by what the coarse one holds at all."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.fine_conv = nn.Conv2d(fine, fine, 3, padding=1, bias=False)
        self.fine_norm = nn.BatchNorm2d(fine)
        self.weigh = nn.Conv2d(coarse, fine, 1, bias=False)
        self.up = nn.ConvTranspose2d(coarse, fine, 4, stride=2, padding=1, bias=False)
        self.up_norm = nn.BatchNorm2d(fine)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        weights = functional.relu(self.weigh(coarse.mean((2, 3), keepdim=True)), inplace=True)
        weighted = self.fine_norm(self.fine_conv(fine)) * weights
        return functional.relu(self.up_norm(self.up(coarse)) + weighted, inplace=True)


class GAUNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W multiples of 2**depth.

    Other sizes raise RuntimeError.
    """

    def __init__(self, config: GAUNetConfig) -> None:
        super().__init__()
        widths = [row[-1].width for row in config.levels]
        options = {"norm": True, "bias": True}
        self.encoder = nn.ModuleList(
            conv_row(into, row, **options)
            for into, row in zip((config.in_channels, *widths), config.levels, strict=False)
        )
        self.ups, self.gates, self.decoder = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level in range(len(widths) - 2, -1, -1):
            coarse, fine = widths[level + 1], widths[level]
            self.ups.append(nn.ConvTranspose2d(coarse, fine, 2, stride=2))
            self.gates.append(GlobalAttention(coarse, fine))
            self.decoder.append(conv_row(3 * fine, config.levels[level], **options))
        self.head = nn.Conv2d(widths[0], config.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        attended = skips.pop()
        for up, gate, block in zip(self.ups, self.gates, self.decoder, strict=True):
            skip = skips.pop()
            attended = gate(attended, skip)
            x = block(torch.cat([skip, up(x), attended], dim=1))
        logits: Tensor = self.head(x)
        return logits


def infer(shapes: Shapes) -> GAUNetConfig:
    """The configuration that has these shapes under the names of GAUNet."""
    levels = count(shapes, "encoder.{}.0.conv.weight")
    return GAUNetConfig(
        in_channels=shapes["encoder.0.0.conv.weight"][1],
        classes=shapes["head.weight"][0],
        levels=tuple(infer_row(shapes, f"encoder.{n}") for n in range(levels)),
    )


def describe(config: GAUNetConfig) -> str:
    """Width, and depth where it is unusual."""
    words = [f"width {config.levels[0][-1].width}"]
    if len(config.levels) != 5:
        words.append(f"{len(config.levels) - 1} levels")
    return ", ".join(words)


def requirements(config: GAUNetConfig) -> SizeRequirements:
    """Every level halves the size, and nothing is padded or cropped."""
    multiple = 2 ** (len(config.levels) - 1)
    return SizeRequirements(minimum=multiple, multiple_of=multiple)


_DEPTH = 4
_GATE = {
    "conv3x3": "fine_conv",
    "bn_low": "fine_norm",
    "conv1x1": "weigh",
    "conv_upsample": "up",
    "bn_upsample": "up_norm",
}


def _double(theirs: str, ours: str) -> dict[str, str | None]:
    pairs = [(f"{theirs}.conv.{conv}", f"{theirs}.conv.{conv + 1}") for conv in (0, 3)]
    return row_names(ours, *pairs)


def _zoo() -> dict[str, str | None]:
    """Blocks and head are counted through: conv1 to conv10."""
    renames: dict[str, str | None] = {
        f"conv{2 * _DEPTH + 2}": "head",
        **{f"gau_{{n}}.{theirs}": f"gates.{{n-1}}.{ours}" for theirs, ours in _GATE.items()},
        # Made, and never called.
        "gau_{n}.bn_high": None,
    }
    for level in range(_DEPTH + 1):
        renames |= _double(f"conv{level + 1}", f"encoder.{level}")
    for level in range(_DEPTH):
        place = _DEPTH + 2 + level
        renames |= {f"up{place}": f"ups.{level}", **_double(f"conv{place}", f"decoder.{level}")}
    return renames


ARCHITECTURE = Architecture(
    id="gau_unet",
    title="U-Net with global attention",
    build=GAUNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=(
        KeyMapping(
            id="gau_unet",
            origin="segdemo",
            renames={
                **{
                    path: path
                    for side in ("encoder", "decoder")
                    for part in ("conv", "norm")
                    for path in (f"{side}.{{n}}.{{k}}.{part}",)
                },
                **{f"gates.{{n}}.{part}": f"gates.{{n}}.{part}" for part in _GATE.values()},
                "ups.{n}": "ups.{n}",
                "head": "head",
            },
        ),
        KeyMapping(
            id="unetzoo_mychannelunet",
            origin="Andy-zhujunwen/UNET-ZOO",
            renames=_zoo(),
            # main.py: from -1 to 1; the sigmoid stands inside, one for each class.
            recipe={
                "preprocessing": {"mean": [0.5], "std": [0.5]},
                "postprocessing": {"activation": "sigmoid"},
            },
        ),
    ),
)
