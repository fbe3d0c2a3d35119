"""A ResNet (He et al. 2015, arXiv:1512.03385) as the contracting path of a U-shaped network.

The expanding path is that of LinkNet (Chaurasia, Culurciello 2017, arXiv:1707.03718): its blocks
narrow, double the size, widen again, and the skip is added, not joined.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements, count


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """Residual blocks of one size; the first of them halves it, but for the first stage."""

    blocks: int
    inner: int
    """Channels between the convolutions of a block."""
    out: int
    groups: int = 1
    """Of the 3x3 convolution of a bottleneck."""


@dataclass(frozen=True, kw_only=True)
class ResNetUNetConfig:
    """The stages of the contracting path from the picture down, and the way up."""

    in_channels: int
    classes: int
    stem: int
    """Channels after the 7x7 convolution."""
    bottleneck: bool
    """Whether a block is 1x1, 3x3, 1x1 (ResNet-50 and deeper) or 3x3, 3x3."""
    stages: tuple[StageConfig, ...]
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
        expansion = 4 if bottleneck else 1
        stages = tuple(
            StageConfig(blocks=depth, inner=width * 2**level, out=width * 2**level * expansion)
            for level, depth in enumerate(blocks)
        )
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


class Residual(nn.Module):
    """Two 3x3 convolutions, or 1x1, 3x3, 1x1, whose result is added to the input."""

    def __init__(self, into: int, stage: StageConfig, *, bottleneck: bool, stride: int) -> None:
        super().__init__()
        inner, out = stage.inner, stage.out
        if bottleneck:
            self.conv1 = nn.Conv2d(into, inner, 1, bias=False)
            self.conv2 = nn.Conv2d(
                inner, inner, 3, stride=stride, padding=1, groups=stage.groups, bias=False
            )
            self.conv3 = nn.Conv2d(inner, out, 1, bias=False)
            self.norm3 = nn.BatchNorm2d(out)
        else:
            self.conv1 = nn.Conv2d(into, inner, 3, stride=stride, padding=1, bias=False)
            self.conv2 = nn.Conv2d(inner, out, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(inner)
        self.norm2 = nn.BatchNorm2d(self.conv2.out_channels)
        self.bottleneck = bottleneck
        self.shortcut = nn.Sequential()
        if stride != 1 or into != out:
            self.shortcut.append(nn.Conv2d(into, out, 1, stride=stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        if self.bottleneck:
            y = self.norm3(self.conv3(functional.relu(y, inplace=True)))
        return functional.relu(y + self.shortcut(x), inplace=True)


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


class ResNetUNet(nn.Module):
    """Logits (N, classes, H, W) for pictures (N, in_channels, H, W), H and W multiples of 32.

    Other sizes raise RuntimeError or come back rounded up to a multiple.
    """

    def __init__(self, config: ResNetUNetConfig) -> None:
        super().__init__()
        self.stem_conv = nn.Conv2d(
            config.in_channels, config.stem, 7, stride=2, padding=3, bias=False
        )
        self.stem_norm = nn.BatchNorm2d(config.stem)
        self.encoder = nn.ModuleList()
        into = config.stem
        for level, stage in enumerate(config.stages):
            blocks = nn.Sequential()
            for block in range(stage.blocks):
                stride = 2 if level and not block else 1
                blocks.append(Residual(into, stage, bottleneck=config.bottleneck, stride=stride))
                into = stage.out
            self.encoder.append(blocks)
        self.decoder = nn.ModuleList()
        for inner, out in config.decoder:
            self.decoder.append(Expansion(into, inner, out))
            into = out
        between, last = config.tail
        self.tail_up = nn.ConvTranspose2d(into, between, 4, stride=2, padding=1)
        self.tail_conv = nn.Conv2d(between, last, 3, padding=1)
        self.head = nn.Conv2d(last, config.classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.stem_norm(self.stem_conv(x)), inplace=True)
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        skips: list[Tensor] = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
        skips.pop()
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
    stages = count(shapes, "encoder.{}.0.conv1.weight")
    expansions = count(shapes, "decoder.{}.conv1.weight")
    if stages != expansions:
        raise ValueError(f"{stages} stages down, {expansions} up")
    stem, in_channels = shapes["stem_conv.weight"][:2]
    bottleneck = "encoder.0.0.conv3.weight" in shapes
    return ResNetUNetConfig(
        in_channels=in_channels,
        classes=shapes["head.weight"][0],
        stem=stem,
        bottleneck=bottleneck,
        stages=tuple(
            _stage(shapes, f"encoder.{level}", bottleneck=bottleneck) for level in range(stages)
        ),
        decoder=tuple(
            (shapes[f"decoder.{level}.conv1.weight"][0], shapes[f"decoder.{level}.conv2.weight"][0])
            for level in range(expansions)
        ),
        tail=(shapes["tail_up.weight"][1], shapes["tail_conv.weight"][0]),
    )


def _stage(shapes: Shapes, path: str, *, bottleneck: bool) -> StageConfig:
    inner = shapes[f"{path}.0.conv1.weight"][0]
    last = "conv3" if bottleneck else "conv2"
    return StageConfig(
        blocks=count(shapes, path + ".{}.conv1.weight"),
        inner=inner,
        out=shapes[f"{path}.0.{last}.weight"][0],
        groups=inner // shapes[f"{path}.0.conv2.weight"][1] if bottleneck else 1,
    )


# (blocks, bottleneck) -> the number in the name that the paper gives it.
_LAYERS: dict[tuple[tuple[int, ...], bool], int] = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}


def describe(config: ResNetUNetConfig) -> str:
    """Which ResNet it is, such as "ResNet-34, width 64"."""
    blocks = tuple(stage.blocks for stage in config.stages)
    layers = _LAYERS.get((blocks, config.bottleneck))
    name = f"ResNet-{layers}" if layers else f"ResNet of {'-'.join(map(str, blocks))} blocks"
    return f"{name}, width {config.stem}"


def requirements(config: ResNetUNetConfig) -> SizeRequirements:
    """The stem and the pooling after it halve the size, and so does each stage but the first."""
    multiple = 2 ** (len(config.stages) + 1)
    return SizeRequirements(minimum=multiple, multiple_of=multiple)


_PARTS = ("conv1", "norm1", "up", "norm2", "conv2", "norm3")

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
                "stem_conv": "stem_conv",
                "stem_norm": "stem_norm",
                "encoder.{n}.{k}.conv{i}": "encoder.{n}.{k}.conv{i}",
                "encoder.{n}.{k}.norm{i}": "encoder.{n}.{k}.norm{i}",
                "encoder.{n}.{k}.shortcut.{i}": "encoder.{n}.{k}.shortcut.{i}",
                **{f"decoder.{{n}}.{part}": f"decoder.{{n}}.{part}" for part in _PARTS},
                "tail_up": "tail_up",
                "tail_conv": "tail_conv",
                "head": "head",
            },
        ),
        KeyMapping(
            id="resnet34_unet",
            origin="Andy-zhujunwen/UNET-ZOO",
            renames={
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
            },
            lookalikes={"dblock": "checkpoint_dilated_centre", "spp": "checkpoint_dilated_centre"},
            # main.py: from -1 to 1; the sigmoid stands inside, one for each class.
            recipe={
                "preprocessing": {"mean": [0.5], "std": [0.5]},
                "postprocessing": {"activation": "sigmoid"},
            },
        ),
    ),
)
