"""Layers read from a state dict: its tensors grouped by module, whatever the modules are called."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from torch import Tensor

Kind = Literal["conv", "norm", "prelu", "linear", "other"]

_NORM_LEAVES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """The tensors of one module, under PyTorch's names for them.

    A convolution and a transposed one have tensors alike; ``may_be_conv`` and
    ``may_be_transposed`` say what the shapes allow.
    """

    kind: Kind
    path: str
    """The module's path, or the first tensor's name where names have no dots."""
    place: int
    """Its rank in the order of registration, from 0."""
    keys: Mapping[str, str]
    """PyTorch's leaf ("weight", "running_mean") -> the checkpoint's key."""
    shape: tuple[int, ...]
    """Of the weight, or of the running mean where a norm has no weight."""
    bias: int | None = None
    """Length of the bias; None without one."""

    @property
    def width(self) -> int:
        """Channels of a norm or a PReLU (1 where all channels share one slope)."""
        return self.shape[0]

    @property
    def kernel(self) -> int:
        """Side of a square kernel; 0 for every other kernel and layer."""
        square = self.kind == "conv" and self.shape[2] == self.shape[3]
        return self.shape[2] if square else 0

    @property
    def has_bias(self) -> bool:
        """Whether it adds a number per channel."""
        return self.bias is not None

    @property
    def has_statistics(self) -> bool:
        """Whether it is a batch norm: group, instance and layer norms store no means."""
        return "running_mean" in self.keys

    @property
    def conv(self) -> tuple[int, int]:
        """Channels (in, out) of the convolution that it may be."""
        return self.shape[1], self.shape[0]

    @property
    def transposed(self) -> tuple[int, int]:
        """Channels (in, out) of the transposed convolution that it may be."""
        return self.shape[0], self.shape[1]

    @property
    def may_be_conv(self) -> bool:
        """Whether the bias, if any, has the length of a convolution's."""
        return self.kind == "conv" and self.bias in (None, self.shape[0])

    @property
    def may_be_transposed(self) -> bool:
        """Whether the bias, if any, has the length of a transposed convolution's."""
        return self.kind == "conv" and self.bias in (None, self.shape[1])

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The module path, name by name."""
        return tuple(self.path.split("."))

    @cached_property
    def natural(self) -> tuple[tuple[int, int | str], ...]:
        """A key that sorts ``conv10`` after ``conv2``."""
        return natural_key(self.path)


@dataclass(frozen=True, eq=False, kw_only=True)
class Layers:
    """Every layer of a state dict in the order of registration."""

    all: tuple[Layer, ...]
    dimensions: int = 2
    """Of the convolutions: 3 for a network of volumes."""
    leftover: tuple[str, ...] = field(default=())
    """Keys of tensors that belong to no layer known here."""
    copies: tuple[str, ...] = ()
    """Modules that were left out because others hold the same tensors."""
    by_alphabet: bool = False
    """Whether the file holds them by name, so that the order of registration is not known."""

    def of(self, *kinds: Kind) -> tuple[Layer, ...]:
        """Those of these kinds, in order."""
        return tuple(layer for layer in self.all if layer.kind in kinds)


def read_layers(tensors: Mapping[str, Tensor]) -> Layers:
    """Group tensors by module path; where names tell no modules, by order and shape."""
    modules: dict[str, dict[str, str]] = {}
    for key in _as_registered(tensors):
        path, _, leaf = key.rpartition(".")
        modules.setdefault(path, {})[leaf] = key
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    named = sum(len(keys) for keys in modules.values() if _is_standard(keys))
    grouped = list(modules.items()) if 2 * named >= len(tensors) else list(_by_order(shapes))
    layers = tuple(_layer(path, place, keys, shapes) for place, (path, keys) in enumerate(grouped))
    ranks = [len(layer.shape) - 2 for layer in layers if len(layer.shape) >= 3]
    return Layers(
        all=layers,
        dimensions=max(set(ranks), key=ranks.count, default=2),
        leftover=tuple(
            key for layer in layers if layer.kind == "other" for key in layer.keys.values()
        ),
        by_alphabet=_is_by_alphabet(tensors),
    )


def _as_registered(names: Iterable[str]) -> list[str]:
    """The names in an order that may be that of registration.

    Safetensors files are in the order of types, then of the alphabet: counters come first, and
    conv10 before conv2.
    """
    # Python's sort is stable: all others stay as they are.
    names = sorted(names, key=lambda name: name.endswith(_NORM_LEAVES[-1]))
    return sorted(names, key=natural_key) if _is_by_alphabet(names) else names


def _is_by_alphabet(names: Iterable[str]) -> bool:
    """Whether all but the counters of batch norms are in the order of the alphabet."""
    numbers = [name for name in names if not name.endswith(_NORM_LEAVES[-1])]
    return numbers == sorted(numbers)


def in_order_of_names(layers: Layers) -> Layers:
    """The same layers as if registered in the order of the words and numbers in their names."""
    ordered = sorted(layers.all, key=lambda layer: layer.natural)
    return replace(
        layers, all=tuple(replace(layer, place=place) for place, layer in enumerate(ordered))
    )


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts the numbers in a text as numbers."""
    pieces = _DIGITS.split(text)
    return tuple((0, int(piece)) if index % 2 else (1, piece) for index, piece in enumerate(pieces))


def _is_standard(keys: Mapping[str, str]) -> bool:
    """Whether the leaves are those of one module of PyTorch's."""
    return ("weight" in keys or "running_mean" in keys) and keys.keys() <= set(_NORM_LEAVES)


def _layer(
    path: str, place: int, keys: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]
) -> Layer:
    shape = shapes[keys.get("weight") or keys.get("running_mean") or next(iter(keys.values()))]
    bias_key = keys.get("bias")
    bias = None if bias_key is None else (*shapes[bias_key], 0)[0]
    return Layer(
        kind=_kind(keys, shape, shapes), path=path, place=place, keys=keys, shape=shape, bias=bias
    )


def _kind(
    keys: Mapping[str, str], shape: tuple[int, ...], shapes: Mapping[str, tuple[int, ...]]
) -> Kind:
    if 0 in shape or not shape:
        return "other"
    if "running_mean" in keys:
        # The counter is a scalar.
        vectors = {shapes[key] for leaf, key in keys.items() if leaf != _NORM_LEAVES[-1]}
        return "norm" if len(shape) == 1 and len(vectors) == 1 else "other"
    if "weight" not in keys or keys.keys() - {"weight", "bias"}:
        return "other"
    if len(shape) == 4:
        return "conv"
    if len(shape) == 2:
        return "linear"
    if len(shape) == 1 and "bias" in keys:
        return "norm" if shapes[keys["bias"]] == shape else "other"
    if len(shape) == 1:
        return "prelu"
    return "other"


def _by_order(
    shapes: Mapping[str, tuple[int, ...]],
) -> Iterator[tuple[str, dict[str, str]]]:
    """Layers of tensors whose names tell nothing, in PyTorch's order within a module.

    A weight of a convolution, its bias where the number of vectors behind it is odd, then its
    norms of weight, bias and, before a counter, mean and variance.
    """
    keys = list(shapes)
    start = 0
    while start < len(keys):
        first = keys[start]
        end = start + 1
        if len(shapes[first]) < 2:
            yield from _norms([first, *_vectors(keys, end, shapes)], shapes)
            start += 1 + len(_vectors(keys, end, shapes))
            continue
        vectors = _vectors(keys, end, shapes)
        start = end + len(vectors)
        module = {"weight": first}
        numbers = sum(1 for key in vectors if shapes[key])
        if numbers % 2:
            module["bias"] = vectors.pop(0)
        yield first, module
        yield from _norms(vectors, shapes)


def _vectors(keys: list[str], start: int, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    found = []
    for key in keys[start:]:
        if len(shapes[key]) > 1:
            break
        found.append(key)
    return found


def _norms(
    vectors: list[str], shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Batch norms end in a counter (a scalar); of others two vectors make a norm."""
    waiting: list[str] = []
    for key in vectors:
        waiting.append(key)
        if not shapes[key] and len(waiting) == len(_NORM_LEAVES):
            yield waiting[0], dict(zip(_NORM_LEAVES, waiting, strict=True))
            waiting = []
    # Batch norms of PyTorch before 0.4.1 have no counter.
    size = 4 if len(waiting) % 4 == 0 else 2
    while waiting:
        piece, waiting = waiting[:size], waiting[size:]
        yield piece[0], dict(zip(_NORM_LEAVES, piece, strict=False))
