"""The tensors of a checkpoint, without the containers and prefixes that people save around them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

_CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "network", "params", "weights")
_MAX_DEPTH = 8  # a pickle can contain itself


@dataclass(frozen=True, eq=False, kw_only=True)
class Unwrapped:
    """Tensors under the names that their network gave them."""

    tensors: Mapping[str, Tensor]
    stripped: tuple[str, ...] = ()
    """What was taken off, outermost first."""


def unwrap(content: Mapping[str, Any]) -> Unwrapped:
    """Take off containers, then the modules around the network, such as ``module.``.

    Such a module shows in a first name that every tensor shares. What is no tensor, such as
    the ``mask_values`` of milesial/Pytorch-UNet, is left out.
    """
    stripped: list[str] = []
    for _ in range(_MAX_DEPTH):
        container = next((name for name in _CONTAINERS if _is_container(content, name)), None)
        if container is None:
            break
        stripped.append(container)
        content = content[container]
    tensors = {
        key: value.detach()
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    for _ in range(_MAX_DEPTH):
        prefixes = {"".join(key.partition(".")[:2]) for key in tensors}
        prefix = prefixes.pop() if len(prefixes) == 1 else ""
        if not prefix.endswith("."):
            break
        stripped.append(prefix)
        tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
    return Unwrapped(tensors=tensors, stripped=tuple(stripped))


def _is_container(content: Mapping[str, Any], name: str) -> bool:
    return isinstance(content.get(name), Mapping)
