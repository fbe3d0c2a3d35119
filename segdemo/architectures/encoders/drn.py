"""DRN-D (Yu et al. 2017, arXiv:1705.09914), a residual network that dilates rather than strides.

Its strides end at 8; convolutions without shortcuts stand before and behind the residual stages.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from segdemo.architectures.base import Shapes, count
from segdemo.architectures.parts import resnet
from segdemo.architectures.parts.conv_norm import ConvNorm, own_names

_STRIDES = (2, 2, 1, 1)
_DILATIONS = (1, 1, 2, 4)
"""Of all blocks of each residual stage."""
_LATE_DILATIONS = (2, 1)
"""Of the convolutions behind them."""


@dataclass(frozen=True, kw_only=True)
class DRNConfig:
    """Widths of the network."""

    in_channels: int
    early: tuple[int, ...]
    """Channels after the convolutions before the residual stages; the last halves the size."""
    bottleneck: bool
    stages: tuple[resnet.StageConfig, ...]
    late: tuple[int, ...]
    """Channels after the convolutions behind them."""

    @property
    def name(self) -> str:
        """Its layers are counted as in its paper: "DRN-D-54"."""
        convolutions = sum(stage.blocks for stage in self.stages) * (3 if self.bottleneck else 2)
        return f"DRN-D-{convolutions + len(self.early) + len(self.late) + 1}"

    @property
    def out(self) -> int:
        """Channels of the deepest features."""
        return self.late[-1]


class DRN(nn.Module):
    """Features of images (N, in_channels, H, W); the deepest are always at stride 8."""

    def __init__(self, config: DRNConfig) -> None:
        super().__init__()
        self.early = nn.Sequential()
        into = config.in_channels
        for n, out in enumerate(config.early):
            halves = n == len(config.early) - 1
            self.early.append(ConvNorm(into, out, 3 if n else 7, stride=2 if halves else 1))
            into = out
        plans = [
            [(1 if block else stride, dilation) for block in range(stage.blocks)]
            for stage, stride, dilation in zip(config.stages, _STRIDES, _DILATIONS, strict=True)
        ]
        self.encoder = resnet.build_stages(
            into, config.stages, bottleneck=config.bottleneck, plans=plans
        )
        self.low_channels, into = config.stages[0].out, config.stages[-1].out
        self.late = nn.Sequential()
        for out, dilation in zip(config.late, _LATE_DILATIONS, strict=True):
            self.late.append(ConvNorm(into, out, 3, dilation=dilation))
            into = out

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The features at stride 4, and the deepest."""
        x = self.early(x)
        features = []
        for stage in self.encoder:
            x = stage(x)
            features.append(x)
        return features[0], self.late(x)


def infer(shapes: Shapes) -> DRNConfig:
    """The configuration that has these shapes under the names of DRN."""
    stages, bottleneck = resnet.infer_stages(shapes)

    def widths(path: str) -> tuple[int, ...]:
        template = f"{path}.{{}}.conv.weight"
        return tuple(shapes[template.format(n)][0] for n in range(count(shapes, template)))

    early, late = widths("early"), widths("late")
    if not bottleneck or (len(early), len(late)) != (3, len(_LATE_DILATIONS)):
        raise ValueError("no DRN-D on bottlenecks")
    return DRNConfig(
        in_channels=shapes["early.0.conv.weight"][1],
        early=early,
        bottleneck=bottleneck,
        stages=stages,
        late=late,
    )


OWN_NAMES = {
    **own_names(("early.{n}", "late.{n}")),
    **{
        name: name
        for name in (
            "encoder.{n}.{k}.conv{i}",
            "encoder.{n}.{k}.norm{i}",
            "encoder.{n}.{k}.shortcut.{i}",
        )
    },
}


def names(theirs: str, ours: str) -> dict[str, str | None]:
    """The names of its authors' code, in which layers are numbered from 0 to 8."""
    places = {"layer0": "early.0", "layer1": "early.1", "layer2": "early.2"}
    places |= {"layer7": "late.0", "layer8": "late.1"}
    return {
        **{f"{theirs}.{layer}.0": f"{ours}.{place}.conv" for layer, place in places.items()},
        **{f"{theirs}.{layer}.1": f"{ours}.{place}.norm" for layer, place in places.items()},
        f"{theirs}.layer{{n}}.{{k}}.conv{{i}}": f"{ours}.encoder.{{n-3}}.{{k}}.conv{{i}}",
        f"{theirs}.layer{{n}}.{{k}}.bn{{i}}": f"{ours}.encoder.{{n-3}}.{{k}}.norm{{i}}",
        f"{theirs}.layer{{n}}.{{k}}.downsample.{{i}}": (
            f"{ours}.encoder.{{n-3}}.{{k}}.shortcut.{{i}}"
        ),
    }
