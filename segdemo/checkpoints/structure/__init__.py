"""Networks recognised by the flow of channels, whatever their tensors are called."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from torch import Tensor

from segdemo.checkpoints.structure.candidates import Candidate, Grammar
from segdemo.checkpoints.structure.copies import without_copies
from segdemo.checkpoints.structure.encoder_grammar import resnet_unets
from segdemo.checkpoints.structure.layers import read_layers
from segdemo.checkpoints.structure.nested_grammar import nested_unets
from segdemo.checkpoints.structure.segnet_grammar import segnets
from segdemo.checkpoints.structure.u_grammar import lasting, u_shapes

__all__ = ["GRAMMARS", "Candidate", "candidates", "lasting"]

GRAMMARS: tuple[Grammar, ...] = (resnet_unets, nested_unets, segnets, u_shapes)
"""One kind of network each; the first that finds its kind is believed."""


def candidates(tensors: Mapping[str, Tensor], assume: str | None) -> Iterator[Iterable[Candidate]]:
    """Readings of a state dict as each kind of network in turn, the likeliest first.

    ``assume`` names one to be among them.
    """
    layers = without_copies(read_layers(_in_own_order(tensors)), tensors)
    for grammar in GRAMMARS:
        found = grammar(layers, assume)
        yield (replace(one, left_out=(*one.left_out, *layers.copies)) for one in found)


def _in_own_order(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Our exported U-shaped networks as they run: safetensors files are in alphabetical order."""
    parts = ("encoder", "decoder", "head")
    if {name.partition(".")[0] for name in tensors} != set(parts):
        return tensors

    def place(name: str) -> tuple[int, int, bool]:
        part, number, *inside = name.split(".")
        level = int(number) if number.isdecimal() else 0
        # A level of the decoder begins with its step up.
        return parts.index(part), level, bool(inside) and not inside[0].startswith("up")

    return {name: tensors[name] for name in sorted(tensors, key=place)}


__all__ = ["GRAMMARS", "Candidate", "Grammar", "candidates"]
