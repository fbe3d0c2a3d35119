"""VGG (Simonyan, Zisserman 2014, arXiv:1409.1556) made fully convolutional, as all FCNs use it."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Shapes, count

BLOCKS = 5
"""Each ends with a pooling that halves the size."""


@dataclass(frozen=True, kw_only=True)
class VGGConfig:
    """The hyper-parameters that the FCNs share."""

    in_channels: int
    classes: int
    widths: tuple[tuple[int, ...], ...]
    """Channels after each 3x3 convolution, block by block."""
    hidden: tuple[int, int]
    """Channels of fc6 and fc7, the fully connected layers that became convolutions."""
    skips: int
    """How many pooled features before the last are scored as well."""

    @property
    def stride(self) -> int:
        """Pixels between the finest scores, by which the variants are called: 32, 16, 8."""
        return 1 << (BLOCKS - self.skips)


def vgg16(width: int = 64) -> tuple[tuple[int, ...], ...]:
    """The widths of VGG-16; it has 64 channels after its first convolution."""
    blocks = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
    return tuple((width * factor,) * depth for factor, depth in blocks)


class VGG(nn.Module):
    """Features of an image (N, in_channels, H, W) at stride 32 and, as far as scored, finer."""

    def __init__(
        self, config: VGGConfig, *, first_padding: int, fc6_padding: int, ceil_mode: bool
    ) -> None:
        """``ceil_mode``: whether an odd row or column is pooled alone rather than dropped."""
        super().__init__()
        self.skips, self.ceil_mode = config.skips, ceil_mode
        self.blocks = nn.ModuleList()
        into, padding = config.in_channels, first_padding
        for widths in config.widths:
            block = nn.ModuleList()
            for out in widths:
                block.append(nn.Conv2d(into, out, 3, padding=padding))
                into, padding = out, 1
            self.blocks.append(block)
        self.fc6 = nn.Conv2d(into, config.hidden[0], 7, padding=fc6_padding)
        self.fc7 = nn.Conv2d(config.hidden[0], config.hidden[1], 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The features of fc7, then those of the pools before the last, the deepest first."""
        scored: list[Tensor] = []
        for after, block in zip(range(BLOCKS - 1, -1, -1), self.blocks, strict=True):
            for convolution in block.children():
                x = functional.relu(convolution(x), inplace=True)
            x = functional.max_pool2d(x, 2, ceil_mode=self.ceil_mode)
            if 0 < after <= self.skips:
                scored.insert(0, x)
        for layer in (self.fc6, self.fc7):
            x = functional.relu(layer(x), inplace=True)
            x = functional.dropout2d(x, training=self.training)
        return [x, *scored]


def score_layers(config: VGGConfig) -> nn.ModuleList:
    """A 1x1 convolution to the classes for each of the features that VGG returns."""
    pooled = [widths[-1] for widths in config.widths[-2::-1]]
    sources = (config.hidden[1], *pooled[: config.skips])
    return nn.ModuleList(nn.Conv2d(source, config.classes, 1) for source in sources)


def crop(x: Tensor, offset: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """``size`` rows and columns of (N, C, H, W) from ``offset`` on."""
    (top, left), (rows, columns) = offset, size
    return x[:, :, top : top + rows, left : left + columns]


def infer(shapes: Shapes) -> VGGConfig:
    """The configuration that has these shapes under ``vgg`` and ``scores``."""
    depths = [count(shapes, f"vgg.blocks.{n}.{{}}.weight") for n in range(BLOCKS)]
    return VGGConfig(
        in_channels=shapes["vgg.blocks.0.0.weight"][1],
        classes=shapes["scores.0.weight"][0],
        widths=tuple(
            tuple(shapes[f"vgg.blocks.{n}.{k}.weight"][0] for k in range(depth))
            for n, depth in enumerate(depths)
        ),
        hidden=(shapes["vgg.fc6.weight"][0], shapes["vgg.fc7.weight"][0]),
        skips=count(shapes, "scores.{}.weight") - 1,
    )


def describe(config: VGGConfig) -> str:
    """Stride and width: "8s, width 64"."""
    return f"{config.stride}s, width {config.widths[0][0]}"


OWN_NAMES = {name: name for name in ("vgg.blocks.{n}.{k}", "vgg.fc6", "vgg.fc7", "scores.{n}")}
"""What the FCNs of this package share of their names."""

CAFFE_NAMES = {
    "conv{n}_{k}": "vgg.blocks.{n-1}.{k-1}",
    "fc6": "vgg.fc6",
    "fc7": "vgg.fc7",
    "score_fr": "scores.0",
    "score_pool4": "scores.1",
    "score_pool3": "scores.2",
}
"""What the layers are called in VGG's own Caffe model and in the FCNs that were made from it."""
