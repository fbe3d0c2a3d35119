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


def activates_first(roles: Roles) -> bool:
    """Whether a layer without tensors stands between convolution and norm in most Sequentials."""
    gaps = [
        gap for unit in roles.units if unit.norm and (gap := _gap(unit.conv, unit.norm)) is not None
    ]
    return bool(gaps) and 2 * sum(gap > 1 for gap in gaps) > len(gaps)


def activates_last_only(roles: Roles) -> bool:
    """Whether the convolutions of a block follow each other in a Sequential without a gap."""
    gaps = [gap for gap in _between(roles) if gap is not None]
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
