"""The grammar of UNet++: which node a block is follows from the channels that it joins."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from segdemo.architectures import nested_unet
from segdemo.architectures.nested_unet import NestedUNetConfig
from segdemo.checkpoints.structure.candidates import Candidate
from segdemo.checkpoints.structure.layers import Layers
from segdemo.checkpoints.structure.naming import (
    layer_names,
    row_names_of,
    row_of_units,
    share_kind,
)
from segdemo.checkpoints.structure.readings import Question, question_of_classes, readings_of
from segdemo.checkpoints.structure.units import Unit, read_units

_LEAST_LEVELS = 3  # two levels of a UNet++ are a U-Net


def nested_unets(layers: Layers, assume: str | None) -> Iterator[Candidate]:
    """Readings of a UNet++; nothing where a node is missing or there is one too many."""
    if layers.dimensions != 2 or layers.leftover:
        return
    units = read_units(layers)
    is_strange = units.spare or any(unit.prelu for unit in units.all)
    placed = None if is_strange else _placed(units.all)
    if placed is None:
        return
    config, names = placed
    for reading in readings_of(_questions(config), assume):
        values = {field: value for field, value in reading.values.items() if field != "ends_with"}
        sigmoid = {"postprocessing": {"activation": "sigmoid"}}
        yield Candidate(
            id=reading.id,
            architecture=nested_unet.ARCHITECTURE,
            config=replace(config, **values),
            names=names,
            known=reading.values,
            recipe=sigmoid if reading.answers.get("ends_with") == "sigmoid" else {},
        )


def _questions(config: NestedUNetConfig) -> list[Question]:
    joins = {"skip_first": "skip_first", "up_first": "up_first"}
    found = [
        Question(
            field="join",
            answers=joins,
            likeliest="skip_first",
            listed=tuple(joins),
            is_paired=True,
        )
    ]
    if config.up == "resize":
        modes = {name: name for name in ("bilinear_aligned", "bilinear", "nearest")}
        found.append(
            Question(
                field="interpolation",
                answers=modes,
                likeliest="bilinear_aligned",
                listed=tuple(modes),
                is_paired=True,
            )
        )
    if config.heads > 1:
        found.append(
            Question(
                field="fused",
                answers={"last_head": "last", "mean_of_heads": "mean"},
                likeliest="last_head",
                usual="last_head",
                listed=("last_head", "mean_of_heads"),
            )
        )
    if config.classes > 1:
        found.append(question_of_classes())
    return found


def _placed(units: Sequence[Unit]) -> tuple[NestedUNetConfig, Mapping[str, str]] | None:
    """The configuration and the names of UNet++, if each unit has one place and no other."""
    ups = [unit for unit in units if unit.kernel == 2]
    heads = [unit for unit in units if unit.kernel == 1 and unit.norm is None]
    inside = [unit for unit in units if unit not in ups and unit not in heads]
    blocks = _blocks(inside)
    if not blocks or not heads or not share_kind(inside) or inside[0].norm is None:
        return None  # where norms should be may be some without tensors
    widths = _widths(blocks)
    if widths is None:
        return None
    nodes = _nodes(blocks, widths, transposed=bool(ups))
    lifts = _lifts(ups, widths) if ups else {}
    ends = {unit.conv.conv for unit in heads}
    if nodes is None or lifts is None or len(ends) > 1 or len(heads) not in _head_counts(widths):
        return None
    config = NestedUNetConfig(
        in_channels=nodes[0, 0][0].conv.conv[0],
        classes=heads[0].conv.conv[1],
        levels=tuple(row_of_units(nodes[level, 0]) for level in range(len(widths))),
        up="transposed" if ups else "resize",
        heads=len(heads),
        norm=inside[0].norm is not None,
        bias=inside[0].conv.has_bias,
    )
    names: dict[str, str] = {}
    for (level, column), block in nodes.items():
        path = f"skips.{level}.nodes.{column - 1}" if column else f"encoder.{level}"
        names |= row_names_of(block, path)
    for (level, column), unit in lifts.items():
        names |= layer_names(unit.conv, f"skips.{level}.ups.{column}")
    for number, head in enumerate(_in_order(heads)):
        names |= layer_names(head.conv, f"heads.{number}")
    return config, names


def _in_order(heads: Sequence[Unit]) -> list[Unit]:
    """As their numbers say where their names differ in these alone, else as registered."""
    words = {tuple(part for kind, part in head.conv.natural if kind) for head in heads}
    if len(words) > 1:
        return list(heads)
    return sorted(heads, key=lambda head: head.conv.natural)


def _head_counts(widths: Sequence[int]) -> tuple[int, int]:
    return 1, len(widths) - 1


def _blocks(units: Sequence[Unit]) -> list[list[Unit]]:
    """A convolution that changes the channels begins a block, one that keeps them goes on."""
    blocks: list[list[Unit]] = []
    for unit in units:
        into, out = unit.conv.conv
        if unit.kernel % 2 == 0 or not unit.conv.may_be_conv:
            return []
        if into == out and blocks and blocks[-1][-1].conv.conv[1] == into:
            blocks[-1].append(unit)
        else:
            blocks.append([unit])
    return blocks


def _widths(blocks: Sequence[Sequence[Unit]]) -> list[int] | None:
    """Channels of each level: the finest has as many nodes as there are levels, the next less."""
    counts = Counter(block[0].conv.conv[1] for block in blocks)
    widths = sorted(counts, key=lambda width: -counts[width])
    expected = list(range(len(widths), 0, -1))
    if len(widths) < _LEAST_LEVELS or [counts[width] for width in widths] != expected:
        return None
    return widths


def _nodes(
    blocks: Sequence[Sequence[Unit]], widths: Sequence[int], *, transposed: bool
) -> dict[tuple[int, int], Sequence[Unit]] | None:
    """(level, column) -> the block there; None where one has no place, or two have the same."""
    found: dict[tuple[int, int], Sequence[Unit]] = {}
    for block in blocks:
        into, out = block[0].conv.conv
        level = widths.index(out)
        column = 0
        if not level or into != widths[level - 1]:
            lifted = out if transposed else (*widths, 0)[level + 1]
            column, rest = divmod(into - lifted, out)
            column = column if column > 0 and rest == 0 else 0
        if (level, column) in found or level + column >= len(widths):
            return None
        found[level, column] = block
    return found if len(found) == len(widths) * (len(widths) + 1) // 2 else None


def _lifts(ups: Sequence[Unit], widths: Sequence[int]) -> dict[tuple[int, int], Unit] | None:
    """(level, place) -> the transposed convolution that leads there, in the order of names."""
    found: dict[tuple[int, int], Unit] = {}
    for level in range(len(widths) - 1):
        shape = (widths[level + 1], widths[level])
        alike = [unit for unit in ups if unit.conv.transposed == shape]
        if alike != sorted(alike, key=lambda unit: unit.conv.natural):
            return None  # names and order contradict each other
        found |= {(level, place): unit for place, unit in enumerate(alike)}
    wanted = len(widths) * (len(widths) - 1) // 2
    return found if len(found) == len(ups) == wanted else None
