"""Fuses batch norms, ReLUs and concatenations into the convolutions before and after them."""

import inspect
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from segdemo.engine.convolution import Convolution
from segdemo.engine.tracing import Call, Program, Trace, Value

_BATCH_NORM = inspect.signature(functional.batch_norm)

_RELUS = (functional.relu, torch.relu, torch.relu_)


class FusedWeights:
    """A network's own tensors, and those that were made of them, once for all sizes."""

    def __init__(self, *, own: Sequence[Tensor], dtype: torch.dtype) -> None:
        self._own, self._dtype = own, dtype
        self._made: dict[Hashable, tuple[Tensor | None, ...]] = {}
        self._cast = [_cast(tensor.detach(), dtype) for tensor in own]

    @property
    def byte_size(self) -> int:
        """Memory beside the network's own."""
        own = {tensor.data_ptr() for tensor in self._own}
        made = [tensor for pair in list(self._made.values()) for tensor in pair]
        return sum(
            tensor.nbytes
            for tensor in (*self._cast, *made)
            if tensor is not None and tensor.data_ptr() not in own
        )

    def program(self, trace: Trace) -> Program:
        """The recording with norms, ReLUs and joints in the convolutions beside them."""
        calls = trace.calls
        readers = _readers(trace)
        shorter: list[Call | None] = list(calls)
        for place, call in enumerate(calls):
            found = _convolution(call, trace)
            if found is None:
                continue
            result, relu, norm = call.result, False, None
            parts = _joined(place, found, trace, readers)
            after = readers.get(result, [])
            # Only where nothing else reads what lies between. The answer is read by the caller.
            if len(after) == 1 and after[0] < len(calls):
                norm = _norm(calls[after[0]], result, trace)
            if norm:
                shorter[after[0]], result = None, calls[after[0]].result
                after = readers.get(result, [])
            if after and after[0] < len(calls) and calls[after[0]].function in _RELUS:
                rectified = calls[after[0]].result
                # In place it comes before all other readers; else it has to be the only one.
                if rectified == result or len(after) == 1:
                    shorter[after[0]], result, relu = None, rectified, True
            if parts:
                shorter[place - 1] = None
            first = trace.shapes[parts[0].number][1] if parts else None
            shorter[place] = Call(
                function=self._fused(found, norm, relu=relu, first=first),
                arguments=parts or call.arguments[:1],
                named={},
                result=result,
            )
        left = tuple(call for call in shorter if call is not None)
        return Program(replace(trace, calls=left), self._cast)

    def _fused(
        self, found: dict[str, Any], norm: "_Norm | None", *, relu: bool, first: int | None
    ) -> Convolution:
        """``first``: how many channels the first of two inputs has."""
        key = (found["weight"], found["bias"], norm, first)
        if key not in self._made:
            weight, bias = self._folded(found, norm)
            parts = [weight] if first is None else [weight[:, :first], weight[:, first:]]
            if first is not None:
                parts = [part.contiguous(memory_format=torch.channels_last) for part in parts]
            self._made[key] = (bias, *parts)
        made, *weights = self._made[key]
        second = weights[1] if len(weights) > 1 else None
        changed = {"weight": weights[0], "second": second, "bias": made, "relu": relu}
        return Convolution(**{**found, **changed})

    def _folded(self, found: dict[str, Any], norm: "_Norm | None") -> tuple[Tensor, Tensor | None]:
        """Weight and bias of the convolution that does what both do; the same without a norm."""
        if norm is None:
            bias = found["bias"]
            return self._cast[found["weight"].number], bias and self._cast[bias.number]

        def numbers(slot: Value | None, otherwise: float) -> Tensor:
            if slot is None:
                return torch.tensor(otherwise, dtype=torch.float64)
            return self._own[slot.number].detach().double()

        # In double precision, so that folding itself rounds once.
        factor = numbers(norm.weight, 1) / (numbers(norm.variance, 1) + norm.epsilon).sqrt()
        bias = (numbers(found["bias"], 0) - numbers(norm.mean, 0)) * factor + numbers(norm.bias, 0)
        weight = numbers(found["weight"], 0)
        if found["output_padding"] is None:
            weight = weight * factor[:, None, None, None]
        else:
            # (in, out / groups, ...): the channels of the answer are the groups one after another.
            groups: int = found["groups"]
            by_group = weight.reshape(groups, -1, *weight.shape[1:])
            weight = (by_group * factor.reshape(groups, 1, -1, 1, 1)).flatten(0, 1)
        weight = weight.to(self._dtype).contiguous(memory_format=torch.channels_last)
        return weight, bias.to(self._dtype)


@dataclass(frozen=True, kw_only=True)
class _Norm:
    """A batch norm with the statistics that it learned."""

    mean: Value
    variance: Value
    weight: Value | None
    bias: Value | None
    epsilon: float


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _readers(trace: Trace) -> dict[Value, list[int]]:
    """The places of the calls that read a slot, as often as they do; the answer comes last."""
    readers: dict[Value, list[int]] = {}
    for place, call in enumerate(trace.calls):
        for slot in call.reads:
            readers.setdefault(slot, []).append(place)
    readers.setdefault(trace.returned, []).append(len(trace.calls))
    return readers


_PLACES: dict[Callable[..., Any], tuple[str, ...]] = {
    functional.conv2d: ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    functional.conv_transpose2d: (
        *("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
    ),
}


def _convolution(call: Call, trace: Trace) -> dict[str, Any] | None:
    """What it is given, if it is a convolution with weights of the network, called by a module."""
    places = _PLACES.get(call.function, ())
    if not places or call.named or len(call.arguments) != len(places):
        return None
    found = {"output_padding": None, **dict(zip(places, call.arguments, strict=True))}
    geometry = (found["stride"], found["padding"], found["dilation"])
    if not all(isinstance(part, tuple) for part in geometry):
        return None
    if found["weight"] is None or not _are_own(trace, found["weight"], found["bias"]):
        return None
    # An image that is alone has no channels that could be last.
    return found if len(trace.shapes[found.pop("input").number]) == 4 else None


def _joined(
    place: int, found: dict[str, Any], trace: Trace, readers: dict[Value, list[int]]
) -> tuple[Value, ...] | None:
    """The two tensors whose channels were joined just for the convolution at ``place``."""
    if place == 0 or found["output_padding"] is not None or found["groups"] != 1:
        return None
    joint, convolution = trace.calls[place - 1], trace.calls[place]
    if joint.function is not torch.cat or convolution.arguments[0] != joint.result:
        return None
    given = dict(zip(("tensors", "dim"), joint.arguments, strict=False)) | joint.named
    parts = given.pop("tensors", ())
    if len(parts) != 2 or given != {"dim": 1} or readers[joint.result] != [place]:
        return None
    # Of a single image, dimension 1 would be its rows.
    return tuple(parts) if len(trace.shapes[parts[0].number]) == 4 else None


def _norm(call: Call, of: Value, trace: Trace) -> _Norm | None:
    """What it is, if it is a batch norm of ``of`` that does not learn."""
    if call.function is not functional.batch_norm:
        return None
    bound = _BATCH_NORM.bind(*call.arguments, **call.named)
    bound.apply_defaults()
    given = bound.arguments
    mean, variance = given["running_mean"], given["running_var"]
    weight, bias = given["weight"], given["bias"]
    if given["input"] != of or given["training"] or None in (mean, variance):
        return None
    if not _are_own(trace, mean, variance, weight, bias):
        return None
    return _Norm(mean=mean, variance=variance, weight=weight, bias=bias, epsilon=given["eps"])


def _are_own(trace: Trace, *slots: Value | None) -> bool:
    return all(slot is None or slot.number < trace.own for slot in slots)
