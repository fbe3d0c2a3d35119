"""SegNet (Badrinarayanan, Kendall, Cipolla 2015, arXiv:1511.00561): pooling undone by its indices.

A VGG without its fully connected layers, and the same layers backwards. Each pooling remembers
where its largest values lay; on the way up they return there, among zeros, and nothing is
joined.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements, count
from segdemo.architectures.parts.conv_unit import (
    VGG_KERNELS,
    Conv,
    Row,
    conv_row,
    infer_row,
    row_names,
    row_of,
)
from segdemo.architectures.parts.vgg import vgg16


@dataclass(frozen=True, kw_only=True)
class SegNetConfig:
    """The convolutions of each block, before each pooling and after each unpooling."""

    in_channels: int
    classes: int
    encoder: tuple[Row, ...]
    """From the image down."""
    decoder: tuple[Row, ...]
    """From the deepest up; the head, which ends the last block, is not counted."""
    transposed: bool = False
    """Whether the decoder has transposed convolutions, which turn their kernels around."""
    head_kernel: int = 3
    head_norm: bool = False
    """Whether a batch norm and a ReLU follow the head."""
    norm: bool = True
    bias: bool = True
    pool_stride: int = 2
    """Of the 2x2 pooling; 1 keeps the size but for a pixel, and several values may return to one
    place, of which the last one stays."""

    @classmethod
    def standard(cls, *, in_channels: int = 3, classes: int = 1, width: int = 64) -> "SegNetConfig":
        """The network of the paper, on a VGG-16; its last block ends with the head."""
        widths = vgg16(width)
        after = [widths[level - 1][-1] if level else classes for level in range(len(widths))]
        decoder = [
            row_of(*block[1:], narrower)
            for block, narrower in zip(widths[::-1], after[::-1], strict=True)
        ]
        return cls(
            in_channels=in_channels,
            classes=classes,
            encoder=tuple(row_of(*block) for block in widths),
            decoder=(*decoder[:-1], decoder[-1][:-1]),
        )


class TransposedUnit(nn.Module):
    """A transposed convolution that keeps the size, batch norm (or none), ReLU."""

    def __init__(self, into: int, conv: Conv, *, norm: bool, bias: bool) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(
            into, conv.width, conv.kernel, padding=conv.kernel // 2, bias=bias
        )
        self.norm = nn.BatchNorm2d(conv.width) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)), inplace=True)


class SegNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), as often halved as pooled."""

    def __init__(self, config: SegNetConfig) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        into, options = config.in_channels, {"norm": config.norm, "bias": config.bias}
        for row in config.encoder:
            self.encoder.append(conv_row(into, row, **options))
            into = row[-1].width
        for row in config.decoder:
            if config.transposed:
                units = nn.Sequential()
                for conv in row:
                    units.append(TransposedUnit(into, conv, **options))
                    into = conv.width
            else:
                units = conv_row(into, row, **options)
                into = row[-1].width if row else into
            self.decoder.append(units)
        kernel, kind = config.head_kernel, nn.ConvTranspose2d if config.transposed else nn.Conv2d
        self.head = kind(into, config.classes, kernel, padding=kernel // 2)
        self.head_norm = nn.BatchNorm2d(config.classes) if config.head_norm else nn.Identity()
        self.head_normed, self.pool_stride = config.head_norm, config.pool_stride

    def forward(self, x: Tensor) -> Tensor:
        pooled = []
        for block in self.encoder:
            x = block(x)
            size = x.shape
            x, places = functional.max_pool2d(x, 2, self.pool_stride, return_indices=True)
            pooled.append((places, size))
        stride = [self.pool_stride] * 2
        for block in self.decoder:
            places, size = pooled.pop()
            x = block(functional.max_unpool2d(x, places, [2, 2], stride, output_size=size))
        x = self.head_norm(self.head(x))
        return functional.relu(x, inplace=True) if self.head_normed else x


def infer(shapes: Shapes) -> SegNetConfig:
    """The configuration that has these shapes under the names of SegNet."""
    blocks = count(shapes, "encoder.{}.0.conv.weight")
    encoder = tuple(infer_row(shapes, f"encoder.{n}", kernels=VGG_KERNELS) for n in range(blocks))
    # The last block may have no unit beside the head.
    decoder = tuple(infer_row(shapes, f"decoder.{n}", kernels=VGG_KERNELS) for n in range(blocks))
    transposed = _turns_around(shapes, decoder, encoder[-1][-1].width)
    if transposed:
        decoder = tuple(
            tuple(
                Conv(shapes[f"decoder.{n}.{k}.conv.weight"][1], conv.kernel)
                for k, conv in enumerate(row)
            )
            for n, row in enumerate(decoder)
        )
    head = shapes["head.weight"]
    if head[2] % 2 == 0:
        raise ValueError(f"no padding keeps the size under a kernel of {head[2]}")
    return SegNetConfig(
        in_channels=shapes["encoder.0.0.conv.weight"][1],
        classes=head[1] if transposed else head[0],
        encoder=encoder,
        decoder=decoder,
        transposed=transposed,
        head_kernel=head[2],
        head_norm="head_norm.weight" in shapes,
        norm="encoder.0.0.norm.weight" in shapes,
        bias="encoder.0.0.conv.bias" in shapes,
    )


def _turns_around(shapes: Shapes, decoder: tuple[Row, ...], into: int) -> bool:
    """Whether the first weight of unequal sides has what comes in first, as transposed ones do."""
    for n, row in enumerate(decoder):
        for k in range(len(row)):
            first, second, *_ = shapes[f"decoder.{n}.{k}.conv.weight"]
            if first != second:
                return first == into
            into = first
    return False


def with_classes(config: SegNetConfig, classes: int) -> SegNetConfig:
    """The configuration with that many classes.

    A head that is made a single channel loses its norm and ReLU: without a logit below zero
    every pixel would belong to the class.
    """
    alone = classes == 1 != config.classes
    return replace(config, classes=classes, head_norm=config.head_norm and not alone)


def describe(config: SegNetConfig) -> str:
    """Width, number of convolutions of the encoder, and what is unusual."""
    layers = sum(map(len, config.encoder))
    words = [f"{layers} convolutions", f"width {config.encoder[0][0].width}"]
    if config.pool_stride == 1:
        words.append("stride 1")
    return ", ".join(words)


def requirements(config: SegNetConfig) -> SizeRequirements:
    """A pooling drops an odd row, which comes back as zeros; one of stride 1 drops one always."""
    poolings = len(config.encoder)
    return SizeRequirements(minimum=2**poolings if config.pool_stride == 2 else poolings + 1)


_DEPTHS = tuple(map(len, vgg16()))


def _places() -> Iterator[tuple[bool, str, int, int]]:
    """Of each convolution of a SegNet on VGG-16: whether it leads up, our path, block and number.

    Blocks and numbers count from 0 in the encoder's order, so that the decoder has them backwards.
    """
    for n, depth in enumerate(_DEPTHS):
        for k in range(depth):
            yield False, f"encoder.{n}.{k}", n, k
            if (n, k) != (0, 0):
                yield True, f"decoder.{len(_DEPTHS) - 1 - n}.{depth - 1 - k}", n, k


def _numbered(
    down: tuple[str, str], up: tuple[str, str], *, first: int = 1
) -> dict[str, str | None]:
    """The names of a code base that has block and number in them, from ``first`` on."""
    renames: dict[str, str | None] = {up[0].format(first, first): "head"}
    for leads_up, ours, n, k in _places():
        for template, part in zip(up if leads_up else down, ("conv", "norm"), strict=True):
            renames[template.format(n + first, k + first)] = f"{ours}.{part}"
    return renames


def _staged() -> dict[str, str | None]:
    """Sequentials of convolution, norm, ReLU; the head follows a last convolution of its own."""
    renames: dict[str, str | None] = {}
    for n, depth in enumerate(_DEPTHS):
        steps = [(3 * k, 3 * k + 1) for k in range(depth)]
        up = len(_DEPTHS) - n
        for side, ours in ((f"stage{n + 1}_encoder", "encoder"), (f"stage{up}_decoder", "decoder")):
            place = n if ours == "encoder" else up - 1
            names = [(f"{side}.{conv}", f"{side}.{norm}") for conv, norm in steps]
            renames |= row_names(f"{ours}.{place}", *names)
    renames[f"stage{len(_DEPTHS)}_decoder.{3 * _DEPTHS[0]}"] = "head"
    return renames


_SEMSEG = {
    "down{n}.conv{k}.cbr_unit.0": "encoder.{n-1}.{k-1}.conv",
    "down{n}.conv{k}.cbr_unit.1": "encoder.{n-1}.{k-1}.norm",
    # The last unit comes to the classes; it stands first, so that no other name takes it.
    "up1.conv2.cbr_unit.0": "head",
    "up1.conv2.cbr_unit.1": "head_norm",
    "up{n}.conv{k}.cbr_unit.0": "decoder.{~n}.{k-1}.conv",
    "up{n}.conv{k}.cbr_unit.1": "decoder.{~n}.{k-1}.norm",
}

_ONERA = _numbered(("conv{}{}", "bn{}{}"), ("conv{}{}d", "bn{}{}d"))


def _is_usual(config: SegNetConfig) -> bool:
    """Convolutions with a norm that are not transposed, and a head without."""
    return config.norm and not config.head_norm and not config.transposed


ARCHITECTURE = Architecture(
    id="segnet",
    title="SegNet",
    build=SegNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    with_classes=with_classes,
    mappings=(
        KeyMapping(
            id="segnet",
            origin="segdemo",
            renames={
                "encoder.{n}.{k}.conv": "encoder.{n}.{k}.conv",
                "encoder.{n}.{k}.norm": "encoder.{n}.{k}.norm",
                "decoder.{n}.{k}.conv": "decoder.{n}.{k}.conv",
                "decoder.{n}.{k}.norm": "decoder.{n}.{k}.norm",
                "head": "head",
                "head_norm": "head_norm",
            },
        ),
        KeyMapping(
            id="segnet_zoo",
            origin="Andy-zhujunwen/UNET-ZOO",
            renames=_ONERA,
            known={"pool_stride": 1},
            fits=_is_usual,
            # main.py: from -1 to 1; the sigmoid stands inside, one for each class.
            recipe={
                "preprocessing": {"mean": [0.5], "std": [0.5]},
                "postprocessing": {"activation": "sigmoid"},
            },
        ),
        KeyMapping(
            id="segnet_onera",
            origin="delta-onera/segnet_pytorch",
            renames=_ONERA,
            # Said, because it is what tells it from the one before.
            known={"pool_stride": 2},
            fits=_is_usual,
        ),
        KeyMapping(
            id="segnet_vinceecws",
            origin="vinceecws/SegNet_PyTorch",
            renames={
                # Made, and never called.
                "BNDe11": None,
                **_numbered(("ConvEn{}{}", "BNEn{}{}"), ("ConvDe{}{}", "BNDe{}{}")),
            },
            fits=_is_usual,
        ),
        KeyMapping(
            id="segnet_yassouali",
            origin="yassouali/pytorch-segmentation",
            renames=_staged(),
            fits=_is_usual,
        ),
        KeyMapping(
            id="segnet_semseg",
            origin="meetps/pytorch-semseg",
            renames=_SEMSEG,
            fits=lambda config: config.norm and config.head_norm,
        ),
        KeyMapping(
            id="segnet_say4n",
            origin="say4n/pytorch-segnet",
            renames={
                # From which its encoder began, kept beside it.
                "vgg16.features.{n}": None,
                "vgg16.classifier.{n}": None,
                **_numbered(
                    ("encoder_conv_{}{}.0", "encoder_conv_{}{}.1"),
                    ("decoder_convtr_{}{}.0", "decoder_convtr_{}{}.1"),
                    first=0,
                ),
            },
            fits=lambda config: config.norm and config.transposed,
        ),
    ),
)
