"""The names that units get in networks made of rows of convolutions."""

from collections.abc import Iterable

from segdemo.architectures.parts.conv_unit import Conv, Row
from segdemo.checkpoints.structure.layers import Layer
from segdemo.checkpoints.structure.units import Unit


def layer_names(layer: Layer | None, path: str) -> dict[str, str]:
    """The checkpoint's keys of a layer -> ours; nothing for no layer."""
    return {key: f"{path}.{leaf}" for leaf, key in layer.keys.items()} if layer else {}


def unit_names(unit: Unit, path: str) -> dict[str, str]:
    """Of a ConvUnit at this path."""
    return {
        **layer_names(unit.conv, f"{path}.conv"),
        **layer_names(unit.norm, f"{path}.norm"),
    }


def row_names_of(units: Iterable[Unit], path: str) -> dict[str, str]:
    """Of a row of ConvUnits at this path."""
    names: dict[str, str] = {}
    for number, unit in enumerate(units):
        names |= unit_names(unit, f"{path}.{number}")
    return names


def row_of_units(units: Iterable[Unit]) -> Row:
    """The row that these convolutions are."""
    return tuple(Conv(unit.conv.conv[1], unit.kernel) for unit in units)


def share_kind(units: Iterable[Unit]) -> bool:
    """Whether all have a batch norm or none has, a bias or none, and no slopes of their own."""
    kinds = {(unit.norm is not None, unit.conv.has_bias) for unit in units}
    return len(kinds) == 1 and all(
        unit.prelu is None and (unit.norm is None or unit.norm.has_statistics) for unit in units
    )
