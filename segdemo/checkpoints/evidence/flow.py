"""What each batch norm of a network takes: the layers before it, followed through one forward."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from segdemo.checkpoints.detection import Detection
from segdemo.engine.shape_inference import returned_shape

Value = Union["Given", "Convolved", "Normed", "Rectified", "Joined", "Averaged", "Other"]
"""Where a tensor (N, C, H, W) comes from."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Given:
    """The input of the network."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolved:
    """The output of a convolution; the names are those of the network's tensors."""

    source: Value
    weight: str
    bias: str | None
    transposed: bool
    stride: tuple[int, int]
    groups: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Normed:
    """The output of a batch norm."""

    source: Value
    mean: str
    """Name of its running mean, and so on."""
    variance: str
    weight: str | None
    bias: str | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Rectified:
    """The output of a ReLU."""

    source: Value


@dataclass(frozen=True, eq=False, kw_only=True)
class Joined:
    """Tensors that were concatenated along their channels."""

    sources: tuple[Value, ...]
    widths: tuple[int, ...]
    """Channels of each."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Averaged:
    """Interpolated or averaged over windows, which keeps the mean of each channel, or nearly."""

    source: Value


@dataclass(frozen=True, eq=False, kw_only=True)
class Other:
    """Anything else; ``nonnegative`` where no value can be below zero."""

    nonnegative: bool = False


def without_numbers(detection: Detection) -> nn.Module:
    """The network of a detection on the meta device, in eval mode."""
    with torch.device("meta"):
        return detection.architecture.build(detection.config).eval()


def norms_of(network: nn.Module, images: Tensor) -> tuple[Normed, ...]:
    """The batch norms of a network in the order in which they run, each with what it takes.

    ``images`` are (N, C, H, W) on the network's device, which may be "meta". Of a network that
    cannot run on them there are those up to where it failed.
    """
    return _walked(network, images, only_first=False)


def first_norm_of(network: nn.Module, images: Tensor) -> Normed | None:
    """The first batch norm that runs, as ``norms_of`` has it; nothing behind it is computed."""
    return next(iter(_walked(network, images, only_first=True)), None)


def is_nonnegative(value: Value) -> bool:
    """Whether no number of a tensor that comes from there can be below zero."""
    match value:
        case Rectified():
            return True
        case Joined(sources=sources):
            return all(map(is_nonnegative, sources))
        case Averaged(source=source):
            return is_nonnegative(source)
        case Other(nonnegative=nonnegative):
            return nonnegative
    return False


def _walked(network: nn.Module, images: Tensor, *, only_first: bool) -> tuple[Normed, ...]:
    walk = _Walk(network, images, only_first=only_first)
    try:
        with torch.inference_mode(), walk:
            network(images)
    except Exception:
        # How a walk to the first norm ends. Whatever else a forward may raise: evidence is a
        # help, and what lies behind is not known then.
        pass
    return tuple(walk.norms)


class _FoundError(Exception):
    """Ends a forward at the first norm."""


def _called(func: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """What a function returns; without numbers PyTorch is asked only where it has to be.

    The first time that it is asked it imports hundreds of modules: see ``returned_shape``.
    """
    first = args[0] if args else None
    if isinstance(first, tuple | list):
        first = next(iter(first), None)
    if not isinstance(first, Tensor) or not first.is_meta:
        return func(*args, **named)
    if named.get("inplace") and func is functional.relu:
        return first
    shape = returned_shape(func, args, named)
    return func(*args, **named) if shape is None else torch.empty(shape, device="meta")


_RELUS = ("relu", "relu_")
_BOUNDED = ("sigmoid", "sigmoid_", "softmax", "relu6", "hardsigmoid")
"""Functions of which no value is below zero."""
_KEPT = ("dropout", "dropout2d", "pad", "contiguous", "clone", "identity")
"""Functions that leave the values as they are, or nearly."""
_AVERAGES = ("avg_pool2d", "adaptive_avg_pool2d", "interpolate")


class _Walk(TorchFunctionMode):
    """Writes down of each tensor where it comes from, in its own thread alone."""

    def __init__(self, network: nn.Module, images: Tensor, *, only_first: bool) -> None:
        super().__init__()
        self.norms: list[Normed] = []
        self._only_first = only_first
        own = [*network.named_parameters(), *network.named_buffers()]
        self._names = {id(tensor): name for name, tensor in own}
        # Tensors are kept, because an id is given anew once its owner is gone.
        self._known: dict[int, tuple[Tensor, Value]] = {id(images): (images, Given())}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        value = self._value(getattr(func, "__name__", ""), args, named)
        if self._only_first and self.norms:
            raise _FoundError
        result = _called(func, args, named)
        if isinstance(result, Tensor):
            self._known[id(result)] = result, value
        return result

    def _value(self, name: str, args: tuple[Any, ...], named: dict[str, Any]) -> Value:
        """What a function returns, as far as that is known."""
        if not args:
            return Other()
        if name in ("cat", "concat", "concatenate"):
            along = args[1] if len(args) > 1 else named.get("dim", 0)
            if along not in (1, -3):
                return Other()
            widths = tuple(tensor.shape[1] for tensor in args[0])
            return Joined(sources=tuple(map(self._of, args[0])), widths=widths)
        source = self._of(args[0])
        if name == "batch_norm":
            return self._normed(source, args, named)
        if name in ("conv2d", "conv_transpose2d"):
            return self._convolved(source, name, args)
        if name in _RELUS:
            return Rectified(source=source)
        if name in _KEPT:
            return source
        if name in _AVERAGES:
            return Averaged(source=source)
        largest = name == "max_pool2d" and is_nonnegative(source)
        return Other(nonnegative=name in _BOUNDED or largest)

    def _of(self, tensor: Any) -> Value:
        known = self._known.get(id(tensor))
        return known[1] if known else Other()

    def _name(self, tensor: Any) -> str | None:
        return self._names.get(id(tensor))

    def _normed(self, source: Value, args: tuple[Any, ...], named: dict[str, Any]) -> Value:
        mean, variance = map(self._name, args[1:3])
        if mean is None or variance is None:
            return Other()
        weight, bias = named.get("weight"), named.get("bias")
        norm = Normed(
            source=source,
            mean=mean,
            variance=variance,
            weight=self._name(weight),
            bias=self._name(bias),
        )
        self.norms.append(norm)
        return norm

    def _convolved(self, source: Value, name: str, args: tuple[Any, ...]) -> Value:
        weight, transposed = self._name(args[1]), name == "conv_transpose2d"
        bias = args[2] if len(args) > 2 else None
        if weight is None or (bias is not None and self._name(bias) is None):
            return Other()  # Weights that are computed, as those of a spectral norm.
        groups = args[6] if len(args) > 6 else 1
        return Convolved(
            source=source,
            weight=weight,
            bias=self._name(bias),
            transposed=transposed,
            stride=tuple(args[3]) if len(args) > 3 else (1, 1),
            groups=groups,
        )
