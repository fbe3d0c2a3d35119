"""Shapes of all tensors in a graph for one size of its input, and the memory that they take."""

from collections.abc import Mapping
from math import prod

import onnx
from onnx import shape_inference

from segdemo.graphs.model import Node
from segdemo.graphs.reader import Model, item_bytes

_UNKNOWN_BYTES = 4


def inferred(model: Model, given: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor that onnx can tell, the input ``given`` being of ``shape``."""
    return {name: shape for name, (shape, _) in _inferred(model, given, shape).items()}


def peak_bytes(model: Model, given: str, shape: tuple[int, ...]) -> int:
    """Bytes of tensors that are alive at a time, nodes in the order of the file; no weights.

    A tensor of unknown shape counts as the largest that its node reads.
    """
    known = {
        name: prod(found) * count for name, (found, count) in _inferred(model, given, shape).items()
    }
    return _peak(model.part.nodes, known, {value.name for value in model.part.outputs}, given)


def _inferred(
    model: Model, given: str, shape: tuple[int, ...]
) -> dict[str, tuple[tuple[int, ...], int]]:
    proto = onnx.ModelProto()
    proto.ParseFromString(model.sketch)
    names = {dim for value in model.part.inputs for dim in value.shape or () if dim}
    for value in proto.graph.input:
        if value.name == given:
            dims = value.type.tensor_type.shape.dim
            del dims[:]
            for side in shape:
                dims.add().dim_value = side
    # What the file says of other sizes would stand in the way.
    del proto.graph.value_info[:]
    for value in proto.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            if not dim.dim_value or dim.dim_param in names:
                dim.Clear()
    try:
        found = shape_inference.infer_shapes(proto, data_prop=True).graph
    except Exception:
        # Of operators that it does not know it says nothing; of what it refuses we know nothing.
        return {}
    tensors = [*found.value_info, *found.output, *found.input]
    return dict(filter(None, map(_fact, tensors)))


def _fact(value: onnx.ValueInfoProto) -> tuple[str, tuple[tuple[int, ...], int]] | None:
    tensor = value.type.tensor_type
    dims = tuple(dim.dim_value for dim in tensor.shape.dim)
    if not tensor.HasField("shape") or not all(dims):
        return None
    kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    name = {"float": "float32", "double": "float64"}.get(kind, kind)
    return value.name, (dims, item_bytes(name))


def _peak(nodes: list[Node], known: Mapping[str, int], kept: set[str], given: str) -> int:
    last = {name: number for number, node in enumerate(nodes) for name in node.inputs}
    alive = {given: known.get(given, 0)}
    peak = sum(alive.values())
    for number, node in enumerate(nodes):
        largest = max((alive.get(name, 0) for name in node.inputs), default=0)
        for name in node.outputs:
            if name:
                alive[name] = known.get(name, largest)
        peak = max(peak, sum(alive.values()))
        for name in {*node.inputs, *node.outputs} & alive.keys():
            if last.get(name, -1) <= number and name not in kept:
                del alive[name]
    return peak
