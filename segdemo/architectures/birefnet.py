"""BiRefNet (Zheng et al. 2024, arXiv:2401.03407): a decoder that sees the image at every scale.

The encoder sees the image in two sizes. Each step of the decoder is given the image itself, cut
into as many patches as its features have pixels apart, mixes them by deformable convolutions (Dai
et al. 2017, arXiv:1703.06211; modulated as in arXiv:1811.11168), and weighs its features by where
it expects gradients.
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
from segdemo.architectures.encoders import swin
from segdemo.architectures.encoders.swin import SwinConfig, SwinEncoder
from segdemo.architectures.parts.conv_norm import ConvNorm, own_names, under
from segdemo.architectures.parts.data_sets import IMAGENET

_STEPS = 4
_MULTIPLE = 32  # of both sides: each stride divides the image into whole patches


@dataclass(frozen=True, kw_only=True)
class BiRefNetConfig:
    """Widths of the decoder beside the encoder's own."""

    encoder: SwinConfig
    inner: int = 64
    """Channels inside of each block of the decoder."""
    pyramid: int = 256
    """Channels of each branch of its pyramids."""
    kernels: tuple[int, ...] = (1, 1, 3, 7)
    """Of these branches."""
    image: int = 64
    """Channels between the two convolutions over the image's patches."""
    edges: int = 16
    """Channels of the features that tell where gradients are expected."""
    classes: int = 1

    @property
    def in_channels(self) -> int:
        """Channels of the image."""
        return self.encoder.in_channels

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of what the encoder gives in both sizes, the deepest first."""
        return tuple(2 * width for width in reversed(self.encoder.widths))


class DeformableConv(nn.Module):
    """A convolution whose taps move and are weighed by what other convolutions see; norm, ReLU."""

    def __init__(self, into: int, out: int, kernel: int) -> None:
        super().__init__()
        padding, taps = kernel // 2, kernel**2
        self.offset = nn.Conv2d(into, 2 * taps, kernel, padding=padding)
        self.weighing = nn.Conv2d(into, taps, kernel, padding=padding)
        self.conv = nn.Conv2d(into, out, kernel, padding=padding, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        # Importing it takes time that pages without such a network do not have.
        from torchvision.ops import deform_conv2d  # noqa: PLC0415

        offset, weights = self.offset(x), 2 * self.weighing(x).sigmoid()
        # Places between pixels need more digits than bfloat16 has, nor has it a kernel on a CPU.
        kind = self.conv.weight.dtype
        y = deform_conv2d(
            x.to(kind),
            offset.to(kind),
            self.conv.weight,
            padding=self.conv.padding,
            mask=weights.to(kind),
        )
        return functional.relu(self.norm(y))


class Pyramid(nn.Module):
    """Deformable convolutions side by side and the mean of all pixels, fused to the old width."""

    def __init__(self, width: int, config: BiRefNetConfig) -> None:
        super().__init__()
        out = config.pyramid
        self.branches = nn.ModuleList(DeformableConv(width, out, side) for side in config.kernels)
        self.mean = ConvNorm(width, out)
        self.fuse = ConvNorm(out * (len(config.kernels) + 1), width)

    def forward(self, x: Tensor) -> Tensor:
        found = [branch(x) for branch in self.branches]
        mean = self.mean(x.mean((2, 3), keepdim=True))
        fused: Tensor = self.fuse(torch.cat([*found, mean.expand_as(found[0])], dim=1))
        return functional.dropout(fused, 0.5, training=self.training)


class Block(nn.Module):
    """A convolution, a pyramid and another convolution, without a ReLU behind the last norm."""

    def __init__(self, into: int, out: int, config: BiRefNetConfig) -> None:
        super().__init__()
        inner = config.inner
        self.first, self.norm1 = nn.Conv2d(into, inner, 3, padding=1), nn.BatchNorm2d(inner)
        self.pyramid = Pyramid(inner, config)
        self.last, self.norm2 = nn.Conv2d(inner, out, 3, padding=1), nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.pyramid(functional.relu(self.norm1(self.first(x))))
        return self.norm2(self.last(y))


class ImagePatches(nn.Module):
    """The image beside features of another size: each of its patches in channels, convolved."""

    def __init__(self, stride: int, out: int, config: BiRefNetConfig) -> None:
        super().__init__()
        self.stride = stride
        into = config.in_channels * stride**2
        self.first = nn.Conv2d(into, config.image, 3, padding=1)
        self.last = nn.Conv2d(config.image, out, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, H, W) to (N, out, H / stride, W / stride)."""
        batch, channels, height, width = image.shape
        side = self.stride
        # Not the pixels of a patch become channels: the patches of the whole image do.
        x = image.view(batch, channels, side, height // side, side, width // side)
        x = x.transpose(3, 4).reshape(batch, -1, height // side, width // side)
        return self.last(self.first(x))


class Gate(nn.Module):
    """Features weighed by where gradients are expected."""

    def __init__(self, width: int, edges: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(width, edges, 3, padding=1), nn.BatchNorm2d(edges)
        self.weight = nn.Conv2d(edges, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        edges = functional.relu(self.norm(self.conv(x)))
        return x * self.weight(edges).sigmoid()


class BiRefNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), sides multiples of 32."""

    def __init__(self, config: BiRefNetConfig) -> None:
        super().__init__()
        widths = config.widths
        self.encoder = SwinEncoder(config.encoder)
        self.context = Block(sum(widths), widths[0], config)
        outs = (*widths[1:], widths[-1] // 2)
        given = (widths[0], *widths[:-1])
        shares = [width // 8 for width in (*given, widths[-1])]
        strides = [2**place for place in (5, 4, 3, 2, 0)]
        self.image = nn.ModuleList(
            ImagePatches(stride, share, config)
            for stride, share in zip(strides, shares, strict=True)
        )
        self.blocks = nn.ModuleList(
            Block(width + share, out, config)
            for width, share, out in zip(widths, shares[:-1], outs, strict=True)
        )
        self.gates = nn.ModuleList(Gate(width, config.edges) for width in widths[1:])
        self.lateral = nn.ModuleList(nn.Conv2d(width, width, 1) for width in widths[1:])
        self.head = nn.Conv2d(outs[-1] + shares[-1], config.classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        features = self._encoded(image)
        deepest = features[0]
        context = [_resized(x, deepest) for x in reversed(features[1:])]
        x = self.context(torch.cat([*context, deepest], dim=1))
        for step in range(_STEPS):
            x = self.blocks[step](torch.cat([x, self.image[step](image)], dim=1))
            if step < _STEPS - 1:
                skip = features[step + 1]
                x = _resized(self.gates[step](x), skip) + self.lateral[step](skip)
        x = _resized(x, image)
        return self.head(torch.cat([x, self.image[-1](image)], dim=1))

    def _encoded(self, image: Tensor) -> list[Tensor]:
        """The features of the image and of one of half its size together, the deepest first."""
        height, width = image.shape[2:]
        half = functional.interpolate(
            image, (height // 2, width // 2), mode="bilinear", align_corners=True
        )
        pairs = zip(self.encoder(image), self.encoder(half), strict=True)
        return [torch.cat([x, _resized(y, x)], dim=1) for x, y in pairs][::-1]


def _resized(x: Tensor, other: Tensor) -> Tensor:
    if x.shape[2:] == other.shape[2:]:
        return x
    return functional.interpolate(x, other.shape[2:], mode="bilinear", align_corners=True)


def infer(shapes: Shapes) -> BiRefNetConfig:
    """The configuration that has these shapes under the names of BiRefNet."""
    branch = "context.pyramid.branches.{}.conv.weight"
    branches = [shapes[branch.format(number)] for number in range(count(shapes, branch))]
    return BiRefNetConfig(
        encoder=swin.infer(under(shapes, "encoder")),
        inner=shapes["context.first.weight"][0],
        pyramid=branches[0][0],
        kernels=tuple(shape[2] for shape in branches),
        image=shapes["image.0.first.weight"][0],
        edges=shapes["gates.0.conv.weight"][0],
        classes=shapes["head.weight"][0],
    )


def describe(config: BiRefNetConfig) -> str:
    """Its encoder: "on Swin-L"."""
    return f"on {config.encoder.name}"


def _deformable(theirs: str, ours: str) -> dict[str, str | None]:
    parts = {"offset_conv": "offset", "modulator_conv": "weighing", "regular_conv": "conv"}
    names = {f"{theirs}.atrous_conv.{part}": f"{ours}.{own}" for part, own in parts.items()}
    return {**names, f"{theirs}.bn": f"{ours}.norm"}


def _block(theirs: str, ours: str) -> dict[str, str | None]:
    pyramid, own = f"{theirs}.dec_att", f"{ours}.pyramid"
    return {
        f"{theirs}.conv_in": f"{ours}.first",
        f"{theirs}.bn_in": f"{ours}.norm1",
        **_deformable(f"{pyramid}.aspp1", f"{own}.branches.0"),
        **_deformable(f"{pyramid}.aspp_deforms.{{n}}", f"{own}.branches.{{n+1}}"),
        f"{pyramid}.global_avg_pool.1": f"{own}.mean.conv",
        f"{pyramid}.global_avg_pool.2": f"{own}.mean.norm",
        f"{pyramid}.conv1": f"{own}.fuse.conv",
        f"{pyramid}.bn1": f"{own}.fuse.norm",
        f"{theirs}.conv_out": f"{ours}.last",
        f"{theirs}.bn_out": f"{ours}.norm2",
    }


def _theirs() -> dict[str, str | None]:
    names: dict[str, str | None] = {
        **swin.names("bb", "encoder"),
        **_block("squeeze_module.0", "context"),
        "decoder.conv_out1.0": "head",
        # For training alone: masks of each scale, and the gradients that are expected.
        "decoder.conv_ms_spvn_{n}": None,
        "decoder.gdt_convs_pred_{n}.0": None,
    }
    for step in range(_STEPS + 1):
        for part, own in (("conv1", "first"), ("conv_out", "last")):
            names[f"decoder.ipt_blk{5 - step}.{part}"] = f"image.{step}.{own}"
    for step in range(_STEPS):
        names |= _block(f"decoder.decoder_block{4 - step}", f"blocks.{step}")
    for step in range(_STEPS - 1):
        number = 4 - step
        names[f"decoder.lateral_block{number}.conv"] = f"lateral.{step}"
        names[f"decoder.gdt_convs_{number}.0"] = f"gates.{step}.conv"
        names[f"decoder.gdt_convs_{number}.1"] = f"gates.{step}.norm"
        names[f"decoder.gdt_convs_attn_{number}.0"] = f"gates.{step}.weight"
    return names


def _ours() -> dict[str, str | None]:
    block = (
        *("first", "norm1", "last", "norm2"),
        *(f"pyramid.branches.{{m}}.{part}" for part in ("offset", "weighing", "conv", "norm")),
    )
    blocks = ("context", "blocks.{n}")
    pyramids = [f"{name}.pyramid.{part}" for name in blocks for part in ("mean", "fuse")]
    layers = (
        *(f"{name}.{part}" for name in blocks for part in block),
        *(f"image.{{n}}.{part}" for part in ("first", "last")),
        *(f"gates.{{n}}.{part}" for part in ("conv", "norm", "weight")),
        *("lateral.{n}", "head"),
    )
    encoder = {name: name for name in swin.names("encoder", "encoder").values() if name}
    return {**encoder, **own_names(pyramids, layers)}


ARCHITECTURE = Architecture(
    id="birefnet",
    title="BiRefNet",
    build=BiRefNet,
    infer=infer,
    describe=describe,
    requirements=lambda config: SizeRequirements(multiple_of=_MULTIPLE, minimum=64),
    mappings=(
        KeyMapping(id="birefnet", origin="segdemo", renames=_ours()),
        KeyMapping(
            id="birefnet_zhengpeng7",
            origin="ZhengPeng7/BiRefNet and briaai/RMBG-2.0",
            renames=_theirs(),
            recipe={"preprocessing": {"resize": "stretch", "side": 1024, **IMAGENET}},
        ),
    ),
)
