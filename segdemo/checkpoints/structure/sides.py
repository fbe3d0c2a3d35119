"""Convolutions beside the way through a U-shaped network: attention gates and shortcuts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segdemo.checkpoints.structure.units import Unit, common_parts, tokens

_UNUSED = 0.5  # what speaks against a layer that nothing uses
_MOST_ODD = 2
_OF_THE_MAP_BELOW = {"g", "wg", "gate", "gating", "phi", "up"}
_OF_THE_SKIP = {"x", "wx", "ws", "s", "skip", "theta", "l"}


@dataclass(frozen=True, eq=False, kw_only=True)
class GateUnits:
    """The three 1x1 convolutions of an attention gate."""

    up: Unit
    skip: Unit
    psi: Unit


def gates_of(units: Sequence[Unit]) -> tuple[list[GateUnits], list[Unit]]:
    """The attention gates, and the convolutions that are in none."""
    small = [unit for unit in units if unit.kernel == 1 and unit.conv.may_be_conv]
    gates: list[GateUnits] = []
    taken: set[int] = set()
    for psi in small:
        inner = psi.conv.conv[0]
        fitting = [
            unit
            for unit in small
            if unit is not psi and unit.conv.conv[1] == inner and unit.place not in taken
        ]
        if psi.conv.conv[1] not in (1, inner):
            continue
        if psi.conv.conv[1] == inner:
            # One number for each channel; the last of three that are alike.
            fitting = [unit for unit in fitting if unit.place < psi.place]
        if len(fitting) < 2:
            continue
        one, other = sorted(sorted(fitting, key=lambda unit: _farness(unit, psi))[:2], key=_place)
        if not _belong_together(one, other, psi):
            continue
        up, skip = (other, one) if _is_of_the_skip(one, other) else (one, other)
        gates.append(GateUnits(up=up, skip=skip, psi=psi))
        taken |= {one.place, other.place, psi.place}
    return gates, [unit for unit in units if unit.place not in taken]


def _place(unit: Unit) -> int:
    return unit.place


def _farness(unit: Unit, other: Unit) -> tuple[int, int]:
    return -common_parts(unit.conv.parts, other.conv.parts), abs(unit.place - other.place)


def _belong_together(one: Unit, other: Unit, psi: Unit) -> bool:
    """Whether they are of one module; or, without modules, registered one after the other."""
    shared = min(
        common_parts(one.conv.parts, other.conv.parts),
        common_parts(one.conv.parts, psi.conv.parts),
    )
    if shared:
        return True
    span = [unit.place for unit in (one, other, psi)]
    return max(span) - min(span) <= 6 and psi.place == max(span)


def _is_of_the_skip(one: Unit, other: Unit) -> bool:
    """Whether the first of two takes the skip; in the order of the papers it is the second."""
    shared = common_parts(one.conv.parts, other.conv.parts)
    mine = {word.lower() for word in tokens(".".join(one.conv.parts[shared:]))}
    theirs = {word.lower() for word in tokens(".".join(other.conv.parts[shared:]))}
    return bool(mine & _OF_THE_SKIP and theirs & _OF_THE_MAP_BELOW)


@dataclass(frozen=True, eq=False, kw_only=True)
class Way:
    """One way to tell what is on the way through the network from what is not."""

    units: list[Unit]
    """On the way."""
    around: list[Unit]
    """Shortcuts, which lead around some of these."""
    unused: list[Unit]
    """Heads that only training needs, and what the network may have but not use."""
    cost: float = 0.0
    """What speaks against it."""


def ways_of(units: Sequence[Unit]) -> Iterator[Way]:
    """Ways to tell them apart, the likeliest first."""
    yield Way(units=list(units), around=[], unused=[])
    around = [unit for unit in units[:-1] if unit.kernel == 1 and unit.conv.may_be_conv]
    heads = {unit.place for unit in around if _is_head(unit, units)}
    around = [unit for unit in around if unit.place not in heads]
    if around:
        yield Way(units=_without(units, around), around=around, unused=[])
    spare = _side_heads(units)
    if spare:
        yield Way(units=_without(units, spare), around=[], unused=spare)
    for unit in _odd(units):
        yield Way(units=_without(units, [unit]), around=[], unused=[unit], cost=_UNUSED)


def _without(units: Sequence[Unit], others: Sequence[Unit]) -> list[Unit]:
    places = {unit.place for unit in others}
    return [unit for unit in units if unit.place not in places]


def _side_heads(units: Sequence[Unit]) -> list[Unit]:
    """Heads for as many classes as the last one has, on coarser maps; [] without such."""
    ends = [unit for unit in units if unit.conv.may_be_conv and not unit.norm and unit.kernel % 2]
    by_classes: dict[int, list[Unit]] = {}
    for unit in ends:
        into, out = unit.conv.conv
        if out < into:
            by_classes.setdefault(out, []).append(unit)
    widths = {unit.conv.conv[0] for unit in units}
    for out, alike in by_classes.items():
        finest = min(alike, key=lambda unit: (unit.conv.conv[0], -unit.place))
        others = [unit for unit in alike if unit is not finest]
        inputs = {unit.conv.conv[0] for unit in alike}
        # What anything takes is no head's; and one map has one head.
        if others and out not in widths and len(inputs) == len(alike):
            return others
    return []


def _odd(units: Sequence[Unit]) -> list[Unit]:
    """Convolutions without a norm among such with one, which keep the channels."""
    if 2 * sum(unit.norm is not None for unit in units) < len(units):
        return []
    keeping = [unit for unit in units if unit.conv.shape[0] == unit.conv.shape[1]]
    return [unit for unit in keeping if not unit.norm and unit.kernel % 2][:_MOST_ODD]


def _is_head(unit: Unit, units: Sequence[Unit]) -> bool:
    """Whether nothing takes what it gives."""
    out = unit.conv.conv[1]
    return not any(
        out <= other.conv.conv[0] for other in units if other is not unit and other.place != 0
    ) or all(out != other.conv.conv[0] for other in units)


def projected_first(units: Sequence[Unit]) -> list[Unit]:
    """Recurrent blocks with the projection before them, wherever it is registered."""
    ordered: list[Unit] = []
    for unit in units:
        into, out = unit.conv.conv
        at = len(ordered)
        if unit.kernel == 1 and into != out:
            while at and ordered[at - 1].conv.shape == (out, out, 3, 3):
                at -= 1
        ordered.insert(at, unit)
    return ordered
