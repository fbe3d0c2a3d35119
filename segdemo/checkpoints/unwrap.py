"""Strips the containers and prefixes that people save around the tensors of a network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segdemo.checkpoints.beside import separate
from segdemo.checkpoints.limits import MAX_DEPTH

# Averaged weights first: where both were saved, authors report what these do.
_CONTAINERS = (
    *("state_dict_ema", "ema_state_dict", "model_ema", "params_ema", "ema_model", "ema"),
    *("state_dict", "model_state_dict", "model_state", "model", "net_state_dict", "net"),
    *("network", "generator", "netG", "params", "weights", "module"),
)
# What training keeps beside a network, in files of their own kind or among its tensors.
_NO_NETWORK = ("optim", "sched", "scaler", "callback", "loop", "hyper", "arg", "opt", "discrim")
_CLASS_VALUES = "mask_values"  # of milesial/Pytorch-UNet: the mask's value for each class
_MAX_CLASSES = 1000
_FEWEST = 10  # tensors of a network that may stand beside its twin


@dataclass(frozen=True, eq=False, kw_only=True)
class Unwrapped:
    """Tensors under the names that their network gave them."""

    tensors: Mapping[str, Tensor]
    stripped: tuple[str, ...] = ()
    """What was taken off, outermost first."""
    class_values: tuple[str, ...] = ()
    """The value, or the values of the channels, that stood for each class in training masks."""
    mean: tuple[float, ...] = ()
    """Per channel, of the images of the training, where a buffer of the network says so."""
    std: tuple[float, ...] = ()
    rivals: tuple[str, ...] = ()
    """Names under which there is a network each, of which none is chosen yet."""


def unwrap(content: Mapping[str, Any], *, chosen: str | None = None) -> Unwrapped:
    """Take off containers, then what training added, then modules around the network.

    Such a module, as ``module.``, shows in a first name that every tensor shares. What is no
    tensor is left out, but for the ``mask_values`` of milesial/Pytorch-UNet. ``chosen`` is the
    name of the network to take where there are several.
    """
    stripped: list[str] = []
    class_values: tuple[str, ...] = ()
    for _ in range(MAX_DEPTH):
        class_values = _class_values(content.get(_CLASS_VALUES)) or class_values
        is_chosen = chosen is not None and _is_holder(content.get(chosen))
        container = chosen if is_chosen else _container(content)
        if container is None:
            break
        stripped.append(container)
        content = content[container]
    tensors = {
        key: _tensor(value)
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, Tensor | np.ndarray)
    }
    rivals = () if tensors else tuple(_holders(content))
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    for _ in range(MAX_DEPTH):
        separated = separate(tensors)
        tensors, mean, std = separated.tensors, mean or separated.mean, std or separated.std
        stripped.extend(said for said in separated.said if said not in stripped)
        prefixes = {"".join(key.partition(".")[:2]) for key in tensors}
        if f"{chosen}." in prefixes and len(prefixes) > 1:
            prefixes = {f"{chosen}."}
        prefix = prefixes.pop() if len(prefixes) == 1 else ""
        if not prefix.endswith("."):
            break
        stripped.append(prefix)
        tensors = {
            key.removeprefix(prefix): value
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
    return Unwrapped(
        tensors=tensors,
        stripped=tuple(stripped),
        class_values=class_values,
        mean=mean,
        std=std,
        rivals=rivals or _twins(tensors),
    )


def _tensor(value: Tensor | np.ndarray) -> Tensor:
    """The tensor without its history; of an array one that shares its memory if it may."""
    if isinstance(value, Tensor):
        return value.detach()
    writable = value if value.flags.writeable and value.dtype.isnative else value.copy()
    return torch.from_numpy(writable.astype(writable.dtype.newbyteorder("="), copy=False))


def _twins(tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
    """First names under which all tensors lie, the same ones with the same shapes under each."""
    groups: dict[str, dict[str, tuple[int, ...]]] = {}
    for key, tensor in tensors.items():
        first, _, rest = key.partition(".")
        groups.setdefault(first, {})[rest] = tuple(tensor.shape)
    alike = list(groups.values())
    is_large = len(groups) > 1 and len(alike[0]) >= _FEWEST
    return tuple(groups) if is_large and all(one == alike[0] for one in alike[1:]) else ()


def _container(content: Mapping[str, Any]) -> str | None:
    """Under which name the network is; by an unusual name only where nothing else can be meant."""
    for name in _CONTAINERS:
        if _is_holder(content.get(name)):
            return name
    if any(isinstance(value, Tensor | np.ndarray) for value in content.values()):
        return None
    unusual = _holders(content)
    return unusual[0] if len(unusual) == 1 else None


def _holders(content: Mapping[str, Any]) -> list[str]:
    """The names under which there are tensors, but for those of an optimiser and the like."""
    return [
        name
        for name, value in content.items()
        if isinstance(name, str) and not name.lower().startswith(_NO_NETWORK) and _is_holder(value)
    ]


def _is_holder(value: Any) -> bool:
    """Whether it is a mapping with tensors in it, however deep."""
    seen: set[int] = set()
    waiting = [value] if isinstance(value, Mapping) else []
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, Tensor | np.ndarray):
            return True
        if isinstance(holder, Mapping) and id(holder) not in seen:
            seen.add(id(holder))
            waiting.extend(holder.values())
    return False


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
