"""Computes the receptive field of a network from its traced calls.

The arithmetic is that of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional
Neural Networks" (Distill, 2019), with transposed convolutions and resizing besides.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch.nn import functional

from segdemo.engine.tracing import Call, Trace, Value


@dataclass(frozen=True, kw_only=True)
class ReceptiveField:
    """Pixel ``i`` of an answer depends on pixels ``i - before`` to ``i + after`` alone.

    Both along each axis. An image moved by a multiple of ``step`` has its answer moved by as
    much, but for what comes too near to an edge.
    """

    before: int
    after: int
    step: int


def receptive_field(trace: Trace) -> ReceptiveField | None:
    """What an answer's pixels depend on; None where that is the whole image, or is not known.

    So it is where an image's size decides how it is sampled (``align_corners=True``), where
    something is pooled over all of it, and where the answer has another scale.
    """
    axes = [_along(axis, trace) for axis in (2, 3)]
    found = [field for field in axes if field is not None]
    if len(found) < len(axes):
        return None
    return ReceptiveField(
        before=max(field.before for field in found),
        after=max(field.after for field in found),
        step=math.lcm(*(field.step for field in found)),
    )


@dataclass(frozen=True, kw_only=True)
class _Field:
    """What value ``i`` of a tensor depends on, around pixel ``i * stride``."""

    stride: Fraction
    before: Fraction
    after: Fraction

    def read(self, first: Fraction | int, last: Fraction | int, stride: Fraction) -> "_Field":
        """That of values ``i``, made of this tensor's from ``i * stride + first`` to ``+ last``."""
        return _Field(
            stride=self.stride * stride,
            before=self.before - first * self.stride,
            after=self.after + last * self.stride,
        )

    def beyond(self, length: int, pixels: int) -> "_Field":
        """Margins so wide that what a tensor of this length lacks depends on pixels that lack too.

        A part of an image has no values before its first and after its last: where the whole
        image has some, whatever reads them must count as too near to the edge.
        """
        return _Field(
            stride=self.stride,
            before=max(self.before, Fraction(0)),
            after=max(self.after, pixels - length * self.stride),
        )


def _along(axis: int, trace: Trace) -> ReceptiveField | None:
    zero = Fraction(0)
    fields = {trace.given.number: _Field(stride=Fraction(1), before=zero, after=zero)}
    pixels, step = trace.shapes[trace.given.number][axis], 1
    for call in trace.calls:
        sources = [slot for slot in call.reads if slot.number >= trace.own]
        reader = _READERS.get(call.function)
        if reader is None or not all(slot.number in fields for slot in sources):
            return None
        try:
            field = reader(call, [fields[slot.number] for slot in sources], axis, trace)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            return None  # called in words that its reader does not know
        if field is None or not isinstance(call.result, Value):
            return None
        length = trace.shapes[call.result.number][axis]
        fields[call.result.number] = field.beyond(length, pixels)
        step = math.lcm(step, field.stride.numerator)
    answer = fields.get(trace.returned.number)
    if answer is None or answer.stride != 1:
        return None
    before, after = (math.ceil(max(margin, zero)) for margin in (answer.before, answer.after))
    return ReceptiveField(before=before, after=after, step=step)


_Reader = Callable[[Call, list[_Field], int, Trace], _Field | None]


def _convolved(call: Call, sources: list[_Field], axis: int, trace: Trace) -> _Field:
    _, weight, _, stride, padding, dilation, _ = call.arguments
    last = _of_axis(dilation, axis) * (trace.shapes[weight.number][axis] - 1)
    before = _of_axis(padding, axis)
    return sources[0].read(-before, last - before, Fraction(_of_axis(stride, axis)))


def _convolved_back(call: Call, sources: list[_Field], axis: int, trace: Trace) -> _Field:
    _, weight, _, strides, padding, _, _, dilation = call.arguments
    last = _of_axis(dilation, axis) * (trace.shapes[weight.number][axis] - 1)
    after, stride = _of_axis(padding, axis), _of_axis(strides, axis)
    return sources[0].read(
        Fraction(after - last, stride), Fraction(after, stride), Fraction(1, stride)
    )


def _pooled(call: Call, sources: list[_Field], axis: int, trace: Trace) -> _Field:
    kernel = call.arguments[1]
    stride = call.named["stride"] or kernel
    last = _of_axis(call.named["dilation"], axis) * (_of_axis(kernel, axis) - 1)
    before = _of_axis(call.named["padding"], axis)
    return sources[0].read(-before, last - before, Fraction(_of_axis(stride, axis)))


def _resized(call: Call, sources: list[_Field], axis: int, trace: Trace) -> _Field | None:
    given, named = call.arguments[0], call.named
    before = trace.shapes[given.number][axis]
    after = trace.shapes[call.result.number][axis]
    times, factor = after // before, named["scale_factor"]
    known = named["mode"] in ("nearest", "bilinear") and not named["antialias"]
    if not known or after % before or named["align_corners"]:
        return None
    if factor is not None and float(_of_axis(factor, axis)) != times:
        return None
    if named["mode"] == "nearest":
        return sources[0].read(Fraction(1 - times, times), 0, Fraction(1, times))
    # Between the centres of two neighbours: i / times + (1 / times - 1) / 2, down and up.
    centre = (Fraction(1, times) - 1) / 2
    return sources[0].read(centre - 1, centre + 1, Fraction(1, times))


def _each_alone(call: Call, sources: list[_Field], axis: int, trace: Trace) -> _Field:
    if len(sources) != 1 or call.named.get("training", False):
        raise ValueError
    return sources[0]


def _together(call: Call, sources: list[_Field], axis: int, trace: Trace) -> _Field | None:
    lengths = {trace.shapes[s.number][axis] for s in call.reads if s.number >= trace.own}
    if len(lengths) != 1 or len({source.stride for source in sources}) != 1:
        return None
    return _Field(
        stride=sources[0].stride,
        before=max(source.before for source in sources),
        after=max(source.after for source in sources),
    )


def _joined(call: Call, sources: list[_Field], axis: int, trace: Trace) -> _Field | None:
    channels = call.arguments[1:] == (1,) or call.named == {"dim": 1}
    return _together(call, sources, axis, trace) if channels else None


def _cut(call: Call, sources: list[_Field], axis: int, trace: Trace) -> _Field:
    part = call.arguments[1][axis]
    if part.step not in (None, 1):
        raise ValueError
    start = part.start or 0
    if start < 0:
        raise ValueError
    return sources[0].read(start, start, Fraction(1))


def _padded(call: Call, sources: list[_Field], axis: int, trace: Trace) -> _Field:
    widths = call.arguments[1]
    if call.named["mode"] != "constant" or len(widths) != 4:
        raise ValueError
    before = widths[0] if axis == 3 else widths[2]
    return sources[0].read(-before, -before, Fraction(1))


def _of_axis(value: Any, axis: int) -> Any:
    """Of (rows, columns), or of one number for both."""
    return value[axis - 2] if isinstance(value, tuple | list) else value


_READERS: dict[Callable[..., Any], _Reader] = {
    functional.conv2d: _convolved,
    functional.conv_transpose2d: _convolved_back,
    functional.max_pool2d: _pooled,
    functional.interpolate: _resized,
    torch.cat: _joined,
    torch.Tensor.add: _together,
    torch.Tensor.add_: _together,
    torch.Tensor.mul: _each_alone,
    torch.Tensor.__getitem__: _cut,
    functional.pad: _padded,
    **dict.fromkeys(
        (
            *(functional.relu, torch.relu, torch.relu_, torch.sigmoid),
            *(functional.batch_norm, functional.dropout, functional.dropout2d),
        ),
        _each_alone,
    ),
}
