"""What a library tells of a checkpoint: how its network is built, named and fed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from segdemo.architectures import Architecture, ExactNames, KeyMapping
from segdemo.errors import UnknownNetworkError
from segdemo.wording import one_line


@dataclass(frozen=True, kw_only=True)
class Library:
    """A package that builds networks, and where its requirement is written down."""

    name: str
    """What people call it and pip installs."""
    modules: tuple[str, ...]
    """What is imported."""
    extra: str
    """The file of requirements."""

    @property
    def is_installed(self) -> bool:
        """Whether it can be imported; nothing is."""
        return all(find_spec(module) is not None for module in self.modules)

    def require(self, network: str) -> None:
        """Raise UnknownNetworkError, which names the command, unless it is installed."""
        if not self.is_installed:
            raise UnknownNetworkError(
                "library_missing", library=self.name, network=one_line(network), extra=self.extra
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class LibraryNetwork:
    """A network of a library whose tensors were all put in their places."""

    architecture: Architecture
    mapping: KeyMapping
    config: Any
    """It has ``in_channels`` and ``classes``."""
    tensors: Mapping[str, Tensor]
    """Under the library's names."""
    left_out: tuple[str, ...] = ()
    """What stood beside the network."""
    rivals: tuple["LibraryNetwork", ...] = field(default=())
    """Other networks that the tensors fit exactly as well."""


def exact_names(
    id: str,
    library: Library,
    tensors: Mapping[str, Tensor],
    *,
    known: Mapping[str, Any],
    recipe: Mapping[str, Any],
) -> ExactNames:
    """The spelling in which every tensor keeps its name."""
    names = {key: key for key in tensors}
    return ExactNames(id=id, origin=library.name, names=names, known=known, recipe=recipe)


def not_inferred(shapes: object) -> Any:
    """The ``infer`` of a library's architecture: no config is read from shapes alone."""
    raise ValueError("built from a description")


class _WithoutWeights(TorchFunctionMode):
    """Memory that is asked for without numbers lies on the meta device, all else on the CPU."""

    _FACTORIES = frozenset(
        {
            *(torch.zeros, torch.ones, torch.full, torch.arange, torch.linspace, torch.tensor),
            *(torch.rand, torch.randn, torch.eye),
        }
    )

    _INITIALISERS = frozenset(
        {
            *("kaiming_normal_", "kaiming_uniform_", "xavier_uniform_", "trunc_normal_"),
            *("normal_", "uniform_", "fill_", "zero_", "clamp_", "erfinv_", "mul_", "add_", "div_"),
        }
    )

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        named = dict(kwargs or {})
        filled = args[0] if args else named.get("tensor")
        if (
            getattr(func, "__name__", "") in self._INITIALISERS
            and isinstance(filled, Tensor)
            and filled.is_meta
        ):
            return filled  # PyTorch would take its time to fill what has no numbers.
        if func is torch.empty and named.get("device") is None:
            named["device"] = "meta"
        elif func in self._FACTORIES and named.get("device") is None:
            named["device"] = "cpu"
        return func(*args, **named)


@contextmanager
def without_weights() -> Iterator[None]:
    """Networks built inside have parameters on the meta device and buffers with their numbers.

    In this thread alone. What a constructor computes of numbers stays possible, unlike on the
    meta device, and nothing is drawn at random that the checkpoint replaces.
    """
    with _WithoutWeights():
        yield
