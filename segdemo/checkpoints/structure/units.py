"""Convolutions with the norm and the PReLU that belong to them, whatever they are called."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from segdemo.checkpoints.structure.layers import Layer, Layers

_NUMBERS = re.compile(r"\d+")
_TOKENS = re.compile(r"\d+|[A-Za-z]+")
_WORDS = re.compile(r"[A-Za-z]+")


_KERNELS = (1, 2, 3, 4, 5, 7)
"""Sides of kernels in the U-shaped family, 2 and 4 being those of transposed convolutions."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Unit:
    """A convolution, plain or transposed, and what follows it."""

    conv: Layer
    norm: Layer | None = None
    prelu: Layer | None = None

    @property
    def place(self) -> int:
        """The convolution's rank in the order of registration."""
        return self.conv.place

    @property
    def kernel(self) -> int:
        """Side of the kernel; 0 where it is not square."""
        return self.conv.kernel


@dataclass(frozen=True, eq=False, kw_only=True)
class Units:
    """All convolutions of a network, and what was found beside them."""

    all: tuple[Unit, ...]
    """In the order of registration."""
    spare: tuple[Layer, ...] = ()
    """Norms, PReLUs and other layers that belong to no convolution."""

    @property
    def unreadable(self) -> bool:
        """Whether there are layers that no convolutional network of ours has."""
        strange = any(layer.kind not in ("norm", "conv") for layer in self.spare)
        return strange or any(unit.kernel not in _KERNELS for unit in self.all)


def read_units(layers: Layers, *, strictly: bool = False) -> Units:
    """Give each norm and each PReLU to the convolution that it follows.

    ``strictly`` leaves those for which only the width speaks: layers that nothing uses.
    """
    convs = layers.of("conv")
    norms, prelus = _assign(convs, layers.of("norm")), _assign(convs, layers.of("prelu"))
    if strictly:
        places = {conv.place: conv for conv in convs}
        norms = {at: norm for at, norm in norms.items() if not _is_loose(norm, places[at])}
    taken = {layer.place for layer in (*norms.values(), *prelus.values())}
    return Units(
        all=tuple(
            Unit(conv=conv, norm=norms.get(conv.place), prelu=prelus.get(conv.place))
            for conv in convs
        ),
        spare=tuple(
            layer for layer in layers.all if layer.kind != "conv" and layer.place not in taken
        ),
    )


def _assign(convs: Sequence[Layer], followers: Sequence[Layer]) -> dict[int, Layer]:
    """Place of a convolution -> the layer that follows it; the surest pairs are made first."""
    by_width: dict[int, list[Layer]] = defaultdict(list)
    for conv in convs:
        for width in {conv.shape[0], conv.shape[1]} | {1}:
            by_width[width].append(conv)
    pairs = sorted(
        (_strangeness(layer, conv), layer.place, conv.place, layer)
        for layer in followers
        for conv in by_width[layer.width]
        if _may_follow(layer, conv)
    )
    found: dict[int, Layer] = {}
    placed: set[int] = set()
    for _, place, conv_place, layer in pairs:
        if place not in placed and conv_place not in found:
            found[conv_place] = layer
            placed.add(place)
    return found


def _may_follow(layer: Layer, conv: Layer) -> bool:
    if layer.kind == "prelu" and layer.width == 1:
        return True
    return (conv.may_be_conv and layer.width == conv.shape[0]) or (
        conv.may_be_transposed and layer.width == conv.shape[1]
    )


def _strangeness(layer: Layer, conv: Layer) -> tuple[int, bool, int, bool, int]:
    """What speaks against a pair, the weightiest first.

    Modules apart; other numbers in the names (conv2 and bn2 belong together); words apart (up1
    and bn_up1); the order of registration.
    """
    shared = common_parts(layer.parts, conv.parts)
    one, words = _numbers_and_words(layer.parts[shared:])
    other, other_words = _numbers_and_words(conv.parts[shared:])
    same_numbers = bool(one) and one == other
    words = words & other_words
    distance = layer.place - conv.place
    one_end, other_end = layer.parts[-1], conv.parts[-1]
    if shared == len(layer.parts) - 1 and one_end.isdecimal() and other_end.isdecimal():
        # In a Sequential the numbers are the order, wherever the tensors lie in a file.
        distance = int(one_end) - int(other_end)
    return -shared, not same_numbers, -len(words), distance < 0, abs(distance)


@lru_cache(maxsize=8192)
def _numbers_and_words(parts: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
    name = ".".join(parts)
    return tuple(_NUMBERS.findall(name)), frozenset(_WORDS.findall(name))


def _is_loose(layer: Layer, conv: Layer) -> bool:
    """Whether neither module nor number nor order speaks for the pair."""
    apart, other_numbers, _, _, distance = _strangeness(layer, conv)
    return apart == 0 and other_numbers and distance > 2


def common_parts(one: Sequence[str], other: Sequence[str]) -> int:
    """How many names two module paths have in common from the front."""
    shared = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        shared += 1
    return shared


def tokens(name: str) -> list[str]:
    """The words and numbers of a name."""
    return _TOKENS.findall(name)


@lru_cache(maxsize=4096)
def numbers(path: str) -> str:
    """The first number in a path, which often counts levels; empty without one."""
    found = _NUMBERS.search(path)
    return found[0] if found else ""
