"""The tensors of a checkpoint, without the containers and prefixes that people save around them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

_CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "network", "params", "weights")
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")


@dataclass(frozen=True, eq=False, kw_only=True)
class Unwrapped:
    """Tensors under the names that their network gave them."""

    tensors: Mapping[str, Tensor]
    stripped: tuple[str, ...] = ()
    """What was taken off, outermost first."""
    classes: tuple[str, ...] = ()
    """``mask_values`` of milesial/Pytorch-UNet: the grey value of each class."""


def unwrap(content: Mapping[str, Any]) -> Unwrapped:
    """Take off containers, then prefixes that every tensor shares, as often as there are any."""
    stripped: list[str] = []
    while inner := next(
        (name for name in _CONTAINERS if isinstance(content.get(name), Mapping)), None
    ):
        stripped.append(inner)
        content = content[inner]
    values = content.get("mask_values")
    classes = tuple(str(value) for value in values) if isinstance(values, list | tuple) else ()
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    while prefix := next(
        (name for name in _PREFIXES if tensors and all(key.startswith(name) for key in tensors)),
        None,
    ):
        stripped.append(prefix)
        tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
    return Unwrapped(tensors=tensors, stripped=tuple(stripped), classes=classes)
