"""Infers the output shape of a PyTorch call from its input shapes.

PyTorch does so itself for tensors without numbers, but at the first of them it imports some nine
hundred modules: more than a second of the first prediction.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_Given = tuple[Any, ...]
_Named = dict[str, Any]


def returned_shape(
    function: Callable[..., Any], arguments: _Given, named: _Named
) -> Sequence[int] | None:
    """The shape of the new tensor that a call returns; None when PyTorch has to be asked.

    So it is for other functions, for what is computed in place, and for shapes that do not fit.
    """
    rule = _RULES.get(function)
    if rule is None or named.get("inplace", False):
        return None
    try:
        shape = rule(arguments, named)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None  # called in other words than modules use
    return shape if shape is not None and min(shape) > 0 else None


def _same(arguments: _Given, named: _Named) -> Sequence[int]:
    return _shape(arguments[0])


def _sum(arguments: _Given, named: _Named) -> Sequence[int] | None:
    first, second = (_shape(tensor) for tensor in arguments)
    return first if first == second and not named else None


def _scaled(arguments: _Given, named: _Named) -> Sequence[int] | None:
    picture, factor = arguments
    return _shape(picture) if isinstance(factor, int | float) and not named else None


def _joined(arguments: _Given, named: _Named) -> Sequence[int] | None:
    (tensors,) = arguments
    shapes = [list(_shape(tensor)) for tensor in tensors]
    lengths = [shape.pop(named["dim"]) for shape in shapes]
    if any(shape != shapes[0] for shape in shapes) or set(named) != {"dim"} or named["dim"] < 0:
        return None
    return [*shapes[0][: named["dim"]], sum(lengths), *shapes[0][named["dim"] :]]


def _convolved(arguments: _Given, named: _Named) -> Sequence[int] | None:
    picture, weight, _, stride, padding, dilation, groups = arguments
    count, channels, *sides = _shape(picture)
    made, taken, *kernel = _shape(weight)
    if channels != taken * groups or named:
        return None
    along = zip(sides, kernel, stride, padding, dilation, strict=True)
    return [count, made, *((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in along)]


def _convolved_back(arguments: _Given, named: _Named) -> Sequence[int] | None:
    picture, weight, _, stride, padding, further, groups, dilation = arguments
    count, channels, *sides = _shape(picture)
    taken, made, *kernel = _shape(weight)
    if channels != taken or named:
        return None
    along = zip(sides, kernel, stride, padding, further, dilation, strict=True)
    lengths = ((n - 1) * s - 2 * p + d * (k - 1) + f + 1 for n, k, s, p, f, d in along)
    return [count, made * groups, *lengths]


def _pooled(arguments: _Given, named: _Named) -> Sequence[int] | None:
    picture, kernel = arguments
    count, channels, *sides = _shape(picture)
    if named["return_indices"] or not isinstance(kernel, int):
        return None
    stride, padding = named["stride"] or kernel, named["padding"]
    spans = [n + 2 * padding - named["dilation"] * (kernel - 1) - 1 for n in sides]
    if not named["ceil_mode"]:
        return [count, channels, *(span // stride + 1 for span in spans)]
    lengths = [-(-span // stride) + 1 for span in spans]
    # The last one has to begin inside of the image or of the padding before it.
    fitting = [
        length - 1 if (length - 1) * stride >= n + padding else length
        for n, length in zip(sides, lengths, strict=True)
    ]
    return [count, channels, *fitting]


def _resized(arguments: _Given, named: _Named) -> Sequence[int] | None:
    count, channels, *sides = _shape(arguments[0])
    size, factor = named["size"], named["scale_factor"]
    if size is not None:
        lengths = [size] * len(sides) if isinstance(size, int) else list(size)
    else:
        factors = factor if isinstance(factor, tuple | list) else [factor] * len(sides)
        lengths = [math.floor(n * f) for n, f in zip(sides, factors, strict=True)]
    return [count, channels, *lengths] if len(lengths) == len(sides) else None


def _shape(tensor: Tensor) -> Sequence[int]:
    return tuple(tensor.shape)


_RULES: dict[Callable[..., Any], Callable[[_Given, _Named], Sequence[int] | None]] = {
    functional.conv2d: _convolved,
    functional.conv_transpose2d: _convolved_back,
    functional.max_pool2d: _pooled,
    functional.interpolate: _resized,
    torch.cat: _joined,
    torch.Tensor.add: _sum,
    torch.Tensor.mul: _scaled,
    **dict.fromkeys(
        (
            *(functional.batch_norm, functional.relu, functional.hardswish, torch.sigmoid),
            functional.hardsigmoid,
            *(functional.leaky_relu, functional.elu, functional.selu, functional.silu),
            *(functional.gelu, functional.prelu, functional.group_norm),
            functional.instance_norm,
        ),
        _same,
    ),
}
