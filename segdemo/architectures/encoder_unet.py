"""U-Nets on the encoder of a classifier, VGG or ResNet, such as TernausNet (arXiv:1801.05746).

The way up has a step for each halving of the way down: it doubles the size, may convolve before
it joins the features of that size, and after. What is done where is a parameter, because code
bases differ in little else.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, Shapes, SizeRequirements, count
from segdemo.architectures.parts.conv_unit import VGG_KERNELS, Row, conv_row, infer_row
from segdemo.architectures.parts.resnet import Residual, StageConfig, infer_stages, name_of
from segdemo.architectures.spellings.encoder_unet import MAPPINGS
from segdemo.architectures.u_shape.config import Interpolation

_UP_KERNELS = (2, 3, 4)


@dataclass(frozen=True, kw_only=True)
class VGGEncoder:
    """Rows of convolutions with 2x2 pooling between them."""

    blocks: tuple[Row, ...]
    norm: bool = False

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the features at full size, half of it, and so on."""
        return tuple(row[-1].width for row in self.blocks)


@dataclass(frozen=True, kw_only=True)
class ResNetEncoder:
    """A convolution with stride, pooling, then stages of residual blocks."""

    stem: int
    stages: tuple[StageConfig, ...]
    bottleneck: bool

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the features at full size, of which there are none, half of it, and so on."""
        return (0, self.stem, *(stage.out for stage in self.stages))


@dataclass(frozen=True, kw_only=True)
class StepConfig:
    """One step up: the size is doubled, features are joined, and convolutions follow."""

    up_width: int = 0
    """Channels after the transposed convolution; 0 where the size is interpolated."""
    before: Row = ()
    """Convolutions between the doubling and the join."""
    skip: bool = True
    """Whether the encoder's features of this size are joined."""
    lateral: Row = ()
    """Convolutions on those features alone."""
    after: Row = ()


@dataclass(frozen=True, kw_only=True)
class EncoderUNetConfig:
    """An encoder, what follows its deepest features, and the steps up."""

    in_channels: int
    classes: int
    encoder: VGGEncoder | ResNetEncoder
    stem_pool: Literal["padded", "ceil", "plain"] = "padded"
    """After the stem of a ResNet: 3x3 with a border, 3x3 that may end outside, or 2x2."""
    bottom_pool: bool = False
    """Whether the deepest features are pooled once more before the first step."""
    bottom: Row = ()
    """Convolutions before the first step."""
    full: Row = ()
    """Convolutions of the image itself, as features of full size for an encoder without any."""
    steps: tuple[StepConfig, ...]
    """From the deepest up; what they lack to the image's size is the ``tail``."""
    norm: bool = False
    """Whether a batch norm follows each convolution outside the encoder."""
    bias: bool = True
    """Whether these have a bias."""
    relu: bool = True
    """Whether a ReLU follows those after a join."""
    up_kernel: int = 2
    """Side of the transposed convolutions: 2, 3 or 4."""
    up_norm: bool = False
    """Whether a batch norm follows these."""
    up_bias: bool = True
    up_relu: bool = True
    """Whether a ReLU follows these."""
    interpolation: Interpolation = "bilinear"
    tail: int = 1
    """By how much the logits are enlarged at last."""
    join: Literal["up_first", "skip_first"] = "up_first"
    head_kernel: int = 1


class ResNetFeatures(nn.Module):
    """The features of a ResNet (N, C, H, W) at half the size of an image and at each stage."""

    def __init__(self, in_channels: int, config: ResNetEncoder, pool: str) -> None:
        super().__init__()
        self.stem_conv = nn.Conv2d(in_channels, config.stem, 7, stride=2, padding=3, bias=False)
        self.stem_norm = nn.BatchNorm2d(config.stem)
        self.stages = nn.ModuleList()
        into = config.stem
        for level, stage in enumerate(config.stages):
            blocks = nn.Sequential()
            for block in range(stage.blocks):
                stride = 2 if level and not block else 1
                blocks.append(Residual(into, stage, bottleneck=config.bottleneck, stride=stride))
                into = stage.out
            self.stages.append(blocks)
        self.pool: nn.Module = {
            "padded": nn.MaxPool2d(3, stride=2, padding=1),
            "ceil": nn.MaxPool2d(3, stride=2, ceil_mode=True),
            "plain": nn.MaxPool2d(2),
        }[pool]

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [functional.relu(self.stem_norm(self.stem_conv(x)), inplace=True)]
        x = self.pool(features[0])
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class VGGFeatures(nn.Module):
    """The features of a VGG (N, C, H, W) before each pooling."""

    def __init__(self, in_channels: int, config: VGGEncoder) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        for row in config.blocks:
            self.blocks.append(conv_row(in_channels, row, norm=config.norm, bias=True))
            in_channels = row[-1].width

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for level, block in enumerate(self.blocks):
            x = block(functional.max_pool2d(x, 2) if level else x)
            features.append(x)
        return features


class Step(nn.Module):
    """Doubles the size of what comes from below, joins the skip, and convolves."""

    def __init__(self, into: int, skip: int, step: StepConfig, config: EncoderUNetConfig) -> None:
        super().__init__()
        norm, bias = config.norm, config.bias
        if step.up_width:
            kernel = config.up_kernel
            # Kernels of 2, 3 and 4 double the size exactly with these borders.
            self.up = nn.ConvTranspose2d(
                into,
                step.up_width,
                kernel,
                stride=2,
                padding=(kernel - 1) // 2,
                output_padding=kernel % 2,
                bias=config.up_bias,
            )
            into = step.up_width
            self.up_norm = nn.BatchNorm2d(into) if config.up_norm else nn.Identity()
        self.before = conv_row(into, step.before, norm=norm, bias=bias)
        into = step.before[-1].width if step.before else into
        self.lateral = conv_row(skip, step.lateral, norm=norm, bias=bias)
        skip = step.lateral[-1].width if step.lateral else skip
        joined = into + skip if step.skip else into
        self.after = conv_row(joined, step.after, norm=norm, bias=bias, relu=config.relu)
        self.width = step.after[-1].width if step.after else joined
        self.transposed, self.up_relu = bool(step.up_width), config.up_relu
        self.skip_first = config.join == "skip_first"
        self.mode, self.align_corners = _interpolation(config)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        if self.transposed:
            x = self.up_norm(self.up(x))
            x = functional.relu(x, inplace=True) if self.up_relu else x
        else:
            x = functional.interpolate(
                x, scale_factor=2.0, mode=self.mode, align_corners=self.align_corners
            )
        x = self.before(x)
        if skip is not None:
            skip = self.lateral(skip)
            x = torch.cat((skip, x) if self.skip_first else (x, skip), dim=1)
        convolved: Tensor = self.after(x)
        return convolved


def _interpolation(config: EncoderUNetConfig) -> tuple[str, bool | None]:
    """The mode and align_corners, as PyTorch takes them."""
    mode, *aligned = config.interpolation.split("_")
    return mode, None if mode == "nearest" else bool(aligned)


class EncoderUNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W multiples of 2**steps.

    Other sizes raise RuntimeError or come back as a multiple.
    """

    def __init__(self, config: EncoderUNetConfig) -> None:
        super().__init__()
        encoder, options = config.encoder, {"norm": config.norm, "bias": config.bias}
        self.encoder: nn.Module
        if isinstance(encoder, VGGEncoder):
            self.encoder = VGGFeatures(config.in_channels, encoder)
        else:
            self.encoder = ResNetFeatures(config.in_channels, encoder, config.stem_pool)
        self.full = conv_row(config.in_channels, config.full, **options)
        widths = list(encoder.widths)
        if config.full:
            widths[0] = config.full[-1].width
        self.bottom = conv_row(widths[-1], config.bottom, **options)
        into = config.bottom[-1].width if config.bottom else widths[-1]
        self.steps = nn.ModuleList()
        skips = widths if config.bottom_pool else widths[:-1]
        if len(config.steps) > len(skips):
            raise ValueError(f"{len(config.steps)} steps up for {len(skips)} sizes")
        for step, skip in zip(config.steps, reversed(skips), strict=False):
            built = Step(into, skip, step, config)
            self.steps.append(built)
            into = built.width
        self.joins = tuple(step.skip for step in config.steps)
        kernel = config.head_kernel
        self.head = nn.Conv2d(into, config.classes, kernel, padding=kernel // 2)
        self.bottom_pool, self.has_full = config.bottom_pool, bool(config.full)
        self.tail, (self.mode, self.align_corners) = float(config.tail), _interpolation(config)

    def forward(self, x: Tensor) -> Tensor:
        features: list[Tensor] = self.encoder(x)
        if self.has_full:
            features.insert(0, self.full(x))
        x = functional.max_pool2d(features[-1], 2) if self.bottom_pool else features.pop()
        x = self.bottom(x)
        for step, joins in zip(self.steps, self.joins, strict=True):
            # Features that nobody joins are freed as well.
            skip = features.pop() if features else None
            x = step(x, skip if joins else None)
        logits: Tensor = self.head(x)
        if self.tail == 1.0:
            return logits
        return functional.interpolate(
            logits, scale_factor=self.tail, mode=self.mode, align_corners=self.align_corners
        )


def infer(shapes: Shapes) -> EncoderUNetConfig:
    """The configuration that has these shapes under the names of EncoderUNet."""
    encoder: VGGEncoder | ResNetEncoder
    if "encoder.stem_conv.weight" in shapes:
        renamed = {
            "encoder." + key.removeprefix("encoder.stages."): shape
            for key, shape in shapes.items()
            if key.startswith("encoder.stages.")
        }
        stages, bottleneck = infer_stages(renamed)
        stem, in_channels = shapes["encoder.stem_conv.weight"][:2]
        encoder = ResNetEncoder(stem=stem, stages=stages, bottleneck=bottleneck)
    else:
        blocks = count(shapes, "encoder.blocks.{}.0.conv.weight")
        encoder = VGGEncoder(
            blocks=tuple(
                infer_row(shapes, f"encoder.blocks.{n}", kernels=VGG_KERNELS) for n in range(blocks)
            ),
            norm="encoder.blocks.0.0.norm.weight" in shapes,
        )
        in_channels = shapes["encoder.blocks.0.0.conv.weight"][1]
    steps = _infer_steps(shapes, encoder)
    outside = [name for name in shapes if name.startswith(("bottom.", "full.", "steps."))]
    kernels = {shapes[name][2] for name in outside if name.endswith(".up.weight")} or {2}
    head = shapes["head.weight"]
    if len(kernels) > 1 or not kernels <= set(_UP_KERNELS) or head[2] % 2 == 0:
        raise ValueError(f"kernels of {kernels} up and {head[2]} last")
    return EncoderUNetConfig(
        in_channels=in_channels,
        classes=head[0],
        encoder=encoder,
        bottom_pool=len(steps) == len(encoder.widths),
        bottom=infer_row(shapes, "bottom"),
        full=infer_row(shapes, "full"),
        steps=steps,
        norm=any(name.endswith(".norm.weight") for name in outside),
        bias=any(name.endswith(".conv.bias") for name in outside),
        up_kernel=max(kernels),
        up_norm=any(name.endswith(".up_norm.weight") for name in outside),
        up_bias=any(name.endswith(".up.bias") for name in outside)
        or "steps.0.up.weight" not in shapes,
        head_kernel=head[2],
    )


def _infer_steps(shapes: Shapes, encoder: VGGEncoder | ResNetEncoder) -> tuple[StepConfig, ...]:
    """The steps; something is joined where the next convolution reads more than comes up."""
    bottom = infer_row(shapes, "bottom")
    width = bottom[-1].width if bottom else encoder.widths[-1]
    number = 1 + max(
        (int(name.split(".")[1]) for name in shapes if name.startswith("steps.")), default=-1
    )
    found = []
    for n in range(number):
        path = f"steps.{n}"
        before, after = infer_row(shapes, f"{path}.before"), infer_row(shapes, f"{path}.after")
        up = shapes.get(f"{path}.up.weight")
        if not (before or after or up):
            raise ValueError(f"step {n} has no convolution")
        up_width = up[1] if up else 0
        width = before[-1].width if before else up_width or width
        readers = (
            f"{path}.after.0.conv.weight",
            f"steps.{n + 1}.before.0.conv.weight",
            f"steps.{n + 1}.after.0.conv.weight",
            "head.weight",
        )
        following = shapes.get(f"steps.{n + 1}.up.weight")
        if not after and following:
            read = following[0]
        else:
            read = next(shapes[name][1] for name in readers if name in shapes)
        found.append(
            StepConfig(
                up_width=up_width,
                before=before,
                skip=read > width,
                lateral=infer_row(shapes, f"{path}.lateral"),
                after=after,
            )
        )
        width = after[-1].width if after else read
    return tuple(found)


def describe(config: EncoderUNetConfig) -> str:
    """What it stands on, and how it comes up: "VGG-16, bilinear"."""
    encoder = config.encoder
    if isinstance(encoder, VGGEncoder):
        # It is called by its convolutions and the three layers of the classifier.
        name = f"VGG-{3 + sum(map(len, encoder.blocks))}"
        name += " with batch norm" if encoder.norm else ""
    else:
        name = name_of(encoder.stages, bottleneck=encoder.bottleneck)
    up = "transposed" if config.steps[0].up_width else config.interpolation.partition("_")[0]
    return f"{name}, {up}"


def requirements(config: EncoderUNetConfig) -> SizeRequirements:
    """As often as the size is doubled it was halved, and nothing is padded or cropped."""
    multiple = 2 ** len(config.steps) * config.tail
    return SizeRequirements(minimum=multiple, multiple_of=multiple)


ARCHITECTURE = Architecture(
    id="encoder_unet",
    title="U-Net on an encoder",
    build=EncoderUNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=MAPPINGS,
)
