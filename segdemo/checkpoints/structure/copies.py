"""Parts of a network that its state dict holds twice, because two modules share them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from segdemo.checkpoints.structure.layers import Layer, Layers

_LEAST = 4  # convolutions: fewer may be alike by chance


def without_copies(layers: Layers, tensors: Mapping[str, Tensor]) -> Layers:
    """The layers without those modules whose tensors all stand under other names as well.

    An encoder may be registered whole and again piece by piece: the pieces stay. Of tensors on
    the meta device shapes in the same order do, since nothing else can be compared.
    """
    modules: dict[str, list[Layer]] = defaultdict(list)
    for layer in layers.all:
        modules[layer.parts[0]].append(layer)
    for name, inside in modules.items():
        if sum(layer.kind == "conv" for layer in inside) < _LEAST:
            continue
        others = [layer for layer in layers.all if layer.parts[0] != name]
        if _are_among(inside, others, tensors):
            return replace(layers, all=tuple(others), copies=(*layers.copies, f"{name}."))
    return layers


def _are_among(
    inside: Sequence[Layer], others: Sequence[Layer], tensors: Mapping[str, Tensor]
) -> bool:
    """Whether each of them follows the last one among the others, with the same numbers."""
    rest = iter(others)
    return all(any(_is_same(layer, other, tensors) for other in rest) for layer in inside)


def _is_same(one: Layer, other: Layer, tensors: Mapping[str, Tensor]) -> bool:
    if (one.kind, one.shape, one.bias) != (other.kind, other.shape, other.bias):
        return False
    pairs = [(tensors[key], tensors[other.keys[leaf]]) for leaf, key in one.keys.items()]
    return all(
        mine.is_meta or mine.data_ptr() == theirs.data_ptr() or torch.equal(mine, theirs)
        for mine, theirs in pairs
    )
