"""BiSeNet V2 (Yu et al. 2020, arXiv:2004.02147): a wide detail branch beside a deep narrow one.

The code base has activations in its gather-and-expansion layers and in the context embedding that
the paper lacks; they are here as well.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, count
from segdemo.architectures.parts.conv_norm import ConvNorm, own_names, unit
from segdemo.architectures.parts.data_sets import CITYSCAPES, CITYSCAPES_CLASSES

_STAGES = 3
"""Of each branch; a stage halves the size."""


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """Gather-and-expansion layers of one size, the first of which halves it."""

    layers: int
    expanded: tuple[int, ...]
    """Channels inside each layer."""
    out: int


@dataclass(frozen=True, kw_only=True)
class BiSeNetV2Config:
    """Widths of both branches and the head."""

    in_channels: int
    classes: int
    detail: tuple[tuple[int, ...], ...]
    """Channels after each convolution of the detail branch, stage by stage."""
    stem: tuple[int, int]
    """Channels of the semantic branch's stem, and within its narrow side."""
    semantic: tuple[StageConfig, ...]
    head: int
    """Channels before the last convolution."""
    align_corners: bool = False
    """Whether all upsampling is bilinear with aligned corners, as the early code has it; else the
    nearest values between the branches, and bilinear without at last."""


class Stem(nn.Module):
    """A convolution with stride, then another one and a pooling side by side."""

    def __init__(self, into: int, out: int, narrow: int) -> None:
        super().__init__()
        self.first = ConvNorm(into, out, 3, stride=2)
        self.left = nn.Sequential(ConvNorm(out, narrow), ConvNorm(narrow, out, 3, stride=2))
        self.fuse = ConvNorm(2 * out, out, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        pooled = functional.max_pool2d(x, 3, stride=2, padding=1)
        fused: Tensor = self.fuse(torch.cat((self.left(x), pooled), dim=1))
        return fused


class GatherExpansion(nn.Module):
    """Gathers, convolves every channel by itself in more of them, projects, adds the input.

    ``halves``: with a stride, a second of those convolutions, and two more beside them.
    """

    def __init__(self, into: int, expanded: int, out: int, *, halves: bool) -> None:
        super().__init__()
        self.gather = ConvNorm(into, into, 3)
        self.halves = halves
        if halves:
            self.expand = ConvNorm(into, expanded, 3, stride=2, groups=into, activation="none")
            self.depthwise = ConvNorm(expanded, expanded, 3, groups=expanded)
            self.shortcut = nn.Sequential(
                ConvNorm(into, into, 3, stride=2, groups=into, activation="none"),
                ConvNorm(into, out, activation="none"),
            )
        else:
            self.expand = ConvNorm(into, expanded, 3, groups=into)
        self.project = ConvNorm(expanded, out, activation="none")

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(self.gather(x))
        if self.halves:
            y, x = self.depthwise(y), self.shortcut(x)
        return functional.relu(self.project(y) + x, inplace=True)


class ContextEmbedding(nn.Module):
    """The mean of all positions is added to each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
        self.mean = ConvNorm(width, width)
        self.last = ConvNorm(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        mean = self.mean(self.norm(functional.adaptive_avg_pool2d(x, 1)))
        embedded: Tensor = self.last(mean + x)
        return embedded


class Aggregation(nn.Module):
    """Each branch gates the other at its own size (bilateral guided aggregation)."""

    def __init__(self, width: int, *, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.detail = ConvNorm(width, width, 3, groups=width, activation="none")
        self.detail_last = nn.Conv2d(width, width, 1, bias=False)
        self.detail_down = ConvNorm(width, width, 3, stride=2, activation="none")
        self.semantic_up = ConvNorm(width, width, 3, activation="none")
        self.semantic = ConvNorm(width, width, 3, groups=width, activation="none")
        self.semantic_last = nn.Conv2d(width, width, 1, bias=False)
        self.fuse = ConvNorm(width, width, 3)

    def forward(self, detail: Tensor, semantic: Tensor) -> Tensor:
        fine = self.detail_last(self.detail(detail))
        gate = self._enlarged(self.semantic_up(semantic), detail)
        fine = fine * torch.sigmoid(gate)
        coarse = functional.avg_pool2d(self.detail_down(detail), 3, stride=2, padding=1)
        coarse = coarse * torch.sigmoid(self.semantic_last(self.semantic(semantic)))
        fused: Tensor = self.fuse(fine + self._enlarged(coarse, detail))
        return fused

    def _enlarged(self, x: Tensor, other: Tensor) -> Tensor:
        """``x`` at the height and width of ``other``."""
        size = other.shape[2:]
        if self.align_corners:
            return functional.interpolate(x, size, mode="bilinear", align_corners=True)
        return functional.interpolate(x, size, mode="nearest")


class BiSeNetV2(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W) of any size."""

    def __init__(self, config: BiSeNetV2Config) -> None:
        super().__init__()
        self.detail = nn.ModuleList()
        into = config.in_channels
        for widths in config.detail:
            stage = nn.Sequential()
            for n, out in enumerate(widths):
                stage.append(ConvNorm(into, out, 3, stride=1 if n else 2))
                into = out
            self.detail.append(stage)
        self.stem = Stem(config.in_channels, *config.stem)
        self.semantic = nn.ModuleList()
        into = config.stem[0]
        for entry in config.semantic:
            stage = nn.Sequential()
            for n, expanded in enumerate(entry.expanded):
                stage.append(GatherExpansion(into, expanded, entry.out, halves=n == 0))
                into = entry.out
            self.semantic.append(stage)
        self.embedding = ContextEmbedding(into)
        self.align_corners = config.align_corners
        self.aggregation = Aggregation(into, align_corners=config.align_corners)
        self.head = ConvNorm(into, config.head, 3)
        self.last = nn.Conv2d(config.head, config.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        detail, semantic = x, self.stem(x)
        for stage in self.detail:
            detail = stage(detail)
        for stage in self.semantic:
            semantic = stage(semantic)
        y = self.head(self.aggregation(detail, self.embedding(semantic)))
        y = self.last(functional.dropout(y, 0.1, training=self.training))
        corners = self.align_corners
        return functional.interpolate(y, x.shape[2:], mode="bilinear", align_corners=corners)


def infer(shapes: Shapes) -> BiSeNetV2Config:
    """The configuration that has these shapes under the names of BiSeNetV2."""

    def widths(template: str) -> tuple[int, ...]:
        return tuple(shapes[template.format(n)][0] for n in range(count(shapes, template)))

    stem, in_channels = shapes["stem.first.conv.weight"][:2]
    semantic = []
    for stage in range(_STAGES):
        expanded = widths(f"semantic.{stage}.{{}}.expand.conv.weight")
        out = shapes[f"semantic.{stage}.0.project.conv.weight"][0]
        semantic.append(StageConfig(layers=len(expanded), expanded=expanded, out=out))
    detail = tuple(widths(f"detail.{stage}.{{}}.conv.weight") for stage in range(_STAGES))
    if not all(detail) or detail[-1][-1] != semantic[-1].out:
        raise ValueError("the branches do not meet")
    return BiSeNetV2Config(
        in_channels=in_channels,
        classes=shapes["last.weight"][0],
        detail=detail,
        stem=(stem, shapes["stem.left.0.conv.weight"][0]),
        semantic=tuple(semantic),
        head=shapes["head.conv.weight"][0],
    )


def describe(config: BiSeNetV2Config) -> str:
    """Widths of both branches: "widths 64-64-128 and 32-64-128"."""
    detail = "-".join(str(stage[-1]) for stage in config.detail)
    semantic = "-".join(str(stage.out) for stage in config.semantic)
    return f"widths {detail} and {semantic}"


_LAYER = (
    "gather",
    "expand",
    "depthwise",
    "project",
    "shortcut.0",
    "shortcut.1",
)
_OWN_UNITS = (
    "detail.{n}.{k}",
    "stem.first",
    "stem.left.{n}",
    "stem.fuse",
    *(f"semantic.{{n}}.{{k}}.{part}" for part in _LAYER),
    "embedding.mean",
    "embedding.last",
    *(
        f"aggregation.{part}"
        for part in ("detail", "detail_down", "semantic_up", "semantic", "fuse")
    ),
    "head",
)
_OWN_LAYERS = ("embedding.norm", "aggregation.detail_last", "aggregation.semantic_last", "last")


def _stage(theirs: str, ours: str) -> dict[str, str | None]:
    """A stage of the semantic branch: its first layer has a shortcut and two convolutions."""
    return {
        **unit(f"{theirs}.{{k}}.conv1", f"{ours}.{{k}}.gather", conv="conv", norm="bn"),
        **unit(f"{theirs}.{{k}}.dwconv", f"{ours}.{{k}}.expand", conv="0", norm="1"),
        **unit(f"{theirs}.{{k}}.dwconv1", f"{ours}.{{k}}.expand", conv="0", norm="1"),
        **unit(f"{theirs}.{{k}}.dwconv2", f"{ours}.{{k}}.depthwise", conv="0", norm="1"),
        **unit(f"{theirs}.{{k}}.conv2", f"{ours}.{{k}}.project", conv="0", norm="1"),
        **unit(f"{theirs}.{{k}}.shortcut", f"{ours}.{{k}}.shortcut.0", conv="0", norm="1"),
        **unit(f"{theirs}.{{k}}.shortcut", f"{ours}.{{k}}.shortcut.1", conv="2", norm="3"),
    }


_COINCHEUNG = {
    **unit("detail.S{n}.{k}", "detail.{n-1}.{k}", conv="conv", norm="bn"),
    **unit("segment.S1S2.conv", "stem.first", conv="conv", norm="bn"),
    **unit("segment.S1S2.left.{n}", "stem.left.{n}", conv="conv", norm="bn"),
    **unit("segment.S1S2.fuse", "stem.fuse", conv="conv", norm="bn"),
    **_stage("segment.S3", "semantic.0"),
    **_stage("segment.S4", "semantic.1"),
    **_stage("segment.S5_4", "semantic.2"),
    "segment.S5_5.bn": "embedding.norm",
    **unit("segment.S5_5.conv_gap", "embedding.mean", conv="conv", norm="bn"),
    **unit("segment.S5_5.conv_last", "embedding.last", conv="conv", norm="bn"),
    **unit("bga.left1", "aggregation.detail", conv="0", norm="1"),
    "bga.left1.2": "aggregation.detail_last",
    **unit("bga.left2", "aggregation.detail_down", conv="0", norm="1"),
    **unit("bga.right1", "aggregation.semantic_up", conv="0", norm="1"),
    **unit("bga.right2", "aggregation.semantic", conv="0", norm="1"),
    "bga.right2.2": "aggregation.semantic_last",
    **unit("bga.conv", "aggregation.fuse", conv="0", norm="1"),
    **unit("head.conv", "head", conv="conv", norm="bn"),
}


def _heads(last: str, *deeper: str) -> dict[str, str | None]:
    """The last convolution, and the heads of the semantic branch, for training alone."""
    parts = ("conv.conv", "conv.bn", last, *deeper)
    unused = (f"{head}.{part}" for head in ("aux{n}", "aux5_4") for part in parts)
    return {f"head.{last}": "last", **dict.fromkeys(unused)}


def _coincheung(name: str, heads: dict[str, str | None], *, early: bool = False) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin=f"CoinCheung/BiSeNet{' in 2020' if early else ''}",
        renames={**_COINCHEUNG, **heads},
        known={"align_corners": True} if early else {},
        recipe={"preprocessing": CITYSCAPES},
        trained_classes=CITYSCAPES_CLASSES,
    )


ARCHITECTURE = Architecture(
    id="bisenetv2",
    title="BiSeNet V2",
    build=BiSeNetV2,
    infer=infer,
    describe=describe,
    mappings=(
        KeyMapping(id="bisenetv2", origin="segdemo", renames=own_names(_OWN_UNITS, _OWN_LAYERS)),
        _coincheung(
            "bisenetv2_coincheung",
            _heads("conv_out.1", "conv_out.0.1.conv", "conv_out.0.1.bn"),
        ),
        _coincheung("bisenetv2_coincheung_early", _heads("conv_out"), early=True),
    ),
)
