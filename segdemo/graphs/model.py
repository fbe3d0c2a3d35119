"""What an ONNX model says of itself: nodes, weights without their numbers, inputs, outputs.

The field numbers are those of onnx.proto (onnx 1.23). No number of a weight is read but for small
constants, and a file is read by seeking, so that the beginning and the end of it are enough for
what a look before a download tells.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from segdemo.graphs.wire import Field, WireError, fields_of, packed, signed, words

SMALL_BYTES = 4096
"""Constants of at most so many bytes are kept; shapes and means are."""

_MAX_DEPTH = 6  # of graphs in the attributes of nodes

# TensorProto.DataType -> NumPy's name and bytes.
KINDS: Mapping[int, tuple[str, int]] = {
    1: ("float32", 4),
    2: ("uint8", 1),
    3: ("int8", 1),
    4: ("uint16", 2),
    5: ("int16", 2),
    6: ("int32", 4),
    7: ("int64", 8),
    9: ("bool", 1),
    10: ("float16", 2),
    11: ("float64", 8),
    12: ("uint32", 4),
    13: ("uint64", 8),
    16: ("bfloat16", 2),
}
_FORMATS = {1: "f", 2: "B", 3: "b", 6: "i", 7: "q", 10: "e", 11: "d"}
# TensorProto: fields with numbers, and which kinds lie in them as varints or as fixed numbers.
NUMBER_FIELDS = frozenset({4, 5, 6, 7, 9, 10, 11})

Dim = int | str | None
Shape = tuple[Dim, ...]


@dataclass(frozen=True, kw_only=True)
class Constant:
    """A weight or a constant: its shape, and its numbers where they are few."""

    name: str = ""
    shape: tuple[int, ...] = ()
    kind: int = 0
    numbers: tuple[float, ...] | None = None
    location: str | None = None
    """The file that holds the numbers, where that is another."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One operation."""

    op: str
    domain: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Whole numbers, lists of them, constants; graphs as ``Part``."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """An input or an output."""

    name: str
    kind: str = ""
    """NumPy's name; empty for sequences, maps and rare kinds."""
    shape: Shape | None = None


@dataclass(kw_only=True)
class Part:
    """A graph while it is read."""

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Constant] = field(default_factory=dict)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)

    def everything(self) -> Iterator["Part"]:
        """This and the graphs in the attributes of its nodes."""
        yield self
        for node in self.nodes:
            for value in node.attributes.values():
                if isinstance(value, Part):
                    yield from value.everything()


def read_part(message: bytes, depth: int = 0) -> Part:
    """A graph in memory. Raises WireError."""
    if depth > _MAX_DEPTH:
        raise WireError
    part = Part()
    for entry, content in fields_of(message):
        add_to(part, entry, content, depth)
    return part


def add_to(part: Part, entry: Field, content: bytes, depth: int = 0) -> None:
    """Add what a field of GraphProto says."""
    match entry.number:
        case 1:
            part.nodes.append(read_node(content, depth))
        case 5:
            constant = read_constant(content)
            part.constants[constant.name] = constant
        case 11:
            part.inputs.append(read_value(content))
        case 12:
            part.outputs.append(read_value(content))


def read_node(message: bytes, depth: int = 0) -> Node:
    """NodeProto."""
    inputs, outputs, op, domain = [], [], "", ""
    attributes: dict[str, Any] = {}
    for entry, content in fields_of(message):
        match entry.number:
            case 1:
                inputs.append(words(content))
            case 2:
                outputs.append(words(content))
            case 4:
                op = words(content)
            case 5:
                attributes.update(_attribute(content, depth))
            case 7:
                domain = words(content)
    return Node(
        op=op,
        domain="" if domain == "ai.onnx" else domain,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        attributes=attributes,
    )


def _attribute(message: bytes, depth: int) -> Iterator[tuple[str, Any]]:
    """AttributeProto, of those kinds that are asked for."""
    name, value = "", None
    several: list[int] = []
    for entry, content in fields_of(message):
        match entry.number:
            case 1:
                name = words(content)
            case 2:
                value = struct.unpack("<f", entry.value.to_bytes(4, "little"))[0]
            case 3:
                value = signed(entry.value)
            case 5:
                value = read_constant(content)
            case 6:
                value = read_part(content, depth + 1)
            case 8:
                several += map(signed, packed(entry, content))
            case 10:
                read_constant(content)
            case 11:
                yield f"{name}[]", read_part(content, depth + 1)
    yield name, tuple(several) if several else value


def read_constant(message: bytes) -> Constant:
    """TensorProto."""
    shape: list[int] = []
    name, kind, location = "", 0, None
    raw: bytes | None = None
    typed: list[float] = []
    for entry, content in fields_of(message):
        match entry.number:
            case 1:
                shape += map(signed, packed(entry, content))
            case 2:
                kind = entry.value
            case 4 | 10:
                typed += _fixed(entry, content)
            case 5 | 7:
                typed += map(signed, packed(entry, content)) if len(content) <= SMALL_BYTES else ()
            case 8:
                name = words(content)
            case 9:
                raw = content
            case 13:
                location = _location(content) or location
    numbers = _numbers(raw, kind) if raw is not None else tuple(typed) or None
    if kind == 10 and raw is None:
        numbers = None  # as bit patterns
    return Constant(name=name, shape=tuple(shape), kind=kind, numbers=numbers, location=location)


def _fixed(entry: Field, content: bytes) -> tuple[float, ...]:
    """Of float_data and double_data."""
    form = {4: "f", 10: "d"}[entry.number]
    data = content or entry.value.to_bytes(struct.calcsize(form), "little")
    if len(data) > SMALL_BYTES:
        return ()
    return _unpacked(data, form)


def _numbers(raw: bytes, kind: int) -> tuple[float, ...] | None:
    form = _FORMATS.get(kind)
    if form is None or not raw or len(raw) > SMALL_BYTES:
        return None
    return _unpacked(raw, form)


def _unpacked(data: bytes, form: str) -> tuple[float, ...]:
    count, left = divmod(len(data), struct.calcsize(form))
    if left:
        raise WireError
    return struct.unpack(f"<{count}{form}", data)


def _location(message: bytes) -> str | None:
    """Of StringStringEntryProto, where the numbers of a tensor lie."""
    key, value = read_pair(message)
    return value if key == "location" else None


def read_pair(message: bytes) -> tuple[str, str]:
    """StringStringEntryProto."""
    pair = {1: "", 2: ""}
    for entry, content in fields_of(message):
        if entry.number in pair:
            pair[entry.number] = words(content)
    return pair[1], pair[2]


def read_value(message: bytes) -> Value:
    """ValueInfoProto of a tensor; without a kind for anything else."""
    name, kind, shape = "", "", None
    for entry, content in fields_of(message):
        if entry.number == 1:
            name = words(content)
        elif entry.number == 2:
            for inner, tensor in fields_of(content):
                if inner.number == 1:
                    kind, shape = _tensor_type(tensor)
    return Value(name=name, kind=kind, shape=shape)


def _tensor_type(message: bytes) -> tuple[str, Shape | None]:
    kind, shape = "", None
    for entry, content in fields_of(message):
        if entry.number == 1:
            kind = KINDS.get(entry.value, ("", 0))[0]
        elif entry.number == 2:
            shape = tuple(_dim(dim) for inner, dim in fields_of(content) if inner.number == 1)
    return kind, shape


def _dim(message: bytes) -> Dim:
    dim: Dim = None
    for entry, content in fields_of(message):
        if entry.number == 1:
            # Some write 0 or -1 for a free one.
            dim = signed(entry.value) if signed(entry.value) > 0 else None
        elif entry.number == 2:
            dim = words(content) or None
    return dim
