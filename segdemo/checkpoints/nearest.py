"""Finds the known network that a state dict is closest to, and lists the differences."""

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import torch
from torch import Tensor

from segdemo.architectures import ARCHITECTURES, Architecture, KeyMapping
from segdemo.checkpoints.batch_norm import fold_biases, with_counters

_PLACEHOLDER = re.compile(r"\{([~*]?)(\w*)([+-]\d+)?\}")
_KERNELS = ((1, 1), (3, 3), (2, 2))
_INNER_KERNELS = ((3, 3), (1, 1), (2, 2))
_LAST = 40
_LOST = 2  # as many tensors at most make a file an incomplete copy of a known network
_WHOLE = 0.9
_UNTOLD = 30  # the distance of a network whose names fit, but of which no difference can be told
_FROM_END = range(12)  # numbers that are tried where names are counted from the end


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A tensor that keeps a state dict from being a network, under the checkpoint's own name."""

    name: str
    here: str | None
    """Its shape; None when it is missing."""
    fits: str | None
    """The shape that the network has; None when it has no such tensor."""


@dataclass(frozen=True, eq=False, kw_only=True)
class NearMiss:
    """The closest network; without differences, its names fit but its shapes fit no size of it."""

    architecture: Architecture
    mapping: KeyMapping
    differences: tuple[Difference, ...]
    sized: bool
    """Whether its configuration could be read; what is missing can hide it."""
    coverage: float
    """The share of the spelling's own names that occur."""

    @property
    def is_incomplete_copy(self) -> bool:
        """Whether it is this network with a tensor or two lost, left over or misshapen.

        Another kernel is no such damage: it makes another network, which may be read as such.
        """
        few = 0 < len(self.differences) <= _LOST
        # What is both missing and left over is the same tensor under another name.
        lost = all(one.here is None for one in self.differences)
        left_over = all(one.fits is None for one in self.differences)
        misshapen = all(_is_misshapen(one) for one in self.differences)
        damaged = lost or left_over or misshapen
        return few and damaged and (self.sized or self.coverage >= _WHOLE)

    @property
    def distance(self) -> float:
        """How far from the network, in tensors; what cannot be told is far, unless names fit."""
        if self.differences:
            return len(self.differences)
        return _UNTOLD if self.coverage >= _WHOLE else inf


def _is_misshapen(difference: Difference) -> bool:
    """Whether a tensor has other channels than fit, and the kernel that fits."""
    if difference.here is None or difference.fits is None:
        return False
    here, fits = (shape.split(", ") for shape in (difference.here, difference.fits))
    return len(here) == len(fits) and here[2:] == fits[2:]


def nearest_miss(tensors: Mapping[str, Tensor]) -> NearMiss | None:
    """The spelling from which the fewest tensors differ; None if half of the names are strange."""
    candidates = [
        (strange, architecture, mapping)
        for architecture in ARCHITECTURES
        for mapping in architecture.mappings
        if (strange := _strange(tensors, mapping)) is not None
    ]
    nearest, rank = None, (inf, True, 0.0)
    for strange, architecture, mapping in sorted(candidates, key=lambda one: len(one[0])):
        if min(len(strange), _UNTOLD) > rank[0]:
            break  # Each strange name is a difference: what follows is farther still.
        miss = _miss(tensors, strange, architecture, mapping)
        if miss is None:
            continue
        its_rank = (miss.distance, not miss.sized, -miss.coverage)
        if nearest is None or its_rank < rank:
            nearest, rank = miss, its_rank
    return nearest


def _strange(tensors: Mapping[str, Tensor], mapping: KeyMapping) -> list[str] | None:
    """The names that this spelling does not have; None if they are more than half."""
    strange = []
    for key in tensors:
        if mapping.match(key) is None:
            strange.append(key)
            if 2 * len(strange) > len(tensors):
                return None
    return strange


def _miss(
    tensors: Mapping[str, Tensor],
    strange: Sequence[str],
    architecture: Architecture,
    mapping: KeyMapping,
) -> NearMiss | None:
    names = mapping.rename([key for key in tensors if key not in set(strange)])
    if names is None:
        return None
    ours = {name: tensors[key] for key, name in names.items()}
    if mapping.folds_bias:
        ours = fold_biases(ours)
    ours = with_counters(ours)
    theirs = {name: key for key, name in names.items()}
    differences = [Difference(name=key, here=_said(tensors[key]), fits=None) for key in strange]
    try:
        config = _config({key: tuple(t.shape) for key, t in ours.items()}, architecture, mapping)
        with torch.device("meta"):
            expected = architecture.build(config).state_dict()
    except (LookupError, ValueError, RuntimeError) as error:
        # Without a tensor that tells its size, what else differs cannot be told either.
        name = str(error.args[0]) if isinstance(error, KeyError) else ""
        known = [_missing(name, None, mapping, theirs)] if "." in name else []
        differences = [*known, *differences] if known else []
        sized = False
    else:
        sized = True
        differences = [
            *_misshapen(ours, expected, theirs),
            *(
                _missing(name, tensor, mapping, theirs)
                for name, tensor in expected.items()
                if name not in ours and not name.endswith("num_batches_tracked")
            ),
            *differences,
            *(
                _surplus(name, tensors, ours, theirs)
                for name in ours
                if name not in expected and name in theirs
            ),
        ]
    return NearMiss(
        architecture=architecture,
        mapping=mapping,
        differences=tuple(differences),
        sized=sized,
        coverage=_coverage(tensors, mapping),
    )


def _coverage(tensors: Mapping[str, Tensor], mapping: KeyMapping) -> float:
    matches = (mapping.match(key) for key in tensors)
    found = {match.template for match in matches if match is not None}
    return len(found) / max(1, len(mapping.renames))


def _config(
    shapes: dict[str, tuple[int, ...]], architecture: Architecture, mapping: KeyMapping
) -> Any:
    """The configuration, if need be with another kernel in one of the last convolutions.

    Raises LookupError and ValueError.
    """

    def read(shapes: Mapping[str, tuple[int, ...]]) -> Any:
        config = replace(architecture.infer(shapes), **mapping.known)
        if not mapping.fits(config):
            raise ValueError(mapping.id)
        return config

    try:
        return read(shapes)
    except ValueError:
        convolutions = [name for name, shape in shapes.items() if len(shape) == 4]
        for name in convolutions[-_LAST:]:
            for kernel in _KERNELS if name == convolutions[-1] else _INNER_KERNELS:
                with suppress(LookupError, ValueError):
                    return read(ChainMap({name: (*shapes[name][:2], *kernel)}, shapes))
        raise


def _misshapen(
    ours: Mapping[str, Tensor], expected: Mapping[str, Tensor], theirs: Mapping[str, str]
) -> Iterator[Difference]:
    for name, tensor in ours.items():
        if name in expected and _said(tensor) != _said(expected[name]):
            yield Difference(
                name=theirs.get(name, name), here=_said(tensor), fits=_said(expected[name])
            )


def _surplus(
    name: str, tensors: Mapping[str, Tensor], ours: Mapping[str, Tensor], theirs: Mapping[str, str]
) -> Difference:
    """The tensor; or, where only the bias of a convolution is left, the weight that is missing."""
    key = theirs[name]
    if name.endswith(".bias") and name.removesuffix("bias") + "weight" not in ours:
        return Difference(name=key.removesuffix("bias") + "weight", here=None, fits=None)
    return Difference(name=key, here=_said(tensors[key]), fits=None)


def _said(tensor: Tensor) -> str:
    """Its shape, and what it holds if that is no fractions."""
    shape = f"({', '.join(map(str, tensor.shape))})"
    dtype = str(tensor.dtype).removeprefix("torch.")
    return shape if tensor.is_floating_point() else f"{shape} {dtype}"


def _missing(
    name: str, tensor: Tensor | None, mapping: KeyMapping, theirs: Mapping[str, str]
) -> Difference:
    fits = None if tensor is None else _said(tensor)
    return Difference(name=_their_name(name, mapping, theirs), here=None, fits=fits)


def _their_name(name: str, mapping: KeyMapping, theirs: Mapping[str, str]) -> str:
    """The checkpoint's name for a tensor that is missing; ours if it cannot be found out."""
    path, _, leaf = name.rpartition(".")
    for other, key in theirs.items():
        if other.rpartition(".")[0] == path:
            return f"{key.rpartition('.')[0]}.{leaf}"
    present = list(theirs.values())
    for candidate in _candidates(path, mapping):
        key = f"{candidate}.{leaf}"
        if (mapping.rename([*present, key]) or {}).get(key) == name:
            return key
    return name


def _candidates(path: str, mapping: KeyMapping) -> Iterator[str]:
    """Their names that could stand for our module ``path``."""
    for template, ours in mapping.renames.items():
        if ours is None:
            continue
        pieces = _PLACEHOLDER.split(ours)
        pattern = "".join(
            re.escape(piece) if index % 4 == 0 else r"(\d+)" if index % 4 == 1 else ""
            for index, piece in enumerate(pieces)
        )
        match = re.fullmatch(pattern, path)
        if match is None:
            continue
        numbers: dict[str, int] = {}
        counted: list[str] = []
        for value, kind, label, offset in zip(
            match.groups(), pieces[1::4], pieces[2::4], pieces[3::4], strict=True
        ):
            if kind == "~":
                counted.append(label)
            elif not kind:
                numbers[label] = int(value) - int(offset or 0)
        for number in _FROM_END if counted else (0,):
            filled = {**dict.fromkeys(counted, number), **numbers}
            try:
                yield template.format(**filled)
            except KeyError:
                break
