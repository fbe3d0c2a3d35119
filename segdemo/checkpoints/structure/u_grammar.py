"""The grammar of U-shaped networks: layers to readings of the U-shaped family."""

from collections.abc import Collection, Iterator, Sequence

from segdemo.architectures import u_shape
from segdemo.checkpoints.structure.candidates import Candidate
from segdemo.checkpoints.structure.layers import Layers
from segdemo.checkpoints.structure.readings import (
    configured,
    how_often_paired,
    questions_of,
    readings_of,
)
from segdemo.checkpoints.structure.roles import Roles, roles_of

_ORDER = "order_"
_UNUSED = "unused_"


def u_shapes(layers: Layers, assume: str | None) -> Iterator[Candidate]:
    """Readings of a U-shaped network; of other ways to put it together only the likeliest each."""
    found = roles_of(layers) if layers.dimensions == 2 and not layers.leftover else []
    for number, roles in enumerate(found):
        order = _order_of(number, found)
        cut = [*_cut_of(roles, found), *order]
        wanted = _without(assume, cut)
        questions = questions_of(roles)
        # Of another order the joins are as open as those of the first.
        most = how_often_paired(questions) if order else 1
        for place, reading in enumerate(readings_of(questions, wanted)):
            if number and place >= most and assume is None:
                break
            mentioned = [*cut] if number else []
            # That a layer is never used is supposed, too.
            mentioned += [f"{_UNUSED}{layer.path.replace('.', '_')}" for layer in roles.spare]
            known = {**reading.values, **({"pools": list(roles.levels.cuts)} if cut else {})}
            recipe = {"postprocessing": {"activation": "sigmoid"}}
            yield Candidate(
                id=".".join([*reading.id.split("."), *mentioned]),
                architecture=u_shape.ARCHITECTURE,
                config=configured(roles.config, reading.values),
                names=roles.names,
                known=known,
                recipe=recipe if reading.answers.get("ends_with") == "sigmoid" else {},
                left_out=tuple(layer.path for layer in roles.spare),
            )


def _cut_of(roles: Roles, found: Sequence[Roles]) -> list[str]:
    """What names this way to cut the network among the others."""
    named = []
    if len({other.levels.cuts for other in found}) > 1:
        named.append("pools_" + "_".join(map(str, roles.levels.cuts)))
    if len({_kind(other) for other in found}) > 1:
        named.append(f"up_by_{_kind(roles)}")
    return named


def _order_of(number: int, found: Sequence[Roles]) -> list[str]:
    """What names this order of layers, where others with the same levels fit as well."""
    before = sum(_cut_of(other, found) == _cut_of(found[number], found) for other in found[:number])
    return [f"{_ORDER}{before + 1}"] if before else []


def _kind(roles: Roles) -> str:
    return roles.config.decoder[0].up.kind


def _without(assume: str | None, cut: Collection[str]) -> str | None:
    """The assumed answers without those that say what runs where, or what is unused."""
    if assume is None:
        return None
    names = [name for name in lasting(assume).split(".") if name not in cut]
    return ".".join(names) or None


def lasting(name: str) -> str:
    """A reading's name without what only the original tensors' names left open.

    Under our own names the order of layers is told, and what is unused is gone.
    """
    kept = (part for part in name.split(".") if not part.startswith((_UNUSED, _ORDER)))
    return ".".join(kept)
