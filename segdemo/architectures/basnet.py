"""BASNet (Qin et al. 2019, CVPR): a U-Net on ResNet-34 without its first stride, then a refinement.

The coarse map of the first network becomes the last one by what a small U-Net adds to it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import (
    Architecture,
    KeyMapping,
    Shapes,
    SizeRequirements,
    count,
)
from segdemo.architectures.parts import resnet
from segdemo.architectures.parts.data_sets import IMAGENET

_PARTS = 3
"""Convolutions of the bridge, and of each stage of the decoder."""
_DILATED = 2
_STAGES = 6
"""Of the encoder and the decoder, as the code base has them."""


@dataclass(frozen=True, kw_only=True)
class BASNetConfig:
    """Widths of the predicting network and of the refining one."""

    in_channels: int
    classes: int
    stem: int
    encoder: tuple[resnet.StageConfig, ...]
    """Residual stages; those of ResNet-34, and two more behind poolings."""
    bridge: tuple[int, ...]
    """Channels after each convolution at the deepest size."""
    decoder: tuple[tuple[int, ...], ...]
    """Channels after each convolution of a stage, the deepest stage first."""
    refining: tuple[int, ...]
    """Channels of the refining network after its first convolution and each on the way down."""
    refined: tuple[int, ...]
    """And on the way up."""
    shares_norm: bool
    """Whether the last convolution of the deepest stage has no norm of its own and is followed by
    that of the next stage's last convolution."""


class Unit(nn.Module):
    """3x3 convolution with bias, batch norm, ReLU."""

    def __init__(self, into: int, out: int, *, dilation: int = 1, norm: bool = True) -> None:
        """``norm``: whether it has one of its own; else it has to be given one."""
        super().__init__()
        self.conv = nn.Conv2d(into, out, 3, padding=dilation, dilation=dilation)
        self.norm = nn.BatchNorm2d(out) if norm else None

    def forward(self, x: Tensor, norm: nn.Module | None = None) -> Tensor:
        norm = norm or self.norm
        if norm is None:
            raise ValueError("a unit without a norm")
        return functional.relu(norm(self.conv(x)), inplace=True)


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _pooled(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2, ceil_mode=True)


class Refinement(nn.Module):
    """Adds to logits (N, classes, H, W) what a small U-Net makes of them."""

    def __init__(self, config: BASNetConfig) -> None:
        super().__init__()
        first, *widths = config.refining
        self.first = nn.Conv2d(config.classes, first, 3, padding=1)
        self.down = nn.ModuleList()
        into = first
        for out in widths:
            self.down.append(Unit(into, out))
            into = out
        self.up = nn.ModuleList()
        for skip, out in zip(widths[-2::-1], config.refined, strict=True):
            self.up.append(Unit(into + skip, out))
            into = out
        self.last = nn.Conv2d(into, config.classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        skips: list[Tensor] = []
        for unit in self.down:
            y = unit(_pooled(skips[-1]) if skips else y)
            skips.append(y)
        skips.pop()
        for unit in self.up:
            y = unit(torch.cat((_doubled(y), skips.pop()), dim=1))
        return x + self.last(y)


class BASNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W multiples of 32."""

    def __init__(self, config: BASNetConfig) -> None:
        super().__init__()
        self.stem = Unit(config.in_channels, config.stem)
        self.encoder = resnet.build_stages(
            config.stem,
            config.encoder,
            bottleneck=False,
            plans=[_plan(level, stage) for level, stage in enumerate(config.encoder)],
        )
        into = config.encoder[-1].out
        self.bridge = nn.Sequential()
        for out in config.bridge:
            self.bridge.append(Unit(into, out, dilation=_DILATED))
            into = out
        self.decoder = nn.ModuleList()
        for n, (widths, skip) in enumerate(zip(config.decoder, config.encoder[::-1], strict=True)):
            stage = nn.Sequential()
            into += skip.out
            for part, out in enumerate(widths):
                borrows = config.shares_norm and n == 0 and part == len(widths) - 1
                dilation = _DILATED if n == 0 and part else 1
                stage.append(Unit(into, out, dilation=dilation, norm=not borrows))
                into = out
            self.decoder.append(stage)
        # Side outputs: of the bridge, then of every decoder stage, the finest last.
        sources = (config.bridge[-1], *(stage[-1] for stage in config.decoder))
        self.side = nn.ModuleList(
            nn.Conv2d(source, config.classes, 3, padding=1) for source in sources
        )
        self.refinement = Refinement(config)

    def forward(self, x: Tensor) -> Tensor:
        refined: Tensor = self.refinement(self.side[-1](self.features(x)[-1]))
        return refined

    def forward_deep(self, x: Tensor) -> list[Tensor]:
        """Eight logits (N, classes, H, W) for deep supervision: refined, then finest side first."""
        sides = [
            functional.interpolate(
                convolution(output), x.shape[2:], mode="bilinear", align_corners=False
            )
            for convolution, output in zip(self.side, self.features(x), strict=True)
        ][::-1]
        return [self.refinement(sides[0]), *sides]

    def features(self, x: Tensor) -> list[Tensor]:
        """What the side outputs are made of: the deepest first, the last as large as ``x``."""
        x = self.stem(x)
        skips: list[Tensor] = []
        for level, stage in enumerate(self.encoder):
            x = stage(_pooled(x) if level >= _POOLED_FROM else x)
            skips.append(x)
        outputs = [self.bridge(x)]
        for n, stage in enumerate(self.decoder):
            y = _doubled(outputs[-1]) if n else outputs[-1]
            y = torch.cat((y, skips.pop()), dim=1)
            *units, last = stage.children()
            for unit in units:
                y = unit(y)
            outputs.append(last(y, None if last.norm is not None else self._next_norm()))
        return outputs

    def _next_norm(self) -> nn.Module:
        """That of the last convolution in the stage after the deepest."""
        *_, last = (unit for unit in self.decoder[1].children() if isinstance(unit, Unit))
        if last.norm is None:
            raise ValueError("a stage without a norm")
        return last.norm


_POOLED_FROM = 4
"""The first stage of the encoder that a pooling halves, rather than its own stride."""


def _plan(level: int, stage: resnet.StageConfig) -> list[tuple[int, int]]:
    stride = 2 if 0 < level < _POOLED_FROM else 1
    return [(1 if block else stride, 1) for block in range(stage.blocks)]


def infer(shapes: Shapes) -> BASNetConfig:
    """The configuration that has these shapes under the names of BASNet."""

    def widths(template: str) -> tuple[int, ...]:
        return tuple(shapes[template.format(n)][0] for n in range(count(shapes, template)))

    stages, _ = resnet.infer_stages(shapes)
    decoder = count(shapes, "decoder.{}.0.conv.weight")
    if decoder != len(stages) or len(stages) <= _POOLED_FROM:
        raise ValueError(f"{len(stages)} stages down, {decoder} up")
    stem, in_channels = shapes["stem.conv.weight"][:2]
    return BASNetConfig(
        in_channels=in_channels,
        classes=shapes["side.0.weight"][0],
        stem=stem,
        encoder=stages,
        bridge=widths("bridge.{}.conv.weight"),
        decoder=tuple(widths(f"decoder.{n}.{{}}.conv.weight") for n in range(decoder)),
        refining=(
            shapes["refinement.first.weight"][0],
            *widths("refinement.down.{}.conv.weight"),
        ),
        refined=widths("refinement.up.{}.conv.weight"),
        shares_norm=f"decoder.0.{_PARTS - 1}.norm.weight" not in shapes,
    )


def describe(config: BASNetConfig) -> str:
    """Widths of the encoder: "widths 64-128-256-512-512-512"."""
    return f"widths {'-'.join(str(stage.out) for stage in config.encoder)}"


def requirements(config: BASNetConfig) -> SizeRequirements:
    """All stages but the first halve the size, and skips have to fit."""
    multiple = 2 ** (len(config.encoder) - 1)
    return SizeRequirements(minimum=multiple, multiple_of=multiple)


def _unit(conv: str, norm: str, ours: str) -> dict[str, str | None]:
    return {conv: f"{ours}.conv", norm: f"{ours}.norm"}


def _parts(theirs: str, ours: str) -> dict[str, str | None]:
    names: dict[str, str | None] = {}
    for n, part in enumerate(("1", "m", "2")):
        names |= _unit(f"conv{theirs}_{part}", f"bn{theirs}_{part}", f"{ours}.{n}")
    return names


_XUEBINQIN: dict[str, str | None] = {
    **_unit("inconv", "inbn", "stem"),
    "encoder{n}.{k}.conv{i}": "encoder.{n-1}.{k}.conv{i}",
    "encoder{n}.{k}.bn{i}": "encoder.{n-1}.{k}.norm{i}",
    "encoder{n}.{k}.downsample.{i}": "encoder.{n-1}.{k}.shortcut.{i}",
    "resb{n}_{k}.conv{i}": "encoder.{n-1}.{k-1}.conv{i}",
    "resb{n}_{k}.bn{i}": "encoder.{n-1}.{k-1}.norm{i}",
    **_parts("bg", "bridge"),
    **{
        theirs: ours
        for n in range(_STAGES)
        for theirs, ours in _parts(f"{_STAGES - n}d", f"decoder.{n}").items()
    },
    "outconvb": "side.0",
    "outconv{n}": "side.{~n+1}",
    "refunet.conv0": "refinement.first",
    **_unit("refunet.conv{n}", "refunet.bn{n}", "refinement.down.{n-1}"),
    "refunet.conv_d0": "refinement.last",
    **_unit("refunet.conv_d{n}", "refunet.bn_d{n}", "refinement.up.{~n}"),
}
_SHARED = {**_XUEBINQIN, f"bn{_STAGES}d_2": None}


def _xuebinqin(name: str, renames: dict[str, str | None]) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin="xuebinqin/BASNet",
        renames=renames,
        # basnet_test.py: a 256 px square, divided by the image's own maximum; sigmoid inside.
        recipe={
            "preprocessing": {"resize": "stretch", "side": 256, "divisor": "maximum", **IMAGENET},
            "postprocessing": {"activation": "sigmoid"},
        },
    )


_OWN_UNITS = (
    "stem",
    "bridge.{k}",
    "decoder.{n}.{k}",
    "refinement.down.{n}",
    "refinement.up.{n}",
)

ARCHITECTURE = Architecture(
    id="basnet",
    title="BASNet",
    build=BASNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    forward_deep=BASNet.forward_deep,
    mappings=(
        KeyMapping(
            id="basnet",
            origin="segdemo",
            renames={
                **{
                    f"{ours}.{part}": f"{ours}.{part}"
                    for ours in _OWN_UNITS
                    for part in ("conv", "norm")
                },
                **{
                    name: name
                    for name in (
                        "encoder.{n}.{k}.conv{i}",
                        "encoder.{n}.{k}.norm{i}",
                        "encoder.{n}.{k}.shortcut.{i}",
                        "side.{n}",
                        "refinement.first",
                        "refinement.last",
                    )
                },
            },
        ),
        # An early forward takes bn5d_2 where bn6d_2 is meant, which then stays as it began.
        _xuebinqin("basnet_xuebinqin", _XUEBINQIN),
        _xuebinqin("basnet_xuebinqin_shared_norm", _SHARED),
    ),
)
