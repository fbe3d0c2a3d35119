"""FCN (Long et al. 2015, arXiv:1411.4038) that comes back to full size by learned steps of two.

A VGG without its fully connected layers, then a transposed convolution for each pooling; what was
pooled is added where the sizes meet.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements, count
from segdemo.architectures.parts.conv_unit import (
    VGG_KERNELS,
    Row,
    conv_row,
    infer_row,
    row_names,
    row_of,
)
from segdemo.architectures.parts.vgg import vgg16


@dataclass(frozen=True, kw_only=True)
class VGGDeconvConfig:
    """The blocks of the encoder and the steps up."""

    in_channels: int
    classes: int
    encoder: tuple[Row, ...]
    """The convolutions before each pooling."""
    ups: tuple[int, ...]
    """Channels after each transposed convolution."""
    skips: int = 0
    """How many pooled features, from the last but one on, are added on the way up."""
    norm_first: bool = False
    """Whether they are added behind the norm rather than before it."""

    @classmethod
    def standard(
        cls, *, in_channels: int = 3, classes: int = 1, width: int = 64, skips: int = 2
    ) -> "VGGDeconvConfig":
        """On a VGG-16; each step up comes to the width of the features that it meets."""
        blocks = tuple(row_of(*block) for block in vgg16(width))
        return cls(
            in_channels=in_channels,
            classes=classes,
            encoder=blocks,
            ups=(*(row[-1].width for row in blocks[-2::-1]), width // 2),
            skips=skips,
        )


class VGGDeconv(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W multiples of 32.

    Other sizes raise RuntimeError or come back as a multiple.
    """

    def __init__(self, config: VGGDeconvConfig) -> None:
        super().__init__()
        self.encoder = nn.ModuleList()
        into = config.in_channels
        for row in config.encoder:
            self.encoder.append(conv_row(into, row, norm=False, bias=True))
            into = row[-1].width
        self.ups, self.norms = nn.ModuleList(), nn.ModuleList()
        for width in config.ups:
            self.ups.append(
                nn.ConvTranspose2d(into, width, 3, stride=2, padding=1, output_padding=1)
            )
            self.norms.append(nn.BatchNorm2d(width))
            into = width
        self.head = nn.Conv2d(into, config.classes, 1)
        self.skips, self.norm_first = config.skips, config.norm_first

    def forward(self, x: Tensor) -> Tensor:
        pooled = []
        for block in self.encoder:
            x = functional.max_pool2d(block(x), 2)
            pooled.append(x)
        skips = pooled[-2::-1][: self.skips]
        for level, (up, norm) in enumerate(zip(self.ups, self.norms, strict=True)):
            x = functional.relu(up(x), inplace=True)
            skip = skips[level] if level < len(skips) else None
            if skip is not None and not self.norm_first:
                x = x + skip
            x = norm(x)
            if skip is not None and self.norm_first:
                x = x + skip
        logits: Tensor = self.head(x)
        return logits


def infer(shapes: Shapes) -> VGGDeconvConfig:
    """The configuration that has these shapes under the names of VGGDeconv."""
    blocks, ups = count(shapes, "encoder.{}.0.conv.weight"), count(shapes, "ups.{}.weight")
    if blocks != ups:
        raise ValueError(f"{blocks} poolings, {ups} steps up")
    return VGGDeconvConfig(
        in_channels=shapes["encoder.0.0.conv.weight"][1],
        classes=shapes["head.weight"][0],
        encoder=tuple(
            infer_row(shapes, f"encoder.{n}", kernels=VGG_KERNELS) for n in range(blocks)
        ),
        ups=tuple(shapes[f"ups.{n}.weight"][1] for n in range(ups)),
    )


def describe(config: VGGDeconvConfig) -> str:
    """Stride of the finest features that are used, and width: "8s, width 64"."""
    return f"{2 ** (len(config.encoder) - config.skips)}s, width {config.encoder[0][0].width}"


def requirements(config: VGGDeconvConfig) -> SizeRequirements:
    """Each pooling halves the size, and nothing is padded or cropped."""
    multiple = 2 ** len(config.encoder)
    return SizeRequirements(minimum=multiple, multiple_of=multiple)


# torchvision's Sequential: a ReLU after each convolution, a pooling after each block.
_FEATURES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))


def _code_base() -> dict[str, str | None]:
    renames: dict[str, str | None] = {
        "deconv{n}": "ups.{n-1}",
        "bn{n}": "norms.{n-1}",
        "classifier": "head",
    }
    for n, places in enumerate(_FEATURES):
        names = [(f"pretrained_net.features.{place}", "") for place in places]
        renames |= row_names(f"encoder.{n}", *names)
    return renames


_NAMES = _code_base()
# It begins before the last pooling, and has the layers beyond it nevertheless.
_ONE_LESS = {
    **dict.fromkeys((f"pretrained_net.features.{place}" for place in _FEATURES[-1]), None),
    "deconv5": None,
    "bn5": None,
    **{
        theirs: ours
        for theirs, ours in _NAMES.items()
        if ours is None or not ours.startswith("encoder.4.")
    },
}

# main.py of UNET-ZOO: from -1 to 1; the sigmoid stands inside, one for each class.
_ZOO = {
    "preprocessing": {"mean": [0.5], "std": [0.5]},
    "postprocessing": {"activation": "sigmoid"},
}

ARCHITECTURE = Architecture(
    id="vgg_deconv",
    title="FCN with learned steps up",
    build=VGGDeconv,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=(
        KeyMapping(
            id="vgg_deconv",
            origin="segdemo",
            renames={
                "encoder.{n}.{k}.conv": "encoder.{n}.{k}.conv",
                "ups.{n}": "ups.{n}",
                "norms.{n}": "norms.{n}",
                "head": "head",
            },
        ),
        KeyMapping(
            id="unetzoo_fcn32s",
            origin="Andy-zhujunwen/UNET-ZOO",
            renames=_ONE_LESS,
            recipe=_ZOO,
        ),
        KeyMapping(
            id="unetzoo_fcn8s",
            origin="Andy-zhujunwen/UNET-ZOO",
            renames=_NAMES,
            known={"skips": 2},
            recipe=_ZOO,
        ),
        *(
            KeyMapping(
                id=f"pochih_{name}",
                origin="pochih/FCN-pytorch",
                renames=_NAMES,
                known={"skips": skips, "norm_first": norm_first},
            )
            for name, skips, norm_first in (
                ("fcn8s", 2, False),
                ("fcn16s", 1, False),
                ("fcn32s", 0, False),
                ("fcns", 4, True),
            )
        ),
    ),
)
