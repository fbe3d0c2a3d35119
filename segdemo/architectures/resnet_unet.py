"""A ResNet (He et al. 2015, arXiv:1512.03385) as the contracting path of a U-shaped network.

The expanding path is that of LinkNet (Chaurasia, Culurciello 2017, arXiv:1707.03718): its blocks
narrow, double the size, widen again, and the skip is added, not joined.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, count
from segdemo.architectures.parts.resnet import (
    OWN_NAMES,
    Contraction,
    ResNetConfig,
    infer_stages,
    name_of,
    requirements,
    standard_stages,
)


@dataclass(frozen=True, kw_only=True)
class ResNetUNetConfig(ResNetConfig):
    """The stages of the contracting path from the image down, and the way up."""

    decoder: tuple[tuple[int, int], ...]
    """Channels inside and after each block of the expanding path, the deepest first."""
    tail: tuple[int, int]
    """Channels after the last two convolutions before the head."""

    @classmethod
    def standard(
        cls,
        *,
        in_channels: int = 3,
        classes: int = 1,
        blocks: tuple[int, ...] = (3, 4, 6, 3),
        width: int = 64,
        bottleneck: bool = False,
    ) -> "ResNetUNetConfig":
        """ResNet-34, or another one by its ``blocks``; widths double from ``width`` on."""
        stages = standard_stages(blocks, width, bottleneck=bottleneck)
        widths = [stage.out for stage in stages]
        # Each block narrows to a quarter; the last keeps the width of the first stage.
        decoder = tuple(
            (into // 4, out)
            for into, out in zip(widths[::-1], [*widths[-2::-1], widths[0]], strict=True)
        )
        return cls(
            in_channels=in_channels,
            classes=classes,
            stem=width,
            bottleneck=bottleneck,
            stages=stages,
            decoder=decoder,
            tail=(32, 32),
        )


class Expansion(nn.Module):
    """Narrows, doubles the size, widens; a batch norm and a ReLU follow each convolution."""

    def __init__(self, into: int, inner: int, out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, inner, 1)
        self.norm1 = nn.BatchNorm2d(inner)
        self.up = nn.ConvTranspose2d(inner, inner, 3, stride=2, padding=1, output_padding=1)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, out, 1)
        self.norm3 = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        x = functional.relu(self.norm2(self.up(x)), inplace=True)
        return functional.relu(self.norm3(self.conv2(x)), inplace=True)


class ResNetUNet(Contraction):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W multiples of 32.

    Other sizes raise RuntimeError or come back rounded up to a multiple.
    """

    def __init__(self, config: ResNetUNetConfig) -> None:
        super().__init__(config)
        self.decoder = nn.ModuleList()
        into = config.stages[-1].out
        for inner, out in config.decoder:
            self.decoder.append(Expansion(into, inner, out))
            into = out
        between, last = config.tail
        self.tail_up = nn.ConvTranspose2d(into, between, 4, stride=2, padding=1)
        self.tail_conv = nn.Conv2d(between, last, 3, padding=1)
        self.head = nn.Conv2d(last, config.classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        _, *skips, x = self.features(x)
        for block in self.decoder:
            x = block(x)
            if skips:
                x = x + skips.pop()
        x = functional.relu(self.tail_up(x), inplace=True)
        x = functional.relu(self.tail_conv(x), inplace=True)
        logits: Tensor = self.head(x)
        return logits


def infer(shapes: Shapes) -> ResNetUNetConfig:
    """The configuration that has these shapes under the names of ResNetUNet."""
    stages, bottleneck = infer_stages(shapes)
    expansions = count(shapes, "decoder.{}.conv1.weight")
    if len(stages) != expansions:
        raise ValueError(f"{len(stages)} stages down, {expansions} up")
    stem, in_channels = shapes["stem_conv.weight"][:2]
    return ResNetUNetConfig(
        in_channels=in_channels,
        classes=shapes["head.weight"][0],
        stem=stem,
        bottleneck=bottleneck,
        stages=stages,
        decoder=tuple(
            (shapes[f"decoder.{level}.conv1.weight"][0], shapes[f"decoder.{level}.conv2.weight"][0])
            for level in range(expansions)
        ),
        tail=(shapes["tail_up.weight"][1], shapes["tail_conv.weight"][0]),
    )


def describe(config: ResNetUNetConfig) -> str:
    """Which ResNet it is, such as "ResNet-34, width 64"."""
    return f"{name_of(config.stages, bottleneck=config.bottleneck)}, width {config.stem}"


_PARTS = ("conv1", "norm1", "up", "norm2", "conv2", "norm3")

LINKNET_NAMES = {
    "firstconv": "stem_conv",
    "firstbn": "stem_norm",
    # The children of torchvision's ResNet.
    "encoder{n}.{k}.conv{i}": "encoder.{n-1}.{k}.conv{i}",
    "encoder{n}.{k}.bn{i}": "encoder.{n-1}.{k}.norm{i}",
    "encoder{n}.{k}.downsample.{i}": "encoder.{n-1}.{k}.shortcut.{i}",
    "decoder{n}.conv1": "decoder.{~n}.conv1",
    "decoder{n}.norm1": "decoder.{~n}.norm1",
    "decoder{n}.deconv2": "decoder.{~n}.up",
    "decoder{n}.norm2": "decoder.{~n}.norm2",
    "decoder{n}.conv3": "decoder.{~n}.conv2",
    "decoder{n}.norm3": "decoder.{~n}.norm3",
    "finaldeconv1": "tail_up",
    "finalconv2": "tail_conv",
    "finalconv3": "head",
}
"""What LinkNet's layers are called in the code bases that came from snakers4/spacenet-three."""

ARCHITECTURE = Architecture(
    id="resnet_unet",
    title="ResNet U-Net",
    build=ResNetUNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=(
        KeyMapping(
            id="resnet_unet",
            origin="segdemo",
            renames={
                **OWN_NAMES,
                **{f"decoder.{{n}}.{part}": f"decoder.{{n}}.{part}" for part in _PARTS},
                "tail_up": "tail_up",
                "tail_conv": "tail_conv",
                "head": "head",
            },
        ),
        KeyMapping(
            id="resnet34_unet",
            origin="Andy-zhujunwen/UNET-ZOO",
            renames=LINKNET_NAMES,
            lookalikes={"dblock": "checkpoint_dilated_centre", "spp": "checkpoint_dilated_centre"},
            # main.py: from -1 to 1; the sigmoid stands inside, one for each class.
            recipe={
                "preprocessing": {"mean": [0.5], "std": [0.5]},
                "postprocessing": {"activation": "sigmoid"},
            },
        ),
    ),
)
