"""A ResNet (He et al. 2015, arXiv:1512.03385) without its classifier, for networks built on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Shapes, SizeRequirements, count


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
class ResNetConfig:
    """What all networks on a ResNet have: the stages from the image down."""

    in_channels: int
    classes: int
    stem: int
    """Channels after the 7x7 convolution."""
    bottleneck: bool
    """Whether a block is 1x1, 3x3, 1x1 (ResNet-50 and deeper) or 3x3, 3x3."""
    stages: tuple[StageConfig, ...]


def standard_stages(
    blocks: Sequence[int], width: int, *, bottleneck: bool
) -> tuple[StageConfig, ...]:
    """Stages of so many blocks; their widths double from ``width`` on."""
    expansion = 4 if bottleneck else 1
    return tuple(
        StageConfig(blocks=depth, inner=width * 2**level, out=width * 2**level * expansion)
        for level, depth in enumerate(blocks)
    )


class Residual(nn.Module):
    """Two 3x3 convolutions, or 1x1, 3x3, 1x1, whose result is added to the input."""

    def __init__(
        self, into: int, stage: StageConfig, *, bottleneck: bool, stride: int, dilation: int = 1
    ) -> None:
        """``dilation``: of the 3x3 convolution of a bottleneck; two 3x3 convolutions have none."""
        super().__init__()
        inner, out = stage.inner, stage.out
        if bottleneck:
            self.conv1 = nn.Conv2d(into, inner, 1, bias=False)
            self.conv2 = nn.Conv2d(
                inner,
                inner,
                3,
                stride=stride,
                padding=dilation,
                dilation=dilation,
                groups=stage.groups,
                bias=False,
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


class Contraction(nn.Module):
    """The contracting path; a network on it adds its own way up."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.stem_conv = nn.Conv2d(
            config.in_channels, config.stem, 7, stride=2, padding=3, bias=False
        )
        self.stem_norm = nn.BatchNorm2d(config.stem)
        self.encoder = build_stages(config.stem, config.stages, bottleneck=config.bottleneck)

    def features(self, x: Tensor) -> list[Tensor]:
        """After the stem, at half the size of ``x``, and after each stage, the deepest last."""
        features = [functional.relu(self.stem_norm(self.stem_conv(x)), inplace=True)]
        x = functional.max_pool2d(features[0], 3, stride=2, padding=1)
        for stage in self.encoder:
            x = stage(x)
            features.append(x)
        return features


OWN_NAMES = {
    name: name
    for name in (
        "stem_conv",
        "stem_norm",
        "encoder.{n}.{k}.conv{i}",
        "encoder.{n}.{k}.norm{i}",
        "encoder.{n}.{k}.shortcut.{i}",
    )
}
"""Of the contracting path, as a mapping of our names to themselves has them."""


def requirements(config: ResNetConfig) -> SizeRequirements:
    """The stem and the pooling after it halve the size, and so does each stage but the first."""
    multiple = 2 ** (len(config.stages) + 1)
    return SizeRequirements(minimum=multiple, multiple_of=multiple)


def build_stages(
    into: int,
    stages: Sequence[StageConfig],
    *,
    bottleneck: bool,
    plans: Sequence[Sequence[tuple[int, int]]] | None = None,
) -> nn.ModuleList:
    """One after another, for ``into`` channels; each but the first halves the size.

    ``plans`` says otherwise: stride and dilation of each block, stage by stage.
    """
    built = nn.ModuleList()
    for level, stage in enumerate(stages):
        blocks = nn.Sequential()
        halving = [(2 if level else 1, 1), *[(1, 1)] * (stage.blocks - 1)]
        for stride, dilation in plans[level] if plans else halving:
            blocks.append(
                Residual(into, stage, bottleneck=bottleneck, stride=stride, dilation=dilation)
            )
            into = stage.out
        built.append(blocks)
    return built


def infer_stages(shapes: Shapes) -> tuple[tuple[StageConfig, ...], bool]:
    """The stages that are called ``encoder`` and a number, and whether blocks are bottlenecks."""
    bottleneck = "encoder.0.0.conv3.weight" in shapes
    levels = range(count(shapes, "encoder.{}.0.conv1.weight"))
    return tuple(_stage(shapes, f"encoder.{n}", bottleneck=bottleneck) for n in levels), bottleneck


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


def name_of(stages: Sequence[StageConfig], *, bottleneck: bool) -> str:
    """Which ResNet it is, such as "ResNet-34"."""
    blocks = tuple(stage.blocks for stage in stages)
    layers = _LAYERS.get((blocks, bottleneck))
    return f"ResNet-{layers}" if layers else f"ResNet of {'-'.join(map(str, blocks))} blocks"
