"""The grammar of U-shaped networks: layers to readings of the U-shaped family."""

from collections.abc import Collection, Iterator, Sequence

from segdemo.architectures import u_shape
from segdemo.checkpoints.structure.candidates import Candidate
from segdemo.checkpoints.structure.layers import Layers
from segdemo.checkpoints.structure.readings import configured, questions_of, readings_of
from segdemo.checkpoints.structure.roles import Roles, roles_of


def u_shapes(layers: Layers, assume: str | None) -> Iterator[Candidate]:
    """Readings of a U-shaped network; of other ways to cut it only the likeliest reading each."""
    found = roles_of(layers) if layers.dimensions == 2 and not layers.leftover else []
    for number, roles in enumerate(found):
        cut = _cut_of(roles, found)
        wanted = _without(assume, cut)
        readings = readings_of(questions_of(roles), wanted)
        for place, reading in enumerate(readings):
            if number and place and assume is None:
                break
            mentioned = [*cut] if number else []
            # That a layer is never used is supposed, too.
            mentioned += [f"unused_{layer.path.replace('.', '_')}" for layer in roles.spare]
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


def _kind(roles: Roles) -> str:
    return roles.config.decoder[0].up.kind


def _without(assume: str | None, cut: Collection[str]) -> str | None:
    """The assumed answers without those that say where the size changes, or what is unused."""
    if assume is None:
        return None
    names = [name for name in assume.split(".") if name not in cut]
    names = [name for name in names if not name.startswith("unused_")]
    return ".".join(names) or None
