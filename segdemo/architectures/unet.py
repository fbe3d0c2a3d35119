"""U-Net (Ronneberger, Fischer, Brox 2015, arXiv:1505.04597), as PyTorch tutorials build it.

A contracting path of double convolutions and 2x2 max pooling, a bottleneck, and an
expanding path that upsamples, joins the skip and convolves twice. Every width is a
parameter, because every width can be read from a checkpoint.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """The hyper-parameters of a U-Net; levels count from the picture down."""

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
    padding: int = 1
    """Of the 3x3 convolutions; 0 loses four pixels on each side of the output."""

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


class DoubleConv(nn.Module):
    """Twice: 3x3 convolution, batch norm, ReLU."""

    def __init__(self, into: int, inner: int, out: int, *, bias: bool, padding: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, inner, 3, padding=padding, bias=bias)
        self.norm1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, out, 3, padding=padding, bias=bias)
        self.norm2 = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        return functional.relu(self.norm2(self.conv2(x)), inplace=True)


class Up(nn.Module):
    """Doubles the size, by a transposed convolution or bilinearly, and joins the skip."""

    def __init__(self, into: int, up_width: int | None, convolutions: DoubleConv) -> None:
        super().__init__()
        self.up: nn.Module
        if up_width is None:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            self.up = nn.ConvTranspose2d(into, up_width, 2, stride=2)
        self.conv = convolutions

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.up(x)
        # An odd row or column was lost in pooling: zeros stand in, the odd one last.
        rows, columns = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        left, top = columns // 2, rows // 2
        if rows or columns:
            x = functional.pad(x, (left, columns - left, top, rows - top))
        joined: Tensor = self.conv(torch.cat((skip, x), dim=1))
        return joined


class UNet(nn.Module):
    """Logits (N, classes, H, W) for pictures (N, in_channels, H, W), H and W at least 16.

    Without padding the logits lack four pixels on each side.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.encoder = nn.ModuleList()
        into = config.in_channels
        for inner, out in zip(config.inner_widths, config.widths, strict=True):
            self.encoder.append(
                DoubleConv(into, inner, out, bias=config.bias, padding=config.padding)
            )
            into = out
        self.decoder = nn.ModuleList()
        for level, skip in enumerate(reversed(config.widths[:-1])):
            up_width = config.up_widths[level] if config.up == "transposed" else None
            inner, out = config.decoder_inner_widths[level], config.decoder_widths[level]
            convolutions = DoubleConv(
                skip + (into if up_width is None else up_width),
                inner,
                out,
                bias=config.bias,
                padding=config.padding,
            )
            self.decoder.append(Up(into, up_width, convolutions))
            into = out
        self.head = nn.Conv2d(into, config.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = [self.encoder[0](x)]
        for level in self.encoder[1:]:
            skips.append(level(functional.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for level in self.decoder:
            # Popping frees each skip as soon as it is joined: half the peak memory.
            x = level(x, skips.pop())
        logits: Tensor = self.head(x)
        return logits


def infer(shapes: Shapes) -> UNetConfig:
    """The configuration that has these shapes under the names of UNet."""
    levels = _count(shapes, "encoder.{}.conv1.weight")
    expansions = _count(shapes, "decoder.{}.conv.conv1.weight")
    transposed = "decoder.0.up.weight" in shapes
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
    )


def _count(shapes: Shapes, template: str) -> int:
    count = 0
    while template.format(count) in shapes:
        count += 1
    return count


def _outputs(shapes: Shapes, template: str, levels: int) -> tuple[int, ...]:
    return tuple(shapes[template.format(level)][0] for level in range(levels))


def describe(config: UNetConfig) -> str:
    """Width, upsampling and whatever else is not as usual, in a few words."""
    words = [f"width {config.widths[0]}", config.up]
    if len(config.widths) != 5:
        words.append(f"{len(config.widths) - 1} levels")
    if config.padding == 0:
        words.append("unpadded")
    return ", ".join(words)


def requirements(config: UNetConfig) -> SizeRequirements:
    """Every level halves the size; without padding a level also loses four pixels."""
    levels = len(config.widths) - 1
    if config.padding:
        return SizeRequirements(minimum=2**levels)
    # The bottleneck's second convolution needs one pixel out: undo each level from there.
    side = 5
    for _ in range(levels):
        side = 2 * side + 4
    return SizeRequirements(minimum=side, border=4)


def _double_conv(theirs: str, ours: str) -> dict[str, str]:
    """The names of a double convolution that is one Sequential with its ReLUs."""
    members = {"0": "conv1", "1": "norm1", "3": "conv2", "4": "norm2"}
    return {f"{theirs}.{index}": f"{ours}.{name}" for index, name in members.items()}


_MILESIAL = {
    **_double_conv("inc.double_conv", "encoder.0"),
    **_double_conv("down{n}.maxpool_conv.1.double_conv", "encoder.{n}"),
    "up{n}.up": "decoder.{n-1}.up",
    **_double_conv("up{n}.conv.double_conv", "decoder.{n-1}.conv"),
    "outc.conv": "head",
}

_MILESIAL_2018 = {
    **_double_conv("inc.conv.conv", "encoder.0"),
    **_double_conv("down{n}.mpconv.1.conv", "encoder.{n}"),
    "up{n}.up": "decoder.{n-1}.up",
    **_double_conv("up{n}.conv.conv", "decoder.{n-1}.conv"),
    "outc.conv": "head",
}

_CANONICAL = {
    "encoder.{n}.conv1": "encoder.{n}.conv1",
    "encoder.{n}.norm1": "encoder.{n}.norm1",
    "encoder.{n}.conv2": "encoder.{n}.conv2",
    "encoder.{n}.norm2": "encoder.{n}.norm2",
    "decoder.{n}.up": "decoder.{n}.up",
    "decoder.{n}.conv.conv1": "decoder.{n}.conv.conv1",
    "decoder.{n}.conv.norm1": "decoder.{n}.conv.norm1",
    "decoder.{n}.conv.conv2": "decoder.{n}.conv.conv2",
    "decoder.{n}.conv.norm2": "decoder.{n}.conv.norm2",
    "head": "head",
}

# predict.py of milesial/Pytorch-UNet: half size, bicubic, divided by 255, no mean or deviation.
_CARVANA_RECIPE = {
    "preprocessing": {"resize": "scale", "scale": 0.5, "resample": "bicubic"},
}


def _is_classic(config: UNetConfig) -> bool:
    """The first version: bilinear or transposed, it never widens in the bottleneck."""
    if config.up == "transposed":
        return config.widths[-1] == config.widths[-2]
    return config.decoder_inner_widths == config.decoder_widths


ARCHITECTURE = Architecture(
    id="unet",
    title="U-Net",
    build=UNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=(
        KeyMapping(id="unet", origin="segdemo", renames=_CANONICAL),
        KeyMapping(
            id="unet_milesial",
            origin="milesial/Pytorch-UNet since 2021-12 (v3.0, v4.0)",
            renames=_MILESIAL,
            fits=lambda config: not config.bias,
            recipe=_CARVANA_RECIPE,
        ),
        KeyMapping(
            id="unet_milesial_bias",
            origin="milesial/Pytorch-UNet 2020-05 to 2021-12 (v1.0, v2.0)",
            renames=_MILESIAL,
            fits=lambda config: config.bias and not _is_classic(config),
            recipe=_CARVANA_RECIPE,
        ),
        KeyMapping(
            id="unet_classic",
            origin="milesial/Pytorch-UNet before 2020-05 and tutorials after it",
            renames=_MILESIAL,
            fits=lambda config: config.bias and _is_classic(config),
            recipe=_CARVANA_RECIPE,
        ),
        KeyMapping(
            id="unet_milesial_2018",
            origin="milesial/Pytorch-UNet 2017-11 to 2019-10",
            renames=_MILESIAL_2018,
            recipe=_CARVANA_RECIPE,
        ),
        KeyMapping(
            id="unet_unpadded",
            origin="tutorials with the paper's unpadded convolutions",
            renames=_MILESIAL,
            known={"padding": 0},
            fits=lambda config: (
                config.bias and config.up == "transposed" and not _is_classic(config)
            ),
        ),
    ),
)
