"""What the first and the last nodes of a graph tell: preparation inside, and probabilities."""

from dataclasses import dataclass
from typing import Any

from segdemo.graphs.config import GraphConfig
from segdemo.graphs.interface import PASSING, PROBABLE, upstream
from segdemo.graphs.model import Node
from segdemo.graphs.reader import Model

_MOVING = frozenset(
    {
        *("Identity", "Cast", "Transpose", "Pad", "Resize", "Unsqueeze", "Squeeze"),
        *("QuantizeLinear", "DequantizeLinear"),
    }
)
"""Operations before which the values of an image are what they were."""
_BYTES_SCALE = 0.1  # 1 / std is above it, 1 / (255 std) below
_BYTES_SHIFT = 8.0  # no mean of images from 0 to 1 is larger, however it is scaled


@dataclass(frozen=True, kw_only=True)
class _Affine:
    """What became of the image's values, at its largest: x * scale + shift."""

    scale: float = 1.0
    shift: float = 0.0
    steps: int = 0


def activation(model: Model, config: GraphConfig) -> str | None:
    """ "none" where the graph itself gives probabilities or labels, "softmax" for their logarithms.

    None where the last nodes tell neither.
    """
    if config.labels:
        return "none"
    for node in upstream(model, config.output):
        if node.op in PROBABLE:
            return "none"
        if node.op == "LogSoftmax":
            return "softmax"
        if node.op not in PASSING:
            return None
    return None


def preparation(model: Model, config: GraphConfig) -> dict[str, Any] | None:
    """What is left to do for the image, in the spec's JSON form, where the graph does the rest.

    None where its first nodes change no values and its input has fractions.
    """
    affine = _first_nodes(model, config.input)
    whole = not config.kind.startswith("float")
    if affine.steps == 0 and not whole:
        return None
    in_bytes = whole or affine.scale < _BYTES_SCALE or abs(affine.shift) > _BYTES_SHIFT
    return {"divisor": 1.0 if in_bytes else 255.0, "mean": [0.0], "std": [1.0]}


def _first_nodes(model: Model, name: str) -> _Affine:
    affine = _Affine()
    for _ in range(len(model.part.nodes)):
        readers = [node for node in model.part.nodes if name in node.inputs]
        readers = [node for node in readers if node.op not in ("Shape", "Size")]
        if len(readers) != 1 or not readers[0].outputs:
            return affine
        node = readers[0]
        if node.op not in _MOVING:
            step = _step(model, node, name, affine)
            if step is None:
                return affine
            affine = step
        elif node.inputs[0] != name:
            return affine
        name = node.outputs[0]
    return affine


def _step(model: Model, node: Node, name: str, affine: _Affine) -> _Affine | None:
    if node.op not in ("Add", "Sub", "Mul", "Div") or len(node.inputs) != 2:
        return None
    first = node.inputs[0] == name
    numbers = _constant(model, node.inputs[1 if first else 0])
    if not numbers or (not first and node.op in ("Sub", "Div")):
        return None
    number = max(numbers, key=abs)
    scale, shift = affine.scale, affine.shift
    match node.op:
        case "Add":
            shift += number
        case "Sub":
            shift -= number
        case "Mul":
            scale, shift = scale * number, shift * number
        case "Div":
            number = number or 1.0
            scale, shift = scale / number, shift / number
    return _Affine(scale=scale, shift=shift, steps=affine.steps + 1)


def _constant(model: Model, name: str) -> tuple[float, ...] | None:
    """The numbers of a weight or of a Constant node, where they are few."""
    if name in model.part.constants:
        return model.part.constants[name].numbers
    for node in model.part.nodes:
        if name in node.outputs:
            if node.op in ("Identity", "Unsqueeze", "Reshape", "Cast"):
                return _constant(model, node.inputs[0])
            value = node.attributes.get("value") if node.op == "Constant" else None
            if value is None and node.op == "Constant":
                number = node.attributes.get("value_float")
                return None if number is None else (float(number),)
            return value.numbers if value is not None else None
    return None
