"""ResNets among the layers of a state dict, known by the shapes of their blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segdemo.architectures.parts.resnet import StageConfig
from segdemo.checkpoints.structure.naming import layer_names
from segdemo.checkpoints.structure.units import Unit

_USUAL = {(2, 2, 2, 2), (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)}
"""Blocks of the stages of the paper's networks."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Block:
    """Two 3x3 convolutions or 1x1, 3x3, 1x1, and what leads around them."""

    convs: tuple[Unit, ...]
    shortcut: Unit | None

    @property
    def units(self) -> tuple[Unit, ...]:
        """All of its convolutions."""
        return (*self.convs, *((self.shortcut,) if self.shortcut else ()))


@dataclass(frozen=True, eq=False, kw_only=True)
class Residual:
    """A ResNet without its classifier."""

    stem: Unit
    stages: tuple[tuple[Block, ...], ...]

    @property
    def units(self) -> tuple[Unit, ...]:
        """All of its convolutions."""
        blocks = [block for stage in self.stages for block in stage]
        return (self.stem, *(unit for block in blocks for unit in block.units))

    @property
    def signature(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of its convolutions, by which a copy is known."""
        return tuple(unit.conv.shape for unit in self.units)

    @property
    def bottleneck(self) -> bool:
        """Whether blocks are 1x1, 3x3, 1x1."""
        return len(self.stages[0][0].convs) == 3

    @property
    def configs(self) -> tuple[StageConfig, ...]:
        """The stages as our networks have them."""
        found = []
        for stage in self.stages:
            convs = stage[0].convs
            inner = convs[0].conv.conv[1]
            groups = inner // convs[1].conv.shape[1] if self.bottleneck else 1
            out = convs[-1].conv.conv[1]
            found.append(StageConfig(blocks=len(stage), inner=inner, out=out, groups=groups))
        return tuple(found)

    def names(self, path: str) -> dict[str, str]:
        """The checkpoint's keys -> ours under ``path``, as ResNetFeatures has them."""
        names = {
            **layer_names(self.stem.conv, f"{path}.stem_conv"),
            **layer_names(self.stem.norm, f"{path}.stem_norm"),
        }
        for n, stage in enumerate(self.stages):
            for k, block in enumerate(stage):
                ours = f"{path}.stages.{n}.{k}"
                for i, unit in enumerate(block.convs, start=1):
                    names |= layer_names(unit.conv, f"{ours}.conv{i}")
                    names |= layer_names(unit.norm, f"{ours}.norm{i}")
                if block.shortcut:
                    names |= layer_names(block.shortcut.conv, f"{ours}.shortcut.0")
                    names |= layer_names(block.shortcut.norm, f"{ours}.shortcut.1")
        return names


def residuals(units: Sequence[Unit]) -> Iterator[Residual]:
    """Every ResNet that stands among these convolutions in the order of registration."""
    place = 0
    while place < len(units):
        found = _read(units, place) if _is_stem(units[place]) else None
        if found is not None:
            yield found
        place += len(found.units) if found else 1


def _is_plain(unit: Unit) -> bool:
    """A convolution without a bias, with a batch norm behind it."""
    norm = unit.norm
    return not unit.conv.has_bias and norm is not None and norm.has_statistics and not unit.prelu


def _is_stem(unit: Unit) -> bool:
    return unit.kernel == 7 and _is_plain(unit)


def _read(units: Sequence[Unit], start: int) -> Residual | None:
    stages: list[list[Block]] = []
    width, place = units[start].conv.conv[1], start + 1
    while (block := _block(units[place:], width)) is not None:
        if stages and not block.shortcut and not _continues(stages[-1], block):
            break
        if block.shortcut or not stages:
            stages.append([])
        stages[-1].append(block)
        width = block.convs[-1].conv.conv[1]
        place += len(block.units)
    if not stages:
        return None
    return Residual(stem=units[start], stages=tuple(map(tuple, stages)))


def _continues(stage: Sequence[Block], block: Block) -> bool:
    """Whether the block's module follows that of the last block by its number, or has no number.

    A decoder may begin with two convolutions that keep the channels, as a block does.
    """
    before, here = stage[-1].convs[0].conv.parts, block.convs[0].conv.parts
    if len(before) < 2 or not before[-2].isdecimal():
        return (len(stage) + 1) <= max(max(depths) for depths in _USUAL)
    return here[:-2] == before[:-2] and here[-2] == str(int(before[-2]) + 1)


def _block(units: Sequence[Unit], width: int) -> Block | None:
    """The block that begins here for this many channels, if one does."""
    for kernels in ((1, 3, 1), (3, 3)):
        convs = tuple(units[: len(kernels)])
        if tuple(unit.kernel for unit in convs) != kernels or not all(map(_is_plain, convs)):
            continue
        first, second, last = convs[0], convs[1], convs[-1]
        inner = first.conv.conv[1]
        if first.conv.conv[0] != width or second.conv.shape[0] != inner:
            continue
        if len(kernels) == 3 and last.conv.conv[0] != inner:
            continue
        grouped = inner % second.conv.shape[1]
        if grouped or (len(kernels) == 2 and second.conv.shape[1] != inner):
            continue
        out = last.conv.conv[1]
        following = units[len(kernels)] if len(units) > len(kernels) else None
        leads = (
            following is not None
            and following.kernel == 1
            and following.conv.conv == (width, out)
            and _is_plain(following)
            and following.conv.parts[:-2] == last.conv.parts[:-1]
        )
        if out != width and not leads:
            continue
        return Block(convs=convs, shortcut=following if leads else None)
    return None
