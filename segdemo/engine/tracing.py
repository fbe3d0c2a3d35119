"""Traces a network on meta tensors into a list of calls that can be changed and run.

The network runs on tensors without numbers while its calls are written down. So which calls
these are can depend on sizes alone, never on what is in an image.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from segdemo.engine.heap import FROM_SYSTEM, give_back_freed_memory
from segdemo.engine.shape_inference import returned_shape


@dataclass(frozen=True)
class Value:
    """The place of a tensor; the first ones are those of the network's own tensors."""

    number: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Call:
    """A function of PyTorch and what it was given, with slots in place of tensors."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    result: Any

    @property
    def reads(self) -> tuple[Value, ...]:
        """Each slot among the arguments, as often as it stands there."""
        return _slots((self.arguments, self.named))


@dataclass(frozen=True, eq=False, kw_only=True)
class Trace:
    """The calls in their order, where the images come in and where the answer stands."""

    calls: tuple[Call, ...]
    own: int
    """How many slots, from the first on, are the network's own tensors."""
    shapes: tuple[torch.Size, ...]
    """Of the tensor in each slot."""
    given: Value
    returned: Value

    @property
    def peak(self) -> int:
        """The most numbers that are in memory at a time, beside the network's own and the image.

        What a call needs for itself alone is not known.
        """
        held, most = dict[int, int](), 0
        for call, freed in zip(self.calls, _freed(self), strict=True):
            held.update((slot.number, self._size(slot)) for slot in _slots(call.result))
            most = max(most, sum(held.values()))
            for number in freed:
                held.pop(number, None)
        return most

    def _size(self, slot: Value) -> int:
        own_or_given = slot.number < self.own or slot == self.given
        return 0 if own_or_given else self.shapes[slot.number].numel()


class Program:
    """A recording and the tensors of its network, ready to run."""

    def __init__(self, trace: Trace, own: Sequence[Tensor]) -> None:
        """``own``: the network's parameters, then its buffers."""
        self._recording, self._own = trace, tuple(own)
        self._freed = _freed(trace)

    @property
    def peak(self) -> int:
        """See Recording.peak."""
        return self._recording.peak

    def run(self, pictures: Tensor) -> Tensor:
        """The answer; each tensor is freed after its last use.

        What small ones leave is given back once they are large: the next is likely as large.
        """
        trace = self._recording
        values: list[Any] = [*self._own, *([None] * (len(trace.shapes) - trace.own))]
        values[trace.given.number] = pictures

        def value_of(slot: Value) -> Any:
            return values[slot.number]

        for call, freed in zip(trace.calls, self._freed, strict=True):
            result = call.function(
                *_mapped(call.arguments, value_of), **_mapped(call.named, value_of)
            )
            is_large = isinstance(result, Tensor) and result.nbytes >= FROM_SYSTEM
            for slot, tensor in zip(_leaves(call.result), _leaves(result), strict=True):
                if isinstance(slot, Value):
                    values[slot.number] = tensor
            del result
            for number in freed:
                values[number] = None
            if is_large:
                give_back_freed_memory()
        answer: Tensor = values[trace.returned.number]
        return answer


def trace_network(network: nn.Module, shape: torch.Size) -> Trace | None:
    """What it does with images (N, C, H, W) of this shape; the network itself does not run.

    None when it needs numbers to decide, or uses tensors that are neither its own nor computed.
    """
    own = [*network.parameters(), *network.buffers()]
    without_numbers = [tensor.detach().to("meta") for tensor in own]
    twins = {id(tensor): twin for tensor, twin in zip(own, without_numbers, strict=True)}
    recorder = _Recorder()
    for tensor in without_numbers:
        recorder.slot_of(tensor)
    pictures = torch.empty(shape, device="meta")
    given = recorder.slot_of(pictures)
    try:
        twin = copy.deepcopy(network, twins)
        with torch.inference_mode(), recorder:
            returned = recorder.known(twin(pictures))
    except Exception:
        # Whatever only real tensors can do: the network runs as it is instead.
        return None
    return Trace(
        calls=tuple(recorder.calls),
        own=len(own),
        shapes=tuple(tensor.shape for tensor in recorder.tensors),
        given=given,
        returned=returned,
    )


class _UnrecordableError(Exception):
    """A tensor from elsewhere, or a device: it would be the one without numbers."""


class _Recorder(TorchFunctionMode):
    """Writes down every call that computes or changes a tensor, in its own thread alone."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        # They are kept, because an id is given anew once its owner is gone.
        self.tensors: list[Tensor] = []
        self._numbers: dict[int, int] = {}

    def slot_of(self, tensor: Tensor) -> Value:
        """Where it stands; a new tensor gets a place of its own."""
        number = self._numbers.setdefault(id(tensor), len(self.tensors))
        if number == len(self.tensors):
            self.tensors.append(tensor)
        return Value(number)

    def known(self, tensor: Tensor) -> Value:
        """Where it stands. Raises _UnrecordableError when no call that was recorded made it."""
        if id(tensor) not in self._numbers:
            raise _UnrecordableError
        return self.slot_of(tensor)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        shape = returned_shape(func, args, named)
        result: Any = func(*args, **named) if shape is None else torch.empty(shape, device="meta")
        # What returns nothing may have written into an argument; what returns facts has not.
        if result is None or any(isinstance(leaf, Tensor) for leaf in _leaves(result)):
            call = Call(
                function=func,
                arguments=_mapped(args, self.known),
                named=_mapped(named, self.known),
                result=_mapped(result, self.slot_of),
            )
            self.calls.append(call)
        return result


def _mapped(value: Any, by: Callable[[Any], Any]) -> Any:
    """The same with ``by`` of each tensor or slot in it."""
    if isinstance(value, Tensor | Value):
        return by(value)
    if isinstance(value, torch.device):
        raise _UnrecordableError
    if isinstance(value, dict):
        return {key: _mapped(entry, by) for key, entry in value.items()}
    if isinstance(value, list | tuple) and any(True for _ in _kept(value)):
        return type(value)(_mapped(entry, by) for entry in value)
    return value


def _kept(value: Any) -> Iterator[Any]:
    return (leaf for leaf in _leaves(value) if isinstance(leaf, Tensor | Value | torch.device))


def _slots(value: Any) -> tuple[Value, ...]:
    return tuple(leaf for leaf in _leaves(value) if isinstance(leaf, Value))


def _leaves(value: Any) -> Iterator[Any]:
    """Whatever stands in lists, tuples and dictionaries, in order."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, list | tuple):
        for entry in value:
            yield from _leaves(entry)
    else:
        yield value


def _freed(trace: Trace) -> list[list[int]]:
    """After each call, the slots that no later one reads."""
    last: dict[int, int] = {trace.given.number: 0}
    for place, call in enumerate(trace.calls):
        for slot in (*call.reads, *_slots(call.result)):
            last[slot.number] = place
    freed: list[list[int]] = [[] for _ in trace.calls]
    for number, place in last.items():
        if number >= trace.own and number != trace.returned.number:
            freed[place].append(number)
    return freed
