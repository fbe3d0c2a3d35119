"""U²-Net (Qin et al. 2020, arXiv:2005.09007): a U of residual U-blocks with deep supervision."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, count
from segdemo.architectures.parts.data_sets import IMAGENET


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """One residual U-block, RSU-L(in, mid, out) of the paper."""

    height: int
    """L, the number of its convolutions on the way down."""
    into: int
    mid: int
    out: int
    dilated: bool = False
    """RSU-4F: dilation instead of pooling. It has the keys and shapes of RSU-4."""


@dataclass(frozen=True, kw_only=True)
class U2NetConfig:
    """The stages on the way down, and up again with the deepest first."""

    encoder: tuple[StageConfig, ...]
    decoder: tuple[StageConfig, ...]
    classes: int

    @property
    def in_channels(self) -> int:
        """Channels of the image."""
        return self.encoder[0].into

    @classmethod
    def full(cls, *, in_channels: int = 3, classes: int = 1) -> "U2NetConfig":
        """The network of the paper, 44 million parameters."""
        encoder = ((32, 64), (32, 128), (64, 256), (128, 512), (256, 512), (256, 512))
        decoder = ((256, 512), (128, 256), (64, 128), (32, 64), (16, 64))
        return cls._of_widths(in_channels, classes, encoder, decoder)

    @classmethod
    def lite(cls, *, in_channels: int = 3, classes: int = 1) -> "U2NetConfig":
        """The small network of the paper, U²-Net†: 1.1 million parameters."""
        return cls._of_widths(in_channels, classes, ((16, 64),) * 6, ((16, 64),) * 5)

    @classmethod
    def _of_widths(
        cls,
        in_channels: int,
        classes: int,
        encoder: tuple[tuple[int, int], ...],
        decoder: tuple[tuple[int, int], ...],
    ) -> "U2NetConfig":
        down: list[StageConfig] = []
        into = in_channels
        for height, (mid, out) in zip((7, 6, 5, 4, 4, 4), encoder, strict=True):
            dilated = len(down) >= 4
            down.append(StageConfig(height=height, into=into, mid=mid, out=out, dilated=dilated))
            into = out
        up: list[StageConfig] = []
        skips = [stage.out for stage in down[-2::-1]]
        for height, skip, (mid, out) in zip((4, 4, 5, 6, 7), skips, decoder, strict=True):
            up.append(
                StageConfig(height=height, into=into + skip, mid=mid, out=out, dilated=not up)
            )
            into = out
        return cls(encoder=tuple(down), decoder=tuple(up), classes=classes)


class ConvUnit(nn.Module):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, into: int, out: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)), inplace=True)


class Stage(nn.Module):
    """A residual U-block: the image's size and its input projection are kept."""

    def __init__(self, config: StageConfig) -> None:
        super().__init__()
        height, mid, out = config.height, config.mid, config.out
        self.dilated = config.dilated
        self.conv_in = ConvUnit(config.into, out)
        dilations = [2**n for n in range(height)] if config.dilated else [1] * (height - 1) + [2]
        self.down = nn.ModuleList(
            ConvUnit(out if n == 0 else mid, mid, dilation) for n, dilation in enumerate(dilations)
        )
        # Each step up answers the step down at its own dilation, the deepest first.
        self.up = nn.ModuleList(
            ConvUnit(2 * mid, out if n == 0 else mid, dilations[n])
            for n in range(height - 2, -1, -1)
        )

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.conv_in(x)
        features = [self.down[0](projected)]
        last = len(self.down) - 1
        for n, unit in enumerate(self.down):
            if n == 0:
                continue
            pooled = features[-1] if self.dilated or n == last else _pool(features[-1])
            features.append(unit(pooled))
        y = features.pop()
        for unit in self.up:
            skip = features.pop()
            y = unit(torch.cat((resize_like(y, skip), skip), dim=1))
        return y + projected


def _pool(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2, ceil_mode=True)


def resize_like(x: Tensor, other: Tensor) -> Tensor:
    """``x`` at the height and width of ``other``, bilinear."""
    if x.shape[2:] == other.shape[2:]:
        return x
    return functional.interpolate(x, other.shape[2:], mode="bilinear", align_corners=False)


class StagesWithSides(nn.Module):
    """A U of stages with a side output to each, which U²-Net and IS-Net share."""

    def __init__(self, config: U2NetConfig) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(Stage(stage) for stage in config.encoder)
        self.decoder = nn.ModuleList(Stage(stage) for stage in config.decoder)
        # Side outputs: of the deepest encoder stage, then of every decoder stage.
        sources = (config.encoder[-1], *config.decoder)
        self.side = nn.ModuleList(
            nn.Conv2d(stage.out, config.classes, 3, padding=1) for stage in sources
        )

    def features(self, x: Tensor) -> list[Tensor]:
        """What the side outputs are made of: the deepest first, the last as large as ``x``."""
        skips: list[Tensor] = []
        for stage in self.encoder:
            x = stage(_pool(skips[-1]) if skips else x)
            skips.append(x)
        outputs = [skips.pop()]
        for stage in self.decoder:
            skip = skips.pop()
            outputs.append(stage(torch.cat((resize_like(outputs[-1], skip), skip), dim=1)))
        return outputs

    def sides(self, features: list[Tensor], x: Tensor) -> list[Tensor]:
        """Logits (N, classes, H, W) of the side outputs at the size of ``x``, finest first."""
        return [
            resize_like(convolution(feature), x)
            for convolution, feature in zip(self.side, features, strict=True)
        ][::-1]


class U2Net(StagesWithSides):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W) of any size."""

    def __init__(self, config: U2NetConfig) -> None:
        super().__init__(config)
        self.fuse = nn.Conv2d(len(self.side) * config.classes, config.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_deep(x)[0]

    def forward_deep(self, x: Tensor) -> list[Tensor]:
        """Seven logits (N, classes, H, W) for deep supervision: fused, then finest side first."""
        sides = self.sides(self.features(x), x)
        return [self.fuse(torch.cat(sides, dim=1)), *sides]


def infer(shapes: Shapes) -> U2NetConfig:
    """The configuration that has these shapes under the names of U2Net's stages.

    Dilated stages look like RSU-4, so the paper's rule decides: those of height 4 among the
    last two of the encoder and the first of the decoder are dilated.
    """
    encoder = count(shapes, "encoder.{}.conv_in.conv.weight")
    decoder = count(shapes, "decoder.{}.conv_in.conv.weight")
    return U2NetConfig(
        encoder=tuple(
            _stage(shapes, f"encoder.{n}", dilated=n >= encoder - 2) for n in range(encoder)
        ),
        decoder=tuple(_stage(shapes, f"decoder.{n}", dilated=n == 0) for n in range(decoder)),
        classes=shapes["side.0.weight"][0],
    )


def _stage(shapes: Shapes, path: str, *, dilated: bool) -> StageConfig:
    height = count(shapes, f"{path}.down.{{}}.conv.weight")
    out, into = shapes[f"{path}.conv_in.conv.weight"][:2]
    mid = shapes[f"{path}.down.0.conv.weight"][0]
    return StageConfig(height=height, into=into, mid=mid, out=out, dilated=dilated and height == 4)


def describe(config: U2NetConfig) -> str:
    """Which of the paper's two networks it is, or its widths."""
    for name, make in (("full", U2NetConfig.full), ("lite", U2NetConfig.lite)):
        if config == make(in_channels=config.in_channels, classes=config.classes):
            return name
    widths = "-".join(str(stage.out) for stage in config.encoder)
    return f"widths {widths}"


def _unit(theirs: str, ours: str, *, conv: str, norm: str) -> dict[str, str]:
    return {f"{theirs}.{conv}": f"{ours}.conv", f"{theirs}.{norm}": f"{ours}.norm"}


def _xuebinqin_stage(theirs: str, ours: str) -> dict[str, str]:
    names = {"conv": "conv_s1", "norm": "bn_s1"}
    return {
        **_unit(f"{theirs}.rebnconvin", f"{ours}.conv_in", **names),
        **_unit(f"{theirs}.rebnconv{{k}}", f"{ours}.down.{{k-1}}", **names),
        **_unit(f"{theirs}.rebnconv{{k}}d", f"{ours}.up.{{~k}}", **names),
    }


def _wz_stage(theirs: str, ours: str) -> dict[str, str]:
    names = {"conv": "conv", "norm": "bn"}
    return {
        **_unit(f"{theirs}.conv_in", f"{ours}.conv_in", **names),
        **_unit(f"{theirs}.encode_modules.{{k}}", f"{ours}.down.{{k}}", **names),
        **_unit(f"{theirs}.decode_modules.{{k}}", f"{ours}.up.{{k}}", **names),
    }


def _own_stage(path: str) -> dict[str, str]:
    units = (f"{path}.conv_in", f"{path}.down.{{k}}", f"{path}.up.{{k}}")
    return {f"{unit}.{part}": f"{unit}.{part}" for unit in units for part in ("conv", "norm")}


OWN_STAGES = {
    **_own_stage("encoder.{n}"),
    **_own_stage("decoder.{n}"),
    "side.{n}": "side.{n}",
}

XUEBINQIN_STAGES = {
    **_xuebinqin_stage("stage{n}", "encoder.{n-1}"),
    **_xuebinqin_stage("stage{n}d", "decoder.{~n}"),
    "side{n}": "side.{~n}",
}
"""The names in xuebinqin's repositories, U-2-Net and DIS."""

ARCHITECTURE = Architecture(
    id="u2net",
    title="U²-Net",
    build=U2Net,
    infer=infer,
    describe=describe,
    forward_deep=U2Net.forward_deep,
    mappings=(
        KeyMapping(
            id="u2net",
            origin="segdemo",
            renames={**OWN_STAGES, "fuse": "fuse"},
        ),
        KeyMapping(
            id="u2net_xuebinqin",
            origin="xuebinqin/U-2-Net",
            renames={**XUEBINQIN_STAGES, "outconv": "fuse"},
            folds_bias=True,
            # u2net_test.py: a 320 px square, divided by the image's own maximum.
            recipe={
                "preprocessing": {
                    "resize": "stretch",
                    "side": 320,
                    "divisor": "maximum",
                    **IMAGENET,
                },
            },
        ),
        KeyMapping(
            id="u2net_wz",
            origin="WZMIAOMIAO/deep-learning-for-image-processing",
            renames={
                **_wz_stage("encode_modules.{n}", "encoder.{n}"),
                **_wz_stage("decode_modules.{n}", "decoder.{n}"),
                "side_modules.{n}": "side.{n}",
                "out_conv": "fuse",
            },
            # Its convert_weight.py renames xuebinqin's weights and leaves their biases in.
            folds_bias=True,
            recipe={"preprocessing": {"resize": "stretch", "side": 320, **IMAGENET}},
        ),
    ),
)
