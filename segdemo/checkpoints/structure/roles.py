"""Layers put in their places in the U-shaped family: a configuration and a renaming."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from segdemo.architectures.u_shape.config import (
    BlockConfig,
    ConvConfig,
    GateConfig,
    LevelConfig,
    Norm,
    UpConfig,
    UShapeConfig,
)
from segdemo.checkpoints.structure.flow import Budget, Step, walks
from segdemo.checkpoints.structure.layers import Layer, Layers, in_order_of_names
from segdemo.checkpoints.structure.levels import Levels, Rise, levels_of
from segdemo.checkpoints.structure.name_order import orders_of_names
from segdemo.checkpoints.structure.sides import (
    GateUnits,
    Way,
    gates_of,
    projected_first,
    ways_of,
)
from segdemo.checkpoints.structure.units import Unit, Units, common_parts, read_units

_SQUARE = 4  # channels that a pixel shuffle makes one of
_MAX_WALKS = 12
_MAX_ALIKE = 3
_MAX_ORDERS = 4
_CLOSE = 0.35  # costs this close tell nothing
_WORST = 5.0  # a cost above which nothing is believed
_GOOD = 1.0  # a cost below which nothing else is tried


@dataclass(frozen=True, eq=False, kw_only=True)
class Roles:
    """A U-shaped network that these layers are."""

    config: UShapeConfig
    names: Mapping[str, str]
    """The checkpoint's key -> ours."""
    levels: Levels
    units: tuple[Unit, ...]
    spare: tuple[Layer, ...]
    """Layers that are no part of it."""

    @property
    def paths(self) -> list[str]:
        """The module paths of all convolutions."""
        return [unit.conv.path for unit in self.units]


def roles_of(layers: Layers) -> list[Roles]:
    """The likeliest U-shaped network of these layers, and others that are as likely.

    The order of registration is tried first, then that of the names. Of a file by the alphabet
    every order is tried that names and channels allow, and all that fit as well are given.
    """
    if layers.by_alphabet:
        return _of_any_order(layers)
    best: list[Roles] = []
    for ordered in (layers, in_order_of_names(layers)):
        found = _ordered_roles(ordered)
        if found and (not best or found[0].levels.cost < best[0].levels.cost):
            best = found
        if best and best[0].levels.cost < _GOOD:
            break
    return best


def _of_any_order(layers: Layers) -> list[Roles]:
    found = [
        roles for ordered in (*orders_of_names(layers), layers) for roles in _ordered_roles(ordered)
    ]
    found.sort(key=lambda roles: roles.levels.cost)
    different: list[Roles] = []
    for roles in found:
        is_close = roles.levels.cost - found[0].levels.cost < _CLOSE
        if is_close and all(roles.names != other.names for other in different):
            different.append(roles)
    return different[:_MAX_ORDERS]


def _ordered_roles(ordered: Layers) -> list[Roles]:
    """Of layers that run about in this order."""
    units = read_units(ordered)
    found = _roles_of(units, Budget())
    if found:
        return found
    strict = read_units(ordered, strictly=True)
    return _roles_of(strict, Budget()) if len(strict.spare) != len(units.spare) else []


def _roles_of(units: Units, budget: Budget) -> list[Roles]:
    if units.unreadable or not units.all:
        return []
    gates, rest = gates_of(units.all)
    best: list[Roles] = []
    for way in ways_of(rest):
        for order in _orders(way.units):
            for walk in islice(walks(order, budget), _MAX_WALKS):
                found = levels_of(walk, budget, way.cost)
                if (
                    not found
                    or found[0].cost > _WORST
                    or (best and found[0].cost >= best[0].levels.cost)
                ):
                    continue
                alike = [one for one in found if one.cost - found[0].cost < _CLOSE][:_MAX_ALIKE]
                fillings = (_Filling(units, gates, way).fill(one) for one in alike)
                best = [roles for roles in fillings if roles is not None] or best
                if best and best[0].levels.cost < _GOOD:
                    return best
    return best


def _orders(units: list[Unit]) -> Iterator[list[Unit]]:
    """Orders in which the convolutions may run: with projections before their blocks, as given."""
    projected = projected_first(units)
    if projected != units:
        yield projected
    yield units


class _Filling:
    """One way to cut the network, filled with its layers."""

    def __init__(self, units: Units, gates: Sequence[GateUnits], way: Way) -> None:
        self.units = units
        self.gates = list(gates)
        self.around = list(way.around)
        self.unused = [
            layer for unit in way.unused for layer in (unit.conv, unit.norm, unit.prelu) if layer
        ]
        self.names: dict[str, str] = {}
        self.used: set[int] = set()

    def fill(self, levels: Levels) -> Roles | None:
        """The roles; None where a gate or a shortcut has no place."""
        into = levels.encoder[0][0].into
        first, encoder = into, []
        for number, steps in enumerate(levels.encoder):
            has_down = levels.has_down and number > 0
            encoder.append(self.block(f"encoder.{number}", steps, has_down=has_down))
            into = steps[-1].out
        decoder = []
        for number, rise in enumerate(levels.decoder):
            skip = levels.encoder[-2 - number][-1].out
            level = self.level(f"decoder.{number}", rise, into, skip)
            decoder.append(replace(level, skip=levels.adds or bool(rise.skip)))
            into = rise.steps[-1].out
        head = self.conv("head", levels.head)
        if self.gates or self.around or not _is_regular(encoder, decoder, self.units.spare):
            return None
        if head.norm and head.out >= levels.head.into:
            return None  # a block without a head behind it
        unused = {layer.place for layer in self.unused}
        units = [unit for unit in self.units.all if unit.conv.place not in unused]
        norms = [unit.norm for unit in units if unit.norm]
        kinds: set[Norm] = {"batch" if norm.has_statistics else "group" for norm in norms}
        if len(kinds) > 1:
            return None
        skips = [rise.skip or levels.adds for rise in levels.decoder]
        return (
            Roles(
                config=UShapeConfig(
                    in_channels=first,
                    encoder=tuple(encoder),
                    decoder=tuple(decoder),
                    head=head,
                    norm=kinds.pop() if kinds else "batch",
                ),
                names=self.names,
                levels=levels,
                units=tuple(units),
                spare=(*self.units.spare, *self.unused),
            )
            if any(skips)
            else None
        )

    def conv(self, name: str, step: Step) -> ConvConfig:
        """The convolution under our name, with its norm and its PReLU."""
        return self.unit(name, step.unit, step.out)

    def unit(self, name: str, unit: Unit, out: int) -> ConvConfig:
        """As ``conv``; ``out`` are its channels."""
        holder, _, last = name.rpartition(".")
        number = last.removeprefix("conv")
        is_counted = number != last
        norm = f"norm{number}" if is_counted else f"{last}_norm"
        act = f"act{number}" if is_counted else f"{last}_act"
        dot = "." if holder else ""
        self.rename(unit.conv, name)
        if unit.norm:
            self.rename(unit.norm, f"{holder}{dot}{norm}")
        if unit.prelu:
            self.rename(unit.prelu, f"{holder}{dot}{act}")
        return ConvConfig(
            out=out,
            kernel=unit.kernel,
            bias=unit.conv.has_bias,
            norm=unit.norm is not None,
            slopes=unit.prelu.width if unit.prelu else 0,
        )

    def rename(self, layer: Layer, name: str) -> None:
        """Notes our names for the tensors of a layer."""
        self.names |= {key: f"{name}.{leaf}" for leaf, key in layer.keys.items()}

    def block(self, path: str, steps: Sequence[Step], *, has_down: bool = False) -> BlockConfig:
        """The convolutions of a level."""
        down = project = None
        if has_down:
            down = self.conv(f"{path}.down", steps[0])
            steps = steps[1:]
        elif steps[0].unit.kernel == 1 and _is_recurrent(steps):
            project = self.conv(f"{path}.project", steps[0])
            steps = steps[1:]
        convs = tuple(
            self.conv(f"{path}.conv{number}", step) for number, step in enumerate(steps, start=1)
        )
        shortcut = None
        if (unit := self.shortcut(steps)) is not None:
            shortcut = self.unit(f"{path}.shortcut", unit, unit.conv.conv[1])
        return BlockConfig(convs=convs, shortcut=shortcut, project=project, down=down)

    def shortcut(self, steps: Sequence[Step]) -> Unit | None:
        """What leads around these steps: of the fitting ones the nearest by name and order."""
        into, out = steps[0].into, steps[-1].out
        fitting = [unit for unit in self.around if unit.conv.conv == (into, out)]
        if not fitting:
            return None
        beside = steps[0].unit.conv

        def farness(unit: Unit) -> tuple[int, int]:
            shared = common_parts(unit.conv.parts, beside.parts)
            return -shared, abs(unit.place - beside.place)

        nearest = min(fitting, key=farness)
        self.around.remove(nearest)
        return nearest

    def level(self, path: str, rise: Rise, into: int, skip: int) -> LevelConfig:
        """One level of the expanding path."""
        if rise.up is None:
            up = UpConfig(kind="shuffle" if rise.shuffled else "resize")
        elif rise.up.transposed:
            up = UpConfig(kind="transposed", conv=self.conv(f"{path}.up", rise.up))
        else:
            kind: Literal["shuffle", "resize_conv"] = "shuffle" if rise.shuffled else "resize_conv"
            up = UpConfig(kind=kind, conv=self.conv(f"{path}.up_conv", rise.up))
        given = rise.up.out if rise.up else into
        given = given // _SQUARE if rise.shuffled else given
        gate = self.gate(f"{path}.gate", given, skip, rise)
        block = self.block(f"{path}.conv", rise.steps)
        return LevelConfig(up=up, block=block, gate=gate)

    def gate(self, path: str, given: int, skip: int, rise: Rise) -> GateConfig | None:
        """The attention gate of this level, if there is one."""
        fitting = [
            gate
            for gate in self.gates
            if (gate.up.conv.conv[0], gate.skip.conv.conv[0]) == (given, skip)
        ]
        if not fitting:
            return None
        near = rise.steps[0].unit.place
        chosen = min(fitting, key=lambda gate: abs(gate.psi.place - near))
        self.gates.remove(chosen)
        return GateConfig(
            up=self.unit(f"{path}.up", chosen.up, chosen.up.conv.conv[1]),
            skip=self.unit(f"{path}.skip", chosen.skip, chosen.skip.conv.conv[1]),
            psi=self.unit(f"{path}.psi", chosen.psi, chosen.psi.conv.conv[1]),
        )


def _is_regular(
    encoder: Sequence[BlockConfig], decoder: Sequence[LevelConfig], spare: Sequence[Layer]
) -> bool:
    """Whether biases are where the like have them, and spare norms where all have theirs.

    Otherwise tensors are missing, or a norm stands where this family has none.
    """
    blocks = [*encoder, *(level.block for level in decoder)]
    convs = [conv for block in blocks for conv in block.convs]
    for norm in (False, True):
        if len({conv.bias for conv in convs if conv.norm is norm}) > 1:
            return False
    slopes = {bool(conv.slopes) for conv in convs}
    gates = {
        tuple((conv.bias, conv.norm) for conv in (gate.up, gate.skip, gate.psi))
        for level in decoder
        if (gate := level.gate)
    }
    if len(slopes) > 1 or len(gates) > 1:
        return False
    ups = {
        (level.up.kind, level.up.conv and (level.up.conv.bias, level.up.conv.norm))
        for level in decoder
    }
    return len(ups) == 1 and (not spare or all(conv.norm for conv in convs))


def _is_recurrent(steps: Sequence[Step]) -> bool:
    """A projection and convolutions that keep its channels."""
    out = steps[0].out
    return len(steps) > 1 and all(
        step.into == step.out == out and step.unit.kernel == 3 for step in steps[1:]
    )
