"""The tensors of a checkpoint, without the containers and prefixes that people save around them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from segdemo.checkpoints.limits import MAX_DEPTH

# Averaged weights first: where both were saved, authors report what these do.
_CONTAINERS = (
    *("state_dict_ema", "ema_state_dict", "model_ema", "params_ema", "ema_model", "ema"),
    *("state_dict", "model_state_dict", "model_state", "model", "net_state_dict", "net"),
    *("network", "generator", "netG", "params", "weights", "module"),
)
# What training keeps beside a network, in files of their own kind or among its tensors.
_NO_NETWORK = ("optim", "sched", "scaler", "callback", "loop", "hyper", "arg", "opt", "discrim")
_TRAINING_MODULES = ("criterion", "loss", "loss_fn", "loss_func", "loss_function", "metrics")
_AVERAGING_COUNTER = "n_averaged"  # of torch.optim.swa_utils
_CLASS_VALUES = "mask_values"  # of milesial/Pytorch-UNet: the mask's value for each class
_MAX_CLASSES = 1000


@dataclass(frozen=True, eq=False, kw_only=True)
class Unwrapped:
    """Tensors under the names that their network gave them."""

    tensors: Mapping[str, Tensor]
    stripped: tuple[str, ...] = ()
    """What was taken off, outermost first."""
    class_values: tuple[str, ...] = ()
    """The value, or the values of the channels, that stood for each class in training masks."""


def unwrap(content: Mapping[str, Any]) -> Unwrapped:
    """Take off containers, then what training added, then modules around the network.

    Such a module, as ``module.``, shows in a first name that every tensor shares. What is no
    tensor is left out, but for the ``mask_values`` of milesial/Pytorch-UNet.
    """
    stripped: list[str] = []
    class_values: tuple[str, ...] = ()
    for _ in range(MAX_DEPTH):
        class_values = _class_values(content.get(_CLASS_VALUES)) or class_values
        container = _container(content)
        if container is None:
            break
        stripped.append(container)
        content = content[container]
    tensors = {
        key: value.detach()
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    for _ in range(MAX_DEPTH):
        tensors = _without_training(tensors, stripped)
        prefixes = {"".join(key.partition(".")[:2]) for key in tensors}
        prefix = prefixes.pop() if len(prefixes) == 1 else ""
        if not prefix.endswith("."):
            break
        stripped.append(prefix)
        tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
    return Unwrapped(tensors=tensors, stripped=tuple(stripped), class_values=class_values)


def _container(content: Mapping[str, Any]) -> str | None:
    """Under which name the network is; by an unusual name only where nothing else can be meant."""
    holders = [name for name in content if isinstance(name, str) and _is_holder(content[name])]
    for name in _CONTAINERS:
        if name in holders:
            return name
    if any(isinstance(value, Tensor) for value in content.values()):
        return None
    unusual = [name for name in holders if not name.lower().startswith(_NO_NETWORK)]
    return unusual[0] if len(unusual) == 1 else None


def _is_holder(value: Any) -> bool:
    """Whether it is a mapping with tensors in it, however deep."""
    seen: set[int] = set()
    waiting = [value] if isinstance(value, Mapping) else []
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, Tensor):
            return True
        if isinstance(holder, Mapping) and id(holder) not in seen:
            seen.add(id(holder))
            waiting.extend(holder.values())
    return False


def _without_training(tensors: dict[str, Tensor], stripped: list[str]) -> dict[str, Tensor]:
    """Only the network's tensors; the names of what training added beside it are noted."""
    added = {
        first
        for key in tensors
        if (first := key.partition(".")[0]) == _AVERAGING_COUNTER or first in _TRAINING_MODULES
    }
    rest = {key: value for key, value in tensors.items() if key.partition(".")[0] not in added}
    if not rest:
        return tensors
    stripped.extend(sorted(added))
    return rest


def _class_values(values: Any) -> tuple[str, ...]:
    """``[0, 255]`` or ``[[0, 0, 0], [255, 0, 0]]`` as text, one for each class."""
    if not isinstance(values, list | tuple) or len(values) > _MAX_CLASSES:
        return ()
    several = [value if isinstance(value, list | tuple) else [value] for value in values]
    if not all(len(one) <= 4 and all(map(_is_number, one)) for one in several):
        return ()
    return tuple(", ".join(f"{number:g}" for number in one) for one in several)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 2**32
