"""Runs a network as fast as its device can, with the same output within rounding.

On a CPU norms, ReLUs and joints become part of convolutions. Two passes over memory less for each
convolution are half of what is gained; the other half is that channels lie last in memory. What
a decoder joins is never copied together: each part is convolved by itself, onto the same sum. On
CUDA the kernels of a network become one launch.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Lock

import torch
from torch import Tensor, nn

from segdemo.engine.cuda_graphs import Graphs
from segdemo.engine.devices import without_tf32
from segdemo.engine.foreign import ForeignNetwork
from segdemo.engine.fusion import FusedWeights
from segdemo.engine.live_memory import peak_bytes
from segdemo.engine.receptive_field import ReceptiveField, receptive_field
from segdemo.engine.tiling import Tiling, best_tiling, tiled
from segdemo.engine.tracing import Program, Trace, trace_network

_SHAPES_KEPT = 16
"""Of how many sizes a program is kept; programs share the weights and are small themselves."""

_LARGE = 512 * 512
"""Pixels from which on a network that cannot be traced is asked what it needs, which takes time."""

_BY_PROGRAM, _BY_GRAPHS = ("cpu",), ("cuda",)
"""Where a network runs as its program, and where kernels would wait to be asked for one by one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Size:
    """What is known of a network for images of one size."""

    program: Program | None = None
    """What our engine runs; None when the network itself is run."""
    trace: Trace | None = None

    @cached_property
    def peak(self) -> int:
        """See Recording.peak; 0 when it is not known."""
        found = self.program or self.trace
        return found.peak if found else 0

    @cached_property
    def field(self) -> ReceptiveField | None:
        """What a pixel depends on. Large images alone are asked for it."""
        return receptive_field(self.trace) if self.trace else None

    @property
    def lacking(self) -> tuple[int, ...]:
        """How many rows and columns the answer has less than the images."""
        if self.trace is None:
            return ()
        ends = (self.trace.given, self.trace.returned)
        given, returned = (self.trace.shapes[slot.number][2:] for slot in ends)
        return tuple(a - b for a, b in zip(given, returned, strict=True))


class Engine:
    """Keeps what it made of the last network that it ran."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        """``dtype``: what is computed in; images and answers are float32 all the same."""
        self._dtype = dtype
        self._lock = Lock()
        self._state: Hashable = None
        self._sizes: OrderedDict[torch.Size, _Size] = OrderedDict()
        self._untraced: dict[torch.Size, int] = {}
        self._weights = FusedWeights(own=(), dtype=dtype)
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
            if size.trace is None or pictures.device.type not in _BY_GRAPHS:
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
        if isinstance(network, ForeignNetwork):
            return network.peak(pictures.shape)
        size = self._size(network, pictures.shape, pictures.device)
        if size.trace is None and math.prod(pictures.shape[2:]) >= _LARGE:
            with self._lock:
                if pictures.shape not in self._untraced:
                    self._untraced[pictures.shape] = peak_bytes(network, pictures.shape)
                found = self._untraced[pictures.shape]
            return found * self._dtype.itemsize // torch.float32.itemsize
        return size.peak * self._dtype.itemsize

    def tiling(self, network: nn.Module, pictures: Tensor, share: float) -> Tiling | None:
        """The parts of at most ``share`` of the pixels that have the same answer.

        None where the whole image decides of each pixel, or too much of it.
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
                self._untraced.clear()
                self._graphs.clear()
                self._weights = FusedWeights(own=own if ours else (), dtype=self._dtype)
            if shape not in self._sizes:
                trace = trace_network(network, shape) if known else None
                program = self._weights.program(trace) if ours and trace else None
                self._sizes[shape] = _Size(program=program, trace=trace)
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
