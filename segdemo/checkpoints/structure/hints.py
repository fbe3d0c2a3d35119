"""What module names tell of layers without tensors: gaps in a Sequential, a tutorial's words."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from segdemo.checkpoints.structure.layers import Layer
from segdemo.checkpoints.structure.roles import Roles


def joins_skip_first(paths: Iterable[str]) -> bool:
    """Whether the names are those of tutorials that put the skip before the upsampled map."""
    firsts = {path.partition(".")[0] for path in paths}
    inside = {path.partition(".")[2] for path in paths if path.startswith("up")}
    nested = any(path.startswith(("double_conv", "conv.double")) for path in inside)
    nested |= "inc" in firsts and any(path.startswith("conv") for path in inside)
    return {"ups", "downs"} <= firsts or "conv0_0" in firsts or nested


def feeds_double(paths: Iterable[str]) -> bool:
    """Whether the names are those of a collection whose recurrent blocks forget their input."""
    return any(path.endswith("RRCNN1.Conv") for path in paths)


def is_unpadded(paths: Iterable[str]) -> bool:
    """Whether the names are those of two tutorials without padding, whose skips are cropped."""
    modules = {part.replace("_", "").lower() for path in paths for part in path.split(".")}
    return {"encblocks", "decblocks", "upconvs"} <= modules


def enlarges_early(roles: Roles) -> bool:
    """Whether something without tensors stands before the first convolution of each block up."""
    firsts = [rise.steps[0].unit.conv.parts for rise in roles.levels.decoder[:-1]]
    last = roles.levels.encoder[-1][0].unit.conv.parts
    numbers = [parts[-1] for parts in (*firsts, last)]
    return all(number.isdecimal() and int(number) > 0 for number in numbers)


def activates_ups(roles: Roles) -> bool:
    """Whether the transposed convolutions stand in Sequentials, alone or where none has a norm.

    They rarely would without something behind them that has no tensors.
    """
    ups = [rise.up.unit.conv for rise in roles.levels.decoder if rise.up and rise.up.transposed]
    holders = [up.parts[:-1] for up in ups]
    if not ups or not all(up.parts[-1].isdecimal() for up in ups):
        return False
    inside = [layer.parts for unit in roles.units for layer in (unit.conv, unit.norm) if layer]
    if len(set(holders)) < len(holders) or () in holders:
        return False
    behind = [
        [parts[-1] for parts in inside if parts[:-1] == holder and parts[-1].isdecimal()]
        for holder in holders
    ]
    are_last = all(
        max(map(int, numbers)) == int(up.parts[-1]) for up, numbers in zip(ups, behind, strict=True)
    )
    has_norms = any(unit.norm for unit in roles.units)
    return are_last and (not has_norms or all(len(numbers) == 1 for numbers in behind))


def activates_first(roles: Roles) -> bool:
    """Whether a layer without tensors stands between convolution and norm in most Sequentials."""
    gaps = [
        gap for unit in roles.units if unit.norm and (gap := _gap(unit.conv, unit.norm)) is not None
    ]
    return bool(gaps) and 2 * sum(gap > 1 for gap in gaps) > len(gaps)


def activates_last_only(roles: Roles) -> bool:
    """Whether the convolutions of a block follow each other in a Sequential without a gap."""
    gaps = [gap for gap in _between(roles) if gap is not None]
    pieces = roles.levels.encoder
    across = [_gap(one[-1].unit.conv, other[0].unit.conv) for one, other in pairwise(pieces)]
    if 1 in across:
        return False  # No pooling stands between them: a list, whose numbers tell nothing.
    return bool(gaps) and all(gap == 1 for gap in gaps) and not activates_first(roles)


def _between(roles: Roles) -> Iterator[int | None]:
    levels = roles.levels
    for steps in (*levels.encoder, *(rise.steps for rise in levels.decoder)):
        for one, other in pairwise(steps):
            yield _gap(one.unit.norm or one.unit.prelu or one.unit.conv, other.unit.conv)


def _gap(one: Layer, other: Layer) -> int | None:
    """By how much their numbers differ; None where they are not of one Sequential."""
    if one.parts[:-1] != other.parts[:-1]:
        return None
    first, second = one.parts[-1], other.parts[-1]
    if not (first.isdecimal() and second.isdecimal()):
        return None
    gap = int(second) - int(first)
    return gap if gap > 0 else None
