"""Removes what lies beside a network in its state dict, and folds weights that come in parts."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

_WRAPPER = "_orig_mod"  # of torch.compile
_COUNTERS = {"total_ops", "total_params"}  # of thop
_TRAINING = re.compile(
    r"(.*_)?(criterion|criteria|criterions|loss(es)?(_fn|_func|_function)?|metrics?|n_averaged"
    r"|bce|dice(_loss)?|iou|jaccard|f1|accuracy|acc|auroc|confmat|pos_weight|class_weights?)(_\d+)?",
    re.IGNORECASE,
)
_CRITERION = re.compile(r"(.*_)?(criteri|loss)", re.IGNORECASE)  # may be a network of its own
_KERNEL_DIMS = 4
_MEANS, _DEVIATIONS = ("mean", "pixel_mean"), ("std", "pixel_std")
_MOST_CHANNELS = 32
_PARTS = ".parametrizations.weight."


@dataclass(frozen=True, eq=False, kw_only=True)
class Separated:
    """The tensors of a network, apart from what lay beside them."""

    tensors: dict[str, Tensor]
    said: tuple[str, ...] = ()
    """What was left out or folded, in the words of the keys."""
    mean: tuple[float, ...] = ()
    """Of the images, per channel, where a buffer says so; () too where it has no numbers."""
    std: tuple[float, ...] = ()


def separate(tensors: Mapping[str, Tensor]) -> Separated:
    """Leave out counters, criteria and metrics, fold weights in parts, take out mean and std."""
    kept, said = _unwrapped(tensors)
    mean, std = _normalisation(kept)
    said += [key for key in (mean, std) if key]
    numbers = [_numbers(kept.pop(key)) if key else () for key in (mean, std)]
    outside = sorted({first for key in kept if _TRAINING.fullmatch(first := _first(key))})
    # ``f1`` may be a block as well as a score, but no score has kernels.
    convolved = {_first(key) for key, tensor in kept.items() if tensor.dim() == _KERNEL_DIMS}
    outside = [first for first in outside if first not in convolved or _CRITERION.match(first)]
    rest = {key: value for key, value in kept.items() if _first(key) not in outside}
    if rest:
        kept, said = rest, [*said, *outside]
    kept, folded = _folded(kept)
    return Separated(tensors=kept, said=(*said, *folded), mean=numbers[0], std=numbers[1])


def _first(key: str) -> str:
    return key.partition(".")[0]


def _unwrapped(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Without the module of torch.compile anywhere in a name, and without thop's counters.

    Where it stands at the same place in all names, it is a prefix like any other.
    """
    said: dict[str, None] = {}
    kept = {}
    names = {key: key.split(".") for key in tensors}
    places = {
        tuple(at for at, part in enumerate(parts) if part == _WRAPPER) for parts in names.values()
    }
    is_prefix = len(places) == 1
    for key, parts in names.items():
        if parts[-1] in _COUNTERS:
            said[parts[-1]] = None
            continue
        if _WRAPPER in parts and not is_prefix:
            said[f"{_WRAPPER}."] = None
            parts = [part for part in parts if part != _WRAPPER]
        kept[".".join(parts)] = tensors[key]
    return kept, list(said)


def _normalisation(tensors: Mapping[str, Tensor]) -> tuple[str, str]:
    """The keys of the mean and the deviation of images; empty where there are none."""
    for key, value in tensors.items():
        holder, _, leaf = key.rpartition(".")
        if leaf not in _MEANS or value.numel() > _MOST_CHANNELS or holder.count(".") > 1:
            continue
        dot = "." if holder else ""
        other = f"{holder}{dot}{_DEVIATIONS[_MEANS.index(leaf)]}"
        if other in tensors and tensors[other].numel() == value.numel():
            return key, other
    return "", ""


def _numbers(tensor: Tensor) -> tuple[float, ...]:
    if tensor.is_meta or not tensor.is_floating_point():
        return ()
    return tuple(round(value, 6) for value in tensor.float().reshape(-1).tolist())


def _folded(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Each weight in one piece that came pruned, or as a direction and a length, or with a norm."""
    folded = dict(tensors)
    said: dict[str, None] = {}
    for key in tensors:
        for name, parts, kind in _pieces(key):
            if all(part in folded for part in parts):
                pieces = [folded.pop(part) for part in parts]
                folded[name] = _FOLDS[kind](*pieces)
                said[f"{kind} (folded)"] = None
                break
    return folded, list(said)


def _pieces(key: str) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """The weight that a tensor may be a piece of, all pieces, and how they are joined."""
    if key.endswith("bias_orig"):
        name = key.removesuffix("_orig")
        yield name, (key, f"{name}_mask"), "pruning"
    elif key.endswith("weight_orig"):
        name = key.removesuffix("_orig")
        yield name, (key, f"{name}_mask"), "pruning"
        yield name, (key, f"{name}_u", f"{name}_v"), "spectral norm"
    elif key.endswith("weight_g"):
        name = key.removesuffix("_g")
        yield name, (key, f"{name}_v"), "weight norm"
    elif _PARTS in key:
        module, _, part = key.partition(_PARTS)
        path = f"{module}{_PARTS}"
        if part == "original0":
            yield f"{module}.weight", (key, f"{path}original1"), "weight norm"
        elif part == "original":
            yield f"{module}.weight", (key, f"{path}0._u", f"{path}0._v"), "spectral norm"


def _pruned(weight: Tensor, mask: Tensor) -> Tensor:
    return weight * mask


def _scaled(length: Tensor, direction: Tensor) -> Tensor:
    """Weight normalisation (Salimans, Kingma 2016, arXiv:1602.07868)."""
    over = [dim for dim in range(direction.dim()) if length.shape[dim] == 1] or None
    norm: Tensor = torch.linalg.vector_norm(direction, dim=over, keepdim=True)
    return direction * (length / norm)


def _spectral(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Divided by its largest singular value (Miyato et al. 2018, arXiv:1802.05957)."""
    first = 0 if u.numel() == weight.shape[0] else 1
    matrix = weight.movedim(first, 0).reshape(u.numel(), -1)
    largest: Tensor = torch.dot(u, torch.mv(matrix, v))
    return weight / largest


_FOLDS: Mapping[str, Callable[..., Tensor]] = {
    "pruning": _pruned,
    "weight norm": _scaled,
    "spectral norm": _spectral,
}
