"""The U-shaped family (after U-Net, Ronneberger, Fischer, Brox 2015, arXiv:1505.04597).

A contracting path of blocks and pooling, an expanding path that upsamples, joins the skip and
convolves; with residual or recurrent blocks and attention gates where the tensors have them.
Every part is a parameter, so that a checkpoint of anybody's U-Net is one configuration.
"""

from dataclasses import replace
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements, count
from segdemo.architectures.spellings.u_shape import MAPPINGS
from segdemo.architectures.u_shape.blocks import ACTIVATIONS, Block, Up, conv_of, norm_of
from segdemo.architectures.u_shape.config import (
    BlockConfig,
    ConvConfig,
    GateConfig,
    LevelConfig,
    UpConfig,
    UShapeConfig,
)

_MOST_LOST = 4096  # pixels that convolutions without padding take at most

_MAX_KERNEL = 7


class UShape(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W at least 2**levels.

    Where sizes have to fit, any but such a multiple raises RuntimeError.
    """

    def __init__(self, config: UShapeConfig) -> None:
        super().__init__()
        self.down = config.down
        self.encoder = nn.ModuleList()
        into = config.in_channels
        for level, block in enumerate(config.encoder):
            stride = 2 if config.down == "strided" and level else 1
            self.encoder.append(Block(into, block, config, stride=stride))
            into = block.out
        # Where a convolution with stride leads down, nothing pools.
        self.pools = tuple(block.down is None for block in config.encoder)
        self.decoder = nn.ModuleList()
        skips = [block.out for block in config.encoder[-2::-1]]
        for rise, skip in zip(config.decoder, skips, strict=True):
            self.decoder.append(Up(into, skip, rise, config))
            into = rise.block.out
        self.head = conv_of(into, config.head, replace(config, padding="zeros"))
        if config.head.norm:
            self.head_norm = norm_of(config.head.out, config)
        self.has_head_norm = config.head.norm
        self.late = config.enlarged == "after_join"
        self.stretches = config.padding == "none_stretched"
        self.act_first = config.order == "act_first"
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        skips = [self.encoder[0](x)]
        for number, pools in enumerate(self.pools[1:], start=1):
            x = self.pooled(skips[-1]) if pools else skips[-1]
            if self.late and number == len(self.decoder):
                deepest = self.decoder[0]
                assert isinstance(deepest, Up)
                x = deepest.up(x)
            skips.append(self.encoder[number](x))
        x = skips.pop()
        for number, level in enumerate(self.decoder, start=1):
            # Popping frees each skip as soon as it is joined: half the peak memory.
            x = level(x, skips.pop(), number < len(self.decoder))
        logits: Tensor = self.head(x)
        if self.has_head_norm:
            logits = self.head_norm(self.activation(logits) if self.act_first else logits)
        return functional.interpolate(logits, size=size) if self.stretches else logits

    def pooled(self, x: Tensor) -> Tensor:
        """Half the size, unless the next convolution has the stride."""
        if self.down == "max":
            return functional.max_pool2d(x, 2)
        return functional.avg_pool2d(x, 2) if self.down == "average" else x


def infer(shapes: Shapes) -> UShapeConfig:
    """The configuration that has these shapes under the names of UShape."""
    levels, ups = _levels(shapes, "encoder.{}."), _levels(shapes, "decoder.{}.conv.")
    if levels != ups + 1:
        raise ValueError(f"{levels} levels down, {ups} up")
    has_norms = any(name.endswith("norm1.weight") for name in shapes)
    has_statistics = any(name.endswith("running_mean") for name in shapes)
    encoder = tuple(_block(shapes, f"encoder.{level}") for level in range(levels))
    first = next(
        shapes[name]
        for part in ("project", "conv1")
        if (name := f"encoder.0.{part}.weight") in shapes
    )
    decoder: list[LevelConfig] = []
    for level in range(ups):
        into = decoder[-1].block.out if decoder else encoder[-1].out
        decoder.append(_level(shapes, f"decoder.{level}", into, encoder[-2 - level].out))
    if not any(level.skip for level in decoder):
        # What is added, or not joined at all, takes no channels: the join tells.
        decoder = [replace(level, skip=True) for level in decoder]
    return UShapeConfig(
        in_channels=first[1],
        encoder=encoder,
        decoder=tuple(decoder),
        head=_conv(shapes, "head"),
        norm="group" if has_norms and not has_statistics else "batch",
    )


def _levels(shapes: Shapes, template: str) -> int:
    return count(shapes, template + "conv1.weight")


def _conv(shapes: Shapes, path: str, *, transposed: bool = False) -> ConvConfig:
    """The convolution of this path: ``conv1`` has ``norm1`` and ``act1``, ``up`` ``up_norm``."""
    into, out, kernel, other = shapes[f"{path}.weight"]
    if not transposed:
        into, out = out, into
    holder, _, name = path.rpartition(".")
    number = name.removeprefix("conv")
    parts = (f"norm{number}", f"act{number}") if name != number else (f"{name}_norm", f"{name}_act")
    norm, act = (f"{holder}.{part}" if holder else part for part in parts)
    keeps = kernel % 2 == 1 or transposed or name in ("down", "up_conv")
    if kernel > _MAX_KERNEL:
        raise ValueError(f"no U-Net has kernels of {kernel} x {other}")
    if kernel != other or not keeps:
        raise ValueError(f"no padding keeps the size under a kernel of {kernel} x {other}")
    return ConvConfig(
        out=out,
        kernel=kernel,
        bias=f"{path}.bias" in shapes,
        norm=f"{norm}.weight" in shapes,
        slopes=shapes.get(f"{act}.weight", (0,))[0],
    )


def _optional(shapes: Shapes, path: str, *, transposed: bool = False) -> ConvConfig | None:
    return _conv(shapes, path, transposed=transposed) if f"{path}.weight" in shapes else None


def _block(shapes: Shapes, path: str) -> BlockConfig:
    convs: list[ConvConfig] = []
    while f"{path}.conv{len(convs) + 1}.weight" in shapes:
        convs.append(_conv(shapes, f"{path}.conv{len(convs) + 1}"))
    return BlockConfig(
        convs=tuple(convs),
        shortcut=_optional(shapes, f"{path}.shortcut"),
        project=_optional(shapes, f"{path}.project"),
        down=_optional(shapes, f"{path}.down"),
    )


def _level(shapes: Shapes, path: str, into: int, skip: int) -> LevelConfig:
    """The level that is given ``into`` channels from below and ``skip`` from the encoder."""
    transposed = _optional(shapes, f"{path}.up", transposed=True)
    resized = _optional(shapes, f"{path}.up_conv")
    block = _block(shapes, f"{path}.conv")
    first = "project" if block.project else "conv1"
    taken = shapes[f"{path}.conv.{first}.weight"][1]
    given = resized.out if resized else into
    # Added maps have as many channels as the skip, joined ones make more.
    is_shuffled = transposed is None and taken not in (given, given + skip)
    up = transposed.out if transposed else given
    kind: Literal["transposed", "resize", "resize_conv", "shuffle"] = "resize"
    if transposed or resized:
        kind = "transposed" if transposed else "resize_conv"
    return LevelConfig(
        up=UpConfig(kind="shuffle" if is_shuffled else kind, conv=transposed or resized),
        block=block,
        skip=taken != up,
        gate=_gate(shapes, f"{path}.gate") if f"{path}.gate.psi.weight" in shapes else None,
    )


def _gate(shapes: Shapes, path: str) -> GateConfig:
    if any(shapes[f"{path}.{part}.weight"][2:] != (1, 1) for part in ("up", "skip", "psi")):
        raise ValueError("attention gates have kernels of 1 x 1")
    up, skip, psi = (_conv(shapes, f"{path}.{name}") for name in ("up", "skip", "psi"))
    return GateConfig(up=up, skip=skip, psi=psi)


def with_classes(config: UShapeConfig, classes: int) -> UShapeConfig:
    """The configuration whose head gives that many channels."""
    return replace(config, head=replace(config.head, out=classes))


def describe(config: UShapeConfig) -> str:
    """Width, way up, and whatever else is not as usual, in a few words."""
    blocks = [*config.encoder, *(level.block for level in config.decoder)]
    kinds = {
        "recurrent": any(block.project for block in blocks),
        "residual": any(block.shortcut for block in blocks),
        "attention": any(level.gate for level in config.decoder),
    }
    words = ["-".join([kind for kind, present in kinds.items() if present])]
    words = [*filter(None, words), f"width {config.encoder[0].out}"]
    words += sorted({_UPS[level.up.kind] for level in config.decoder})
    if len(config.decoder) != 4:
        words.append(f"{len(config.decoder)} levels")
    convs = [conv for block in blocks for conv in block.convs]
    kernels = sorted({conv.kernel for conv in convs} - {3})
    words += [f"kernel {kernel}" for kernel in kernels]
    lengths = {len(block.convs) for block in blocks}
    if lengths != {2}:
        words.append(f"convolutions {'-'.join(map(str, sorted(lengths)))}")
    if not any(conv.norm for conv in convs):
        words.append("norm-free")
    elif config.norm != "batch":
        words.append(f"{config.norm} norm")
    if config.padding == "none":
        words.append("unpadded")
    return ", ".join(words)


_UPS = {
    "transposed": "transposed",
    "resize": "resized",
    "resize_conv": "resize-convolved",
    "shuffle": "shuffled",
}


def requirements(config: UShapeConfig) -> SizeRequirements:
    """Every level halves the size; without padding each convolution takes from it, too."""
    multiple = 2 ** len(config.decoder)
    if config.is_padded:
        fits = config.fit == "pad"
        return SizeRequirements(minimum=multiple, multiple_of=1 if fits else multiple)
    minimum = next(side for side in range(1, _MOST_LOST) if _is_enough(side, config))
    if config.padding == "none_stretched":
        return SizeRequirements(minimum=minimum)
    # Where no pooling loses a row, the answer lacks the same on all sides, whatever the size.
    exact = next(side for side in range(minimum, minimum + multiple) if _left(side, config))
    lacking = exact - _left(exact, config)
    return SizeRequirements(
        minimum=exact, border=lacking // 2, multiple_of=multiple, remainder=exact % multiple
    )


def _left(side: int, config: UShapeConfig) -> int:
    """The side of the answer for images of that side; 0 where pooling would lose a row."""
    for level, block in enumerate(config.encoder):
        if level and side % 2:
            return 0
        side = (side // 2 if level else side) - _lost(block)
    for rise in config.decoder:
        side = 2 * side - _lost(rise.block)
    return side


def _is_enough(side: int, config: UShapeConfig) -> bool:
    """Whether the last of the convolutions without padding still finds a pixel."""
    skips = []
    for level, block in enumerate(config.encoder):
        side = (side // 2 if level else side) - _lost(block)
        skips.append(side)
        if side < 1:
            return False
    skips.pop()
    for rise in config.decoder:
        side = 2 * side
        if side > skips.pop():
            return False
        side -= _lost(rise.block)
        if side < 1:
            return False
    return True


def _lost(block: BlockConfig) -> int:
    return sum(conv.kernel - 1 for conv in block.convs)


def is_plain(config: UShapeConfig) -> bool:
    """Whether the tensors are those of a U-Net of the ``unet`` family."""
    blocks = [*config.encoder, *(level.block for level in config.decoder)]
    convs = [conv for block in blocks for conv in block.convs]
    ups = {
        (level.up.kind, level.up.conv and replace(level.up.conv, out=0)) for level in config.decoder
    }
    return (
        config.norm == "batch"
        and all(len(block.convs) == 2 for block in blocks)
        and not any(block.shortcut or block.project or block.down for block in blocks)
        and len({replace(conv, out=0) for conv in convs}) == 1
        and (convs[0].kernel, convs[0].slopes) == (3, 0)
        and not any(level.gate for level in config.decoder)
        and len(ups) == 1
        and all(kind == "resize" or (conv and conv.kernel == 2) for kind, conv in ups)
        and config.head.bias
        and not config.head.norm
    )


_PARTS = ("down", "shortcut", "project")
_BLOCK = ("conv{k}", "norm{k}", "act{k}")


def _own_names() -> dict[str, str | None]:
    extra = [f"{part}{leaf}" for part in _PARTS for leaf in ("", "_norm", "_act")]
    ups = [f"{up}{leaf}" for up in ("up", "up_conv") for leaf in ("", "_norm", "_act")]
    gates = [f"gate.{part}{leaf}" for part in ("up", "skip", "psi") for leaf in ("", "_norm")]
    names = ["head", "head_norm"]
    names += [f"encoder.{{n}}.{part}" for part in (*_BLOCK, *extra)]
    names += [f"decoder.{{n}}.conv.{part}" for part in (*_BLOCK, *extra)]
    names += [f"decoder.{{n}}.{part}" for part in (*ups, *gates)]
    return {name: name for name in names}


ARCHITECTURE = Architecture(
    id="u_shape",
    title="U-Net of any names",
    build=UShape,
    infer=infer,
    describe=describe,
    requirements=requirements,
    with_classes=with_classes,
    mappings=(
        KeyMapping(
            id="u_shape",
            origin="segdemo",
            renames=_own_names(),
            # A plain U-Net has the same names, and is one of the ``unet`` family.
            fits=lambda config: not is_plain(config),
        ),
        *MAPPINGS,
    ),
)
