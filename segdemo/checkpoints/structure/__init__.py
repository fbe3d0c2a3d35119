"""Networks recognised by the flow of channels, whatever their tensors are called."""

from collections.abc import Iterator, Mapping

from torch import Tensor

from segdemo.checkpoints.structure.candidates import Candidate, Grammar
from segdemo.checkpoints.structure.encoder_grammar import resnet_unets
from segdemo.checkpoints.structure.layers import read_layers
from segdemo.checkpoints.structure.nested_grammar import nested_unets
from segdemo.checkpoints.structure.segnet_grammar import segnets
from segdemo.checkpoints.structure.u_grammar import u_shapes

GRAMMARS: tuple[Grammar, ...] = (resnet_unets, nested_unets, segnets, u_shapes)
"""One kind of network each; the first that finds its kind is believed."""


def candidates(tensors: Mapping[str, Tensor], assume: str | None) -> Iterator[Candidate]:
    """Readings of a state dict, the likeliest first; ``assume`` names one to be among them."""
    layers = read_layers(tensors)
    for grammar in GRAMMARS:
        yield from grammar(layers, assume)


__all__ = ["GRAMMARS", "Candidate", "Grammar", "candidates"]
