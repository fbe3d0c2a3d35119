"""UNet++ (Zhou et al. 2018, arXiv:1807.10165): a U-Net whose skips are U-Nets themselves.

Node (i, j) lies at level i, which is 2**i times coarser than the image, in column j. The nodes of
column 0 are the encoder; each other joins all nodes before it at its level with the upsampled
node below. Every node of level 0 but the first can have a head of its own (deep supervision).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements, count
from segdemo.architectures.parts.conv_unit import Row, conv_row, infer_row, row_names, row_of
from segdemo.architectures.u_shape.config import Interpolation


@dataclass(frozen=True, kw_only=True)
class NestedUNetConfig:
    """The hyper-parameters of a UNet++; levels count from the image down."""

    in_channels: int
    classes: int
    levels: tuple[Row, ...]
    """The convolutions of each node of a level, the coarsest level last."""
    up: Literal["transposed", "resize"] = "resize"
    """Transposed convolutions give the channels of the level that they come to."""
    heads: int = 1
    """1, or one for each column that is supervised."""
    norm: bool = True
    bias: bool = True
    """Whether convolutions before a norm have a bias."""
    join: Literal["skip_first", "up_first"] = "skip_first"
    interpolation: Interpolation = "bilinear_aligned"
    fused: Literal["last", "mean"] = "last"
    """Whether the last head gives the logits or the mean of all."""

    @classmethod
    def standard(
        cls, *, in_channels: int = 3, classes: int = 1, width: int = 32, heads: int = 1
    ) -> "NestedUNetConfig":
        """The network of the paper: five levels of double convolutions, widths doubling."""
        widths = [width * 2**level for level in range(5)]
        return cls(
            in_channels=in_channels,
            classes=classes,
            levels=tuple(row_of(width, width) for width in widths),
            heads=heads,
        )


class DenseSkip(nn.Module):
    """The nodes of one level but the first: each joins those before it and the one below."""

    def __init__(self, level: int, config: NestedUNetConfig) -> None:
        super().__init__()
        row, below = config.levels[level], config.levels[level + 1][-1].width
        width = row[-1].width
        self.nodes, self.ups = nn.ModuleList(), nn.ModuleList()
        for column in range(1, len(config.levels) - level):
            lifted = below
            if config.up == "transposed":
                lifted = width
                self.ups.append(nn.ConvTranspose2d(below, lifted, 2, stride=2))
            joined = column * width + lifted
            self.nodes.append(conv_row(joined, row, norm=config.norm, bias=config.bias))
        self.skip_first = config.join == "skip_first"
        mode, *aligned = config.interpolation.split("_")
        self.mode, self.align_corners = mode, None if mode == "nearest" else bool(aligned)

    def forward(self, before: list[Tensor], below: Tensor) -> Tensor:
        """The next node of the level, given those before it and the one below it."""
        column = len(before) - 1
        if len(self.ups):
            lifted = self.ups[column](below)
        else:
            lifted = functional.interpolate(
                below, scale_factor=2.0, mode=self.mode, align_corners=self.align_corners
            )
        joined = [*before, lifted] if self.skip_first else [lifted, *before]
        node: Tensor = self.nodes[column](torch.cat(joined, dim=1))
        return node


class NestedUNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W multiples of 2**depth.

    Other sizes raise RuntimeError. With deep supervision they are those of the last head, whose
    node has seen all the others, or the mean of all.
    """

    def __init__(self, config: NestedUNetConfig) -> None:
        super().__init__()
        into = [config.in_channels, *(row[-1].width for row in config.levels)]
        self.encoder = nn.ModuleList(
            conv_row(into[level], row, norm=config.norm, bias=config.bias)
            for level, row in enumerate(config.levels)
        )
        self.skips = nn.ModuleList(
            DenseSkip(level, config) for level in range(len(config.levels) - 1)
        )
        self.heads = nn.ModuleList(
            nn.Conv2d(into[1], config.classes, 1) for _ in range(config.heads)
        )
        self.averages = config.fused == "mean"

    def forward(self, x: Tensor) -> Tensor:
        if self.averages:
            return torch.stack(forward_deep(self, x)).mean(dim=0)
        logits: Tensor = self.heads[-1](self.finest(x)[-1])
        return logits

    def finest(self, x: Tensor) -> list[Tensor]:
        """The nodes of the image's own size, column by column."""
        nodes: list[list[Tensor]] = []  # of each level, as far as they are made
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool2d(x, 2) if level else x)
            nodes.append([x])
            # What can be made now lies on the diagonal from here to the image's own level.
            for above in range(level - 1, -1, -1):
                nodes[above].append(self.skips[above](nodes[above], nodes[above + 1][-1]))
        return nodes[0]


def forward_deep(network: NestedUNet, x: Tensor) -> list[Tensor]:
    """The logits of every head, the last one first; each head reads a column of its own."""
    heads = list(network.heads)
    nodes = network.finest(x)[-len(heads) :]
    return [head(node) for head, node in zip(reversed(heads), reversed(nodes), strict=True)]


def infer(shapes: Shapes) -> NestedUNetConfig:
    """The configuration that has these shapes under the names of NestedUNet."""
    depth = count(shapes, "encoder.{}.0.conv.weight")
    classes, _, *kernel = shapes["heads.0.weight"]
    if kernel != [1, 1]:
        raise ValueError(f"a head of {kernel} pixels")
    return NestedUNetConfig(
        in_channels=shapes["encoder.0.0.conv.weight"][1],
        classes=classes,
        levels=tuple(infer_row(shapes, f"encoder.{level}") for level in range(depth)),
        up="transposed" if "skips.0.ups.0.weight" in shapes else "resize",
        heads=count(shapes, "heads.{}.weight"),
        norm="encoder.0.0.norm.weight" in shapes,
        bias="encoder.0.0.conv.bias" in shapes,
    )


def describe(config: NestedUNetConfig) -> str:
    """Width, depth where it is unusual, and deep supervision."""
    words = [f"width {config.levels[0][-1].width}"]
    if len(config.levels) != 5:
        words.append(f"{len(config.levels) - 1} levels")
    if config.heads > 1:
        words.append("deep supervision")
    return ", ".join(words)


def requirements(config: NestedUNetConfig) -> SizeRequirements:
    """Every level halves the size, and nothing is padded or cropped."""
    multiple = 2 ** (len(config.levels) - 1)
    return SizeRequirements(minimum=multiple, multiple_of=multiple)


def _code_base(*members: tuple[str, str]) -> dict[str, str | None]:
    """Nodes called conv0_0 to conv4_0, of which ``members`` are the (convolution, norm)."""

    def block(theirs: str, ours: str) -> dict[str, str | None]:
        names = [(f"{theirs}.{conv}", f"{theirs}.{norm}") for conv, norm in members]
        return row_names(ours, *names)

    return {
        # Column 0 stands first, so that the names of the others do not take it.
        **block("conv{n}_0", "encoder.{n}"),
        **block("conv{n}_{k}", "skips.{n}.nodes.{k-1}"),
        "final": "heads.0",
        "final{k}": "heads.{k-1}",
    }


# main.py of UNET-ZOO: from -1 to 1; the sigmoid stands inside, one for each class.
_ZOO = {
    "preprocessing": {"mean": [0.5], "std": [0.5]},
    "postprocessing": {"activation": "sigmoid"},
}

ARCHITECTURE = Architecture(
    id="nested_unet",
    title="UNet++",
    build=NestedUNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    forward_deep=forward_deep,
    mappings=(
        KeyMapping(
            id="nested_unet",
            origin="segdemo",
            renames={
                "encoder.{n}.{i}.conv": "encoder.{n}.{i}.conv",
                "encoder.{n}.{i}.norm": "encoder.{n}.{i}.norm",
                "skips.{n}.nodes.{k}.{i}.conv": "skips.{n}.nodes.{k}.{i}.conv",
                "skips.{n}.nodes.{k}.{i}.norm": "skips.{n}.nodes.{k}.{i}.norm",
                "skips.{n}.ups.{k}": "skips.{n}.ups.{k}",
                "heads.{k}": "heads.{k}",
            },
        ),
        KeyMapping(
            id="nested_unet_4uiiurz1",
            origin="4uiiurz1/pytorch-nested-unet and bigmb/Unet-Segmentation-Pytorch-Nest-of-Unets",
            renames=_code_base(("conv1", "bn1"), ("conv2", "bn2")),
            fits=lambda config: config.norm,
            # Both take a sigmoid of each class.
            recipe={"postprocessing": {"activation": "sigmoid"}},
        ),
        KeyMapping(
            id="nested_unet_zoo",
            origin="Andy-zhujunwen/UNET-ZOO",
            renames=_code_base(("conv.0", "conv.1"), ("conv.3", "conv.4")),
            fits=lambda config: config.norm,
            recipe=_ZOO,
        ),
    ),
)
