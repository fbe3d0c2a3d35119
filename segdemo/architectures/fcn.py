"""FCN (Long, Shelhamer, Darrell 2015, arXiv:1411.4038) as in Caffe: a wide border, then crops.

The image gets a border of 100 pixels, so that unpadded fc6 has something to see at any
size. Scores of pooled features are joined where they lie over the same pixels; where that is
follows from the layers in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from segdemo.architectures.base import Architecture, KeyMapping, Shapes
from segdemo.architectures.parts.data_sets import VOC_CLASSES
from segdemo.architectures.parts.vgg import (
    CAFFE_NAMES,
    OWN_NAMES,
    VGG,
    VGGConfig,
    crop,
    score_layers,
)
from segdemo.architectures.parts.vgg import describe as describe_vgg
from segdemo.architectures.parts.vgg import infer as infer_vgg

_BORDER = 100
_FC6_KERNEL = 7


@dataclass(frozen=True, kw_only=True)
class FCNConfig(VGGConfig):
    """A VGG with scores of stride 32, 16 or 8."""

    skip_scales: tuple[float, ...] = ()
    """By which the features of each skip are multiplied, the deepest first; none when empty."""


@dataclass(frozen=True)
class Grid:
    """Where features lie: the centre of number i over pixel ``step * i + origin``."""

    step: float = 1
    origin: float = 0

    def after(self, kernel: int, *, stride: int = 1, padding: int = 0) -> "Grid":
        """Of what a convolution or pooling makes of them."""
        shift = (kernel - 1) / 2 - padding
        return Grid(self.step * stride, self.origin + self.step * shift)

    def after_transposed(self, kernel: int, *, stride: int) -> "Grid":
        """Of what a transposed convolution makes of them."""
        step = self.step / stride
        return Grid(step, self.origin - step * (kernel - 1) / 2)

    def place_in(self, other: "Grid") -> int:
        """The number in ``other`` that lies over the same pixel as our first."""
        place = (self.origin - other.origin) / other.step
        if self.step != other.step or place != int(place):
            raise ValueError(f"{self} and {other} do not meet")
        return int(place)


def up_strides(config: VGGConfig) -> tuple[int, ...]:
    """By which the scores are upsampled before each skip, and at last to the image."""
    return (*(2,) * config.skips, config.stride)


def places(config: VGGConfig) -> tuple[int, ...]:
    """Where the upsampled scores begin in each skip's features; last, where the image does.

    In rows, and columns as well. The crops of the Caffe originals: (5, 9, 31) at stride 8.
    """
    grid, padding, pooled = Grid(), _BORDER, []
    for widths in config.widths:
        for _ in widths:
            grid, padding = grid.after(3, padding=padding), 1
        grid = grid.after(2, stride=2)
        pooled.append(grid)
    skips = pooled[-2 : -2 - config.skips : -1]
    grid = grid.after(_FC6_KERNEL)
    found = []
    *steps, last = up_strides(config)
    for stride, skip in zip(steps, skips, strict=True):
        grid = grid.after_transposed(2 * stride, stride=stride)
        found.append(grid.place_in(skip))
    grid = grid.after_transposed(2 * last, stride=last)
    return (*found, Grid().place_in(grid))


class FCN(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W) of any size."""

    def __init__(self, config: FCNConfig) -> None:
        super().__init__()
        self.vgg = VGG(config, first_padding=_BORDER, fc6_padding=0, ceil_mode=True)
        self.scores = score_layers(config)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(config.classes, config.classes, 2 * stride, stride, bias=False)
            for stride in up_strides(config)
        )
        self.scales = config.skip_scales or (1.0,) * config.skips
        self.places = places(config)

    def forward(self, x: Tensor) -> Tensor:
        size = (x.shape[2], x.shape[3])
        deepest, *skips = self.vgg(x)
        y = self.scores[0](deepest)
        for n, skip in enumerate(skips):
            y = self.ups[n](y)
            under = crop(skip, (self.places[n],) * 2, (y.shape[2], y.shape[3]))
            y = y + self.scores[n + 1](under * self.scales[n])
        return crop(self.ups[-1](y), (self.places[-1],) * 2, size)


def infer(shapes: Shapes) -> FCNConfig:
    """The configuration that has these shapes under the names of FCN."""
    return FCNConfig(**vars(infer_vgg(shapes)))


def describe(config: FCNConfig) -> str:
    """Stride, training and width: "8s at once, width 64"."""
    stride, width = describe_vgg(config).split(", ")
    return f"{stride} at once, {width}" if config.skip_scales else f"{stride}, {width}"


_NAMES_32S = {**CAFFE_NAMES, "upscore": "ups.0"}
_NAMES_16S = {**CAFFE_NAMES, "upscore2": "ups.0", "upscore16": "ups.1"}
_NAMES_8S = {**CAFFE_NAMES, "upscore2": "ups.0", "upscore_pool4": "ups.1", "upscore8": "ups.2"}


def _caffe(
    name: str, renames: Mapping[str, str], *, trained: str = "", scales: tuple[float, ...] = ()
) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin=f"shelhamer/fcn.berkeleyvision.org and wkentaro/pytorch-fcn{trained}",
        renames=renames,
        known={"skip_scales": scales} if scales else {},
        fits=lambda config: len(config.skip_scales) in (0, config.skips),
        # Caffe's images: BGR, 0 to 255 less the mean of VGG's training. Those of VOC have at
        # most 500 pixels, so that larger ones would show things in other sizes.
        recipe={
            "preprocessing": {
                "resize": "at_most",
                "side": 500,
                "channels": "bgr",
                "divisor": 1.0,
                "mean": [104.00698793, 116.66876762, 122.67891434],
            },
        },
        trained_classes=VOC_CLASSES,
    )


ARCHITECTURE = Architecture(
    id="fcn",
    title="FCN",
    build=FCN,
    infer=infer,
    describe=describe,
    mappings=(
        KeyMapping(id="fcn", origin="segdemo", renames={**OWN_NAMES, "ups.{n}": "ups.{n}"}),
        _caffe("fcn32s", _NAMES_32S),
        _caffe("fcn16s", _NAMES_16S),
        _caffe("fcn8s", _NAMES_8S),
        # Trained in one go rather than stride by stride, which needs skips of about one size.
        _caffe("fcn8s_at_once", _NAMES_8S, trained=", at once", scales=(0.01, 0.0001)),
    ),
)
