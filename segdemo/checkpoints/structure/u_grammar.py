"""The grammar of U-shaped networks: layers to readings of the U-shaped family."""

from collections.abc import Iterator

from segdemo.architectures import u_shape
from segdemo.checkpoints.structure.candidates import Candidate
from segdemo.checkpoints.structure.layers import Layers
from segdemo.checkpoints.structure.readings import configured, questions_of, readings_of
from segdemo.checkpoints.structure.roles import roles_of


def u_shapes(layers: Layers, assume: str | None) -> Iterator[Candidate]:
    """Readings of a U-shaped network; of other ways to cut it only the likeliest reading each."""
    found = roles_of(layers) if layers.dimensions == 2 and not layers.leftover else []
    for number, roles in enumerate(found):
        pools = "pools_" + "_".join(map(str, roles.levels.cuts)) if len(found) > 1 else ""
        wanted = _without(assume, pools)
        readings = readings_of(questions_of(roles), wanted)
        for place, reading in enumerate(readings):
            if number and place and assume is None:
                break
            mentioned = [pools] if number else []
            # That a layer is never used is supposed, too.
            mentioned += [f"unused_{layer.path.replace('.', '_')}" for layer in roles.spare]
            known = {**reading.values, **({"pools": list(roles.levels.cuts)} if pools else {})}
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


def _without(assume: str | None, pools: str) -> str | None:
    """The assumed answers without the one that says where the size is halved."""
    if assume is None:
        return None
    names = [name for name in assume.split(".") if name != pools and not name.startswith("unused_")]
    return ".".join(names) or None
