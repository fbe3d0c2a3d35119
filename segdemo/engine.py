"""Networks as a device runs them fastest, with the same answer within rounding.

On a CPU norms, ReLUs and joints become part of convolutions. Two passes over memory less for each
convolution are half of what is gained; the other half is that channels lie last in memory. What
a decoder joins is never copied together: each part is convolved by itself, onto the same sum. On
CUDA the kernels of a network become one launch.
"""

import inspect
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.convolution import Convolution
from segdemo.cuda_graphs import Graphs
from segdemo.devices import without_tf32
from segdemo.receptive_field import ReceptiveField, receptive_field
from segdemo.recording import Call, Program, Recording, Slot, record
from segdemo.tiling import Tiling, best_tiling, tiled

_SHAPES_KEPT = 16
"""Of how many sizes a program is kept; programs share the weights and are small themselves."""

_BY_PROGRAM, _BY_GRAPHS = ("cpu",), ("cuda",)
"""Where a network runs as its program, and where kernels would wait to be asked for one by one."""

_BATCH_NORM = inspect.signature(functional.batch_norm)
_RELUS = (functional.relu, torch.relu, torch.relu_)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Size:
    """What is known of a network for pictures of one size."""

    program: Program | None = None
    """What our engine runs; None when the network itself is run."""
    recording: Recording | None = None

    @cached_property
    def peak(self) -> int:
        """See Recording.peak; 0 when it is not known."""
        found = self.program or self.recording
        return found.peak if found else 0

    @cached_property
    def field(self) -> ReceptiveField | None:
        """What a pixel depends on. Large pictures alone are asked for it."""
        return receptive_field(self.recording) if self.recording else None

    @property
    def lacking(self) -> tuple[int, ...]:
        """How many rows and columns the answer has less than the pictures."""
        if self.recording is None:
            return ()
        ends = (self.recording.given, self.recording.returned)
        given, returned = (self.recording.shapes[slot.number][2:] for slot in ends)
        return tuple(a - b for a, b in zip(given, returned, strict=True))


class Engine:
    """Keeps what it made of the last network that it ran."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        """``dtype``: what is computed in; pictures and answers are float32 all the same."""
        self._dtype = dtype
        self._lock = Lock()
        self._state: Hashable = None
        self._sizes: OrderedDict[torch.Size, _Size] = OrderedDict()
        self._weights = _Weights(own=(), dtype=dtype)
        self._graphs = Graphs(dtype)

    @property
    def byte_size(self) -> int:
        """Memory that it takes beside the network's own weights."""
        return self._weights.byte_size + self._graphs.byte_size

    def run(self, network: nn.Module, pictures: Tensor, *, tiling: Tiling | None = None) -> Tensor:
        """``network(pictures)`` within rounding, float32 (N, C, H, W); for use without gradients.

        That the network was changed since is noticed. It runs as it is on other devices than
        CUDA and the CPU, while it trains, when it has hooks, and when it has no convolution to
        gain from. On any device but the CPU, what computes in 16 bits is PyTorch's choice,
        operation by operation. ``tiling``: the parts in which it is done.
        """
        if tiling is not None:
            return tiled(lambda part: self.run(network, part), pictures, tiling)
        size = self._size(network, pictures.shape, pictures.device)
        program = size.program
        if program is None:
            forward = partial(self._as_it_is, network)
            if size.recording is None or pictures.device.type not in _BY_GRAPHS:
                return forward(pictures)
            byte_size = size.peak * self._dtype.itemsize
            return self._graphs.run(forward, pictures, byte_size=byte_size)
        given = pictures.to(self._dtype).contiguous(memory_format=torch.channels_last)
        return program.run(given).float()

    def _as_it_is(self, network: nn.Module, pictures: Tensor) -> Tensor:
        lower = self._dtype != torch.float32
        kind, dtype = pictures.device.type, self._dtype if lower else None
        if lower and reads_channels_last(pictures.device, self._dtype):
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        with without_tf32(), torch.autocast(kind, dtype, enabled=lower):
            answer: Tensor = network(pictures)
        return answer.float()

    def memory(self, network: nn.Module, pictures: Tensor) -> int:
        """How many bytes of tensors ``run`` has at a time; 0 when that is not known.

        A process grows by more, measured on U-Nets by a tenth to nine tenths: a layer has a
        workspace, and smaller tensors leave gaps between them.
        """
        peak = self._size(network, pictures.shape, pictures.device).peak
        return peak * self._dtype.itemsize

    def tiling(self, network: nn.Module, pictures: Tensor, share: float) -> Tiling | None:
        """The parts of at most ``share`` of the pixels that have the same answer.

        None where the whole picture decides of each pixel, or too much of it.
        """
        whole = self._size(network, pictures.shape, pictures.device)
        height, width = pictures.shape[2:]
        parts = whole.field and best_tiling(height, width, whole.field, share)
        if not parts:
            return None
        for rows, columns in parts.sizes:
            part = torch.Size((*pictures.shape[:2], rows, columns))
            found = self._size(network, part, pictures.device)
            # A network whose margins depend on the size is not one that can be put together.
            if (found.field, found.lacking) != (whole.field, whole.lacking):
                return None
        return parts

    def _size(self, network: nn.Module, shape: torch.Size, device: torch.device) -> _Size:
        known = _is_known(network)
        ours = known and device.type in _BY_PROGRAM
        own = [*network.parameters(), *network.buffers()]
        with self._lock:
            state = (id(network), known, ours, tuple(map(_state, own)))
            if state != self._state:
                self._state = state
                self._sizes.clear()
                self._graphs.clear()
                self._weights = _Weights(own=own if ours else (), dtype=self._dtype)
            if shape not in self._sizes:
                recording = record(network, shape) if known else None
                program = self._weights.program(recording) if ours and recording else None
                self._sizes[shape] = _Size(program=program, recording=recording)
                if len(self._sizes) > _SHAPES_KEPT:
                    self._sizes.popitem(last=False)
            self._sizes.move_to_end(shape)
            return self._sizes[shape]


def reads_channels_last(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the device computes fastest where the channels of a pixel lie together.

    A CPU does, and the tensor cores of a GPU, which compute in 16 bits.
    """
    return device.type == "cpu" or (device.type == "cuda" and dtype != torch.float32)


def _is_known(network: nn.Module) -> bool:
    """Whether what it does may be written down, and is worth it."""
    modules = list(network.modules())
    return any(isinstance(module, nn.Conv2d) for module in modules) and not any(
        module.training or module._forward_hooks or module._forward_pre_hooks for module in modules
    )


def _state(tensor: Tensor) -> Hashable:
    """Differs once its numbers were changed, but for one that was made in inference mode."""
    return tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version


class _Weights:
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

    def program(self, recording: Recording) -> Program:
        """The recording with norms, ReLUs and joints in the convolutions beside them."""
        calls = recording.calls
        readers = _readers(recording)
        shorter: list[Call | None] = list(calls)
        for place, call in enumerate(calls):
            found = _convolution(call, recording)
            if found is None:
                continue
            result, relu, norm = call.result, False, None
            parts = _joined(place, found, recording, readers)
            after = readers.get(result, [])
            # Only where nothing else reads what lies between. The answer is read by the caller.
            if len(after) == 1 and after[0] < len(calls):
                norm = _norm(calls[after[0]], result, recording)
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
            first = recording.shapes[parts[0].number][1] if parts else None
            shorter[place] = Call(
                function=self._fused(found, norm, relu=relu, first=first),
                arguments=parts or call.arguments[:1],
                named={},
                result=result,
            )
        left = tuple(call for call in shorter if call is not None)
        return Program(replace(recording, calls=left), self._cast)

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

        def numbers(slot: Slot | None, otherwise: float) -> Tensor:
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

    mean: Slot
    variance: Slot
    weight: Slot | None
    bias: Slot | None
    epsilon: float


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _readers(recording: Recording) -> dict[Slot, list[int]]:
    """The places of the calls that read a slot, as often as they do; the answer comes last."""
    readers: dict[Slot, list[int]] = {}
    for place, call in enumerate(recording.calls):
        for slot in call.reads:
            readers.setdefault(slot, []).append(place)
    readers.setdefault(recording.returned, []).append(len(recording.calls))
    return readers


_PLACES: dict[Callable[..., Any], tuple[str, ...]] = {
    functional.conv2d: ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    functional.conv_transpose2d: (
        *("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
    ),
}


def _convolution(call: Call, recording: Recording) -> dict[str, Any] | None:
    """What it is given, if it is a convolution with weights of the network, called by a module."""
    places = _PLACES.get(call.function, ())
    if not places or call.named or len(call.arguments) != len(places):
        return None
    found = {"output_padding": None, **dict(zip(places, call.arguments, strict=True))}
    geometry = (found["stride"], found["padding"], found["dilation"])
    if not all(isinstance(part, tuple) for part in geometry):
        return None
    if found["weight"] is None or not _are_own(recording, found["weight"], found["bias"]):
        return None
    # A picture that is alone has no channels that could be last.
    return found if len(recording.shapes[found.pop("input").number]) == 4 else None


def _joined(
    place: int, found: dict[str, Any], recording: Recording, readers: dict[Slot, list[int]]
) -> tuple[Slot, ...] | None:
    """The two tensors whose channels were joined just for the convolution at ``place``."""
    if place == 0 or found["output_padding"] is not None or found["groups"] != 1:
        return None
    joint, convolution = recording.calls[place - 1], recording.calls[place]
    if joint.function is not torch.cat or convolution.arguments[0] != joint.result:
        return None
    given = dict(zip(("tensors", "dim"), joint.arguments, strict=False)) | joint.named
    parts = given.pop("tensors", ())
    if len(parts) != 2 or given != {"dim": 1} or readers[joint.result] != [place]:
        return None
    # Of a single picture, dimension 1 would be its rows.
    return tuple(parts) if len(recording.shapes[parts[0].number]) == 4 else None


def _norm(call: Call, of: Slot, recording: Recording) -> _Norm | None:
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
    if not _are_own(recording, mean, variance, weight, bias):
        return None
    return _Norm(mean=mean, variance=variance, weight=weight, bias=bias, epsilon=given["eps"])


def _are_own(recording: Recording, *slots: Slot | None) -> bool:
    return all(slot is None or slot.number < recording.own for slot in slots)
