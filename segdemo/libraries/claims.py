"""Tells from a config.json which library wrote it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from segdemo.libraries.base import Library, LibraryNetwork
from segdemo.libraries.smp import reading as smp
from segdemo.libraries.smp import signatures
from segdemo.libraries.smp.settings import SMP, is_smp
from segdemo.libraries.transformers import reading as transformers
from segdemo.libraries.transformers.settings import TRANSFORMERS, is_transformers


@dataclass(frozen=True, eq=False, kw_only=True)
class Claim:
    """A library says that a checkpoint is its own."""

    library: Library
    read: Callable[[Mapping[str, Tensor]], LibraryNetwork]
    """The network with these tensors. Raises UnknownNetworkError where the library is missing,
    a setting is not allowed or the tensors are another network's."""
    is_ours: bool = False
    """Whether a family of ours is exactly this network, so that nothing has to be installed."""


def is_ambiguous(tensors: Mapping[str, Tensor]) -> bool:
    """Whether encoders that compute otherwise have the same tensors."""
    return signatures.is_smp(tensors) and len(signatures.encoders_of(tensors)) > 1


def from_tensors(tensors: Mapping[str, Tensor]) -> LibraryNetwork | None:
    """The network that tensors are without a config.json; None for no library's.

    Raises UnknownNetworkError where the library is missing.
    """
    return smp.read_tensors(tensors)


def claim(document: Mapping[str, Any]) -> Claim | None:
    """Which library the config.json is of; None for none that is known."""
    if is_smp(document):
        return Claim(
            library=SMP,
            read=lambda tensors: smp.read(document, tensors),
            is_ours=smp.is_ours(document),
        )
    if is_transformers(document):
        return Claim(
            library=TRANSFORMERS, read=lambda tensors: transformers.read(document, tensors)
        )
    return None
