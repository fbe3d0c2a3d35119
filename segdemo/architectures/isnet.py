"""IS-Net (Qin et al. 2022, arXiv:2203.03041): U²-Net's stages at half the image's size."""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from segdemo.architectures import u2net
from segdemo.architectures.base import Architecture, KeyMapping, Shapes


@dataclass(frozen=True, kw_only=True)
class ISNetConfig:
    """A convolution with stride, then the stages of a U²-Net."""

    in_channels: int
    stages: u2net.U2NetConfig
    """They begin with as many channels as the convolution has."""

    @property
    def classes(self) -> int:
        """Channels of the logits."""
        return self.stages.classes

    @classmethod
    def full(cls, *, in_channels: int = 3, classes: int = 1) -> "ISNetConfig":
        """The network of the paper, 44 million parameters."""
        stages = u2net.U2NetConfig.full(in_channels=64, classes=classes)
        return cls(in_channels=in_channels, stages=stages)


class ISNet(u2net.StagesWithSides):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W) of any size.

    They are those of the finest side output; the others serve training alone.
    """

    def __init__(self, config: ISNetConfig) -> None:
        super().__init__(config.stages)
        self.stem = nn.Conv2d(config.in_channels, config.stages.in_channels, 3, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        finest = self.features(self.stem(x))[-1]
        return u2net.resize_like(self.side[-1](finest), x)

    def forward_deep(self, x: Tensor) -> list[Tensor]:
        """Logits (N, classes, H, W) of every side output, the finest first."""
        return self.sides(self.features(self.stem(x)), x)


def infer(shapes: Shapes) -> ISNetConfig:
    """The configuration that has these shapes under the names of ISNet."""
    return ISNetConfig(in_channels=shapes["stem.weight"][1], stages=u2net.infer(shapes))


def with_classes(config: ISNetConfig, classes: int) -> ISNetConfig:
    """The configuration with that many classes."""
    return replace(config, stages=replace(config.stages, classes=classes))


def describe(config: ISNetConfig) -> str:
    """Its stages as those of a U²-Net."""
    return u2net.describe(config.stages)


ARCHITECTURE = Architecture(
    id="isnet",
    title="IS-Net",
    build=ISNet,
    infer=infer,
    describe=describe,
    with_classes=with_classes,
    forward_deep=ISNet.forward_deep,
    mappings=(
        KeyMapping(id="isnet", origin="segdemo", renames={**u2net.OWN_STAGES, "stem": "stem"}),
        KeyMapping(
            id="isnet_dis",
            origin="xuebinqin/DIS and briaai/RMBG-1.4",
            renames={**u2net.XUEBINQIN_STAGES, "conv_in": "stem"},
            folds_bias=True,
            recipe={"preprocessing": {"resize": "stretch", "side": 1024, "mean": [0.5]}},
        ),
    ),
)
