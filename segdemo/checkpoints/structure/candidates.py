"""What a grammar gives: a network that a state dict may be, with the names of its tensors."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from segdemo.architectures import Architecture
from segdemo.checkpoints.structure.layers import Layers


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """One reading of a state dict, still to be proved by building it and comparing shapes."""

    id: str
    """What ``assume`` calls it: the open questions answered, joined by dots."""
    architecture: Architecture
    config: Any
    names: Mapping[str, str]
    """The checkpoint's key -> ours; keys of layers that are left out are missing."""
    known: Mapping[str, Any]
    """Values of the configuration that were supposed, because no tensor tells."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Pre- and post-processing that goes with it, in the spec's JSON form."""
    left_out: tuple[str, ...] = ()
    """Paths of modules that are no part of it."""


Grammar = Callable[[Layers, str | None], Iterable[Candidate]]
"""Layers and what is assumed of them -> readings, the likeliest first. A grammar that knows the
assumed id gives that reading, too; it gives nothing where it finds no network of its kind."""
