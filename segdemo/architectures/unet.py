"""U-Net (Ronneberger, Fischer, Brox 2015, arXiv:1505.04597), as PyTorch tutorials build it.

A contracting path of double convolutions and 2x2 max pooling, a bottleneck, and an
expanding path that upsamples, joins the skip and convolves twice. Every width is a
parameter, because every width can be read from a checkpoint.
"""

from dataclasses import dataclass
from typing import Literal

from segdemo.architectures.base import Architecture, Shapes, SizeRequirements, count
from segdemo.architectures.spellings.unet import MAPPINGS
from segdemo.architectures.u_shape import UShape
from segdemo.architectures.u_shape.config import (
    BlockConfig,
    ConvConfig,
    LevelConfig,
    UpConfig,
    UShapeConfig,
)


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """The hyper-parameters of a U-Net; levels count from the image down."""

    in_channels: int
    classes: int
    widths: tuple[int, ...]
    """Channels after each level of the contracting path, the bottleneck last."""
    inner_widths: tuple[int, ...]
    """Channels between the two convolutions of each of these levels."""
    decoder_widths: tuple[int, ...]
    """Channels after each level of the expanding path, the deepest first."""
    decoder_inner_widths: tuple[int, ...]
    up: Literal["transposed", "bilinear"]
    up_widths: tuple[int, ...] = ()
    """Channels after each transposed convolution; empty when bilinear, which keeps them."""
    bias: bool = False
    """Whether the 3x3 convolutions have a bias before the batch norm."""
    norm: bool = True
    """Whether a batch norm follows each 3x3 convolution."""
    up_norm: bool = False
    """Whether a batch norm and a ReLU follow each transposed convolution."""
    up_bias: bool = True
    """Whether the transposed convolutions have a bias."""
    head_kernel: int = 1
    """Side of the last convolution, an odd number."""
    padding: int = 1
    """Of the 3x3 convolutions; 0 loses four pixels on each side of the output."""
    join: Literal["skip_first", "up_first"] = "skip_first"
    """The order of the channels that the expanding path convolves."""
    fit: Literal["pad", "crop", "exact"] = "pad"
    """What happens where pooling lost an odd row or column: zeros stand in around the upsampled
    map, the skip is cropped about its centre, or sizes have to be multiples."""

    @classmethod
    def standard(
        cls,
        *,
        in_channels: int = 3,
        classes: int = 1,
        width: int = 64,
        depth: int = 4,
        up: Literal["transposed", "bilinear"] = "transposed",
        bias: bool = False,
    ) -> "UNetConfig":
        """The common network: widths double on the way down and halve on the way up."""
        widths = tuple(width * 2**level for level in range(depth + 1))
        if up == "transposed":
            decoder, up_widths = widths[-2::-1], widths[-2::-1]
            decoder_inner = decoder
        else:
            # Bilinear upsampling cannot narrow, so the level below is narrowed beforehand.
            widths = (*widths[:-1], widths[-1] // 2)
            decoder = (*(w // 2 for w in widths[-2:0:-1]), width)
            decoder_inner = tuple(w for w in widths[-2::-1])
            up_widths = ()
        return cls(
            in_channels=in_channels,
            classes=classes,
            widths=widths,
            inner_widths=widths,
            decoder_widths=decoder,
            decoder_inner_widths=decoder_inner,
            up=up,
            up_widths=up_widths,
            bias=bias,
        )


class UNet(UShape):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W at least 16.

    Without padding the logits lack four pixels on each side; with cropping, what H and W exceed
    a multiple of 16 by. Where sizes have to fit, any but such a multiple raises RuntimeError.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(_of_the_family(config))


def _of_the_family(config: UNetConfig) -> UShapeConfig:
    """The same network in the words of the U-shaped family."""

    def block(*widths: int) -> BlockConfig:
        return BlockConfig(
            convs=tuple(ConvConfig(out=out, bias=config.bias, norm=config.norm) for out in widths)
        )

    is_transposed = config.up == "transposed"
    ups = [
        ConvConfig(out=out, kernel=2, bias=config.up_bias, norm=config.up_norm)
        for out in config.up_widths
    ]
    return UShapeConfig(
        in_channels=config.in_channels,
        encoder=tuple(map(block, config.inner_widths, config.widths)),
        decoder=tuple(
            LevelConfig(
                up=UpConfig(
                    kind="transposed" if is_transposed else "resize",
                    conv=ups[level] if is_transposed else None,
                ),
                block=block(inner, out),
            )
            for level, (inner, out) in enumerate(
                zip(config.decoder_inner_widths, config.decoder_widths, strict=True)
            )
        ),
        head=ConvConfig(out=config.classes, kernel=config.head_kernel, norm=False),
        join=config.join,
        fit=config.fit,
        padding="zeros" if config.padding else "none",
    )


def infer(shapes: Shapes) -> UNetConfig:
    """The configuration that has these shapes under the names of UNet."""
    levels = count(shapes, "encoder.{}.conv1.weight")
    expansions = count(shapes, "decoder.{}.conv.conv1.weight")
    transposed = "decoder.0.up.weight" in shapes
    head_kernel = shapes["head.weight"][2]
    if head_kernel % 2 == 0:
        raise ValueError(f"no padding keeps the size under a kernel of {head_kernel}")
    return UNetConfig(
        in_channels=shapes["encoder.0.conv1.weight"][1],
        classes=shapes["head.weight"][0],
        widths=_outputs(shapes, "encoder.{}.conv2.weight", levels),
        inner_widths=_outputs(shapes, "encoder.{}.conv1.weight", levels),
        decoder_widths=_outputs(shapes, "decoder.{}.conv.conv2.weight", expansions),
        decoder_inner_widths=_outputs(shapes, "decoder.{}.conv.conv1.weight", expansions),
        up="transposed" if transposed else "bilinear",
        up_widths=(
            tuple(shapes[f"decoder.{level}.up.weight"][1] for level in range(expansions))
            if transposed
            else ()
        ),
        bias="encoder.0.conv1.bias" in shapes,
        norm="encoder.0.norm1.weight" in shapes,
        up_norm="decoder.0.up_norm.weight" in shapes,
        up_bias=not transposed or "decoder.0.up.bias" in shapes,
        head_kernel=head_kernel,
    )


def _outputs(shapes: Shapes, template: str, levels: int) -> tuple[int, ...]:
    return tuple(shapes[template.format(level)][0] for level in range(levels))


def describe(config: UNetConfig) -> str:
    """Width, upsampling and whatever else is not as usual, in a few words."""
    words = [f"width {config.widths[0]}", config.up]
    if len(config.widths) != 5:
        words.append(f"{len(config.widths) - 1} levels")
    if config.padding == 0:
        words.append("unpadded")
    if not config.norm:
        words.append("no norm")
    return ", ".join(words)


def requirements(config: UNetConfig) -> SizeRequirements:
    """Every level halves the size; without padding a level also loses four pixels.

    Where rows would be lost or sizes have to fit, only multiples give a map of the whole image.
    """
    levels = len(config.widths) - 1
    if config.padding:
        multiple = 1 if config.fit == "pad" else 2**levels
        return SizeRequirements(minimum=2**levels, multiple_of=multiple)
    # The bottleneck's second convolution needs one pixel out: undo each level from there.
    side = 5
    for _ in range(levels):
        side = 2 * side + 4
    return SizeRequirements(minimum=side, border=4)


ARCHITECTURE = Architecture(
    id="unet",
    title="U-Net",
    build=UNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=MAPPINGS,
)
