"""Reads an ONNX file by seeking: everything but the numbers, or its beginning and end alone."""

from dataclasses import dataclass, field
from math import prod
from typing import BinaryIO

from segdemo.errors import FileError
from segdemo.graphs.model import (
    KINDS,
    NUMBER_FIELDS,
    SMALL_BYTES,
    Part,
    add_to,
    read_pair,
    read_value,
)
from segdemo.graphs.wire import (
    LENGTH,
    Field,
    WireError,
    encoded,
    encoded_number,
    fields_in,
    fields_of,
    words,
)

_INT64 = 7  # of shapes and axes, not of weights
_MAX_NODES = 100_000
_MAX_NODE_BYTES = 1 << 24  # of one node, constants in it included
_MAX_SKETCH_BYTES = 1 << 28  # of all that is kept of a file
_FIRST_BYTES = 64 * 1024  # of nodes, for a look
_LAST_BYTES = (48 * 1024, 256 * 1024, 512 * 1024)
_INPUT_TAG = 11 << 3 | LENGTH
_BEHIND_WEIGHTS = frozenset({10, 11, 12, 13, 14, 15, 16})  # fields of GraphProto


@dataclass(kw_only=True)
class Model:
    """An ONNX model without the numbers of its weights."""

    name: str
    """Of the file."""
    size: int
    beside: int = 0
    """Bytes of weights in other files."""
    part: Part = field(default_factory=Part)
    complete: bool = True
    """Whether all nodes and weights were read, and not the beginning and the end alone."""
    ir_version: int = 0
    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    """Domains of functions that the model brings itself."""
    metadata: dict[str, str] = field(default_factory=dict)
    sketch: bytes = b""
    """The same as an ONNX model for shape inference: weights without numbers, constants with."""

    @property
    def parameters(self) -> int:
        """Numbers in its weights; of a look, as many as the file's bytes may be."""
        if not self.complete:
            return self.size // 4
        weights = (one for one in self.part.constants.values() if one.shape and one.kind != _INT64)
        return sum(prod(one.shape) for one in weights)


def read_model(file: BinaryIO, *, name: str, size: int, whole: bool) -> Model:
    """The model in a seekable file of ``size`` bytes; a look reads 200 kB of it at most.

    Raises FileError, and OSError where the file does.
    """
    try:
        return _Reader(file, name, size, whole).read()
    except (WireError, RecursionError, OverflowError, ValueError) as error:
        raise FileError("file_damaged", name=name) from error


class _Reader:
    def __init__(self, file: BinaryIO, name: str, size: int, whole: bool) -> None:
        self._file = file
        self._whole = whole
        self._model = Model(name=name, size=size)
        self._sketch: list[bytes] = []
        self._kept = 0

    def read(self) -> Model:
        model = self._model
        found = False
        for entry in fields_in(self._file, 0, model.size):
            if entry.number == 7 and entry.wire == LENGTH:
                found = True
                self._graph(entry)
            elif entry.wire == LENGTH and entry.number in (2, 8, 14, 25):
                self._of_model(entry)
            elif entry.number == 1:
                model.ir_version = entry.value
        if not found:
            raise WireError
        if self._whole:
            model.sketch = self._whole_sketch()
        return model

    def _content(self, entry: Field, limit: int = _MAX_NODE_BYTES) -> bytes:
        self._kept += entry.length
        if entry.length > limit or self._kept > _MAX_SKETCH_BYTES:
            raise WireError
        self._file.seek(entry.start)
        content = self._file.read(entry.length)
        if len(content) != entry.length:
            raise WireError
        return content

    def _of_model(self, entry: Field) -> None:
        content, model = self._content(entry), self._model
        if entry.number == 2:
            model.producer = words(content)
        elif entry.number == 14:
            key, value = read_pair(content)
            model.metadata[key] = value
        else:
            domain, version = "", 0
            for inner, said in fields_of(content):
                if inner.number == (1 if entry.number == 8 else 10):
                    domain = words(said)
                elif inner.number == 2:
                    version = inner.value
            domain = "" if domain == "ai.onnx" else domain
            if entry.number == 8:
                model.opsets[domain] = version
            else:
                model.functions.add(domain)
            self._sketch.append(encoded(entry.number, content))

    def _graph(self, graph: Field) -> None:
        part, kept = self._model.part, []
        for entry in fields_in(self._file, graph.start, graph.end):
            far = entry.start - graph.start > _FIRST_BYTES or entry.length > _FIRST_BYTES
            if not self._whole and far and not part.inputs:
                self._model.complete = False
                self._end(graph)
                return
            if entry.wire != LENGTH or entry.number in (10, 14):
                continue
            content = self._weight(entry) if entry.number == 5 else self._content(entry)
            add_to(part, entry, content)
            if len(part.nodes) > _MAX_NODES:
                raise WireError
            if self._whole:
                kept.append(encoded(entry.number, content))
        self._sketch.append(encoded(7, b"".join(kept)))

    def _weight(self, entry: Field) -> bytes:
        """TensorProto without numbers, where they are many."""
        if entry.length <= SMALL_BYTES:
            return self._content(entry)
        kept = []
        for inner in fields_in(self._file, entry.start, entry.end):
            if inner.wire != LENGTH:
                if inner.number not in NUMBER_FIELDS:
                    kept.append(encoded_number(inner.number, inner.value))
            elif inner.number not in NUMBER_FIELDS or inner.length <= SMALL_BYTES // 2:
                kept.append(encoded(inner.number, self._content(inner)))
        return b"".join(kept)

    def _end(self, graph: Field) -> None:
        """Inputs and outputs, which stand behind the weights: the first place from which on
        fields of the graph follow each other to its very end."""
        for count in _LAST_BYTES:
            start = max(graph.start, graph.end - count)
            self._file.seek(start)
            data = self._file.read(graph.end - start)
            place = data.find(_INPUT_TAG)
            while place >= 0:
                if self._take(data[place:]):
                    return
                place = data.find(_INPUT_TAG, place + 1)
            if start == graph.start:
                break
        raise WireError

    def _take(self, data: bytes) -> bool:
        try:
            entries: list[tuple[Field, bytes]] = []
            for entry, content in fields_of(data):
                if entry.wire != LENGTH or entry.number not in _BEHIND_WEIGHTS:
                    return False
                if not entries and not read_value(content).kind:
                    return False
                entries.append((entry, content))
            for entry, content in entries:
                if entry.number in (11, 12):
                    add_to(self._model.part, entry, content)
        except WireError:
            self._model.part.inputs.clear()
            self._model.part.outputs.clear()
            return False
        return True

    def _whole_sketch(self) -> bytes:
        return encoded_number(1, self._model.ir_version) + b"".join(self._sketch)


def item_bytes(kind: str) -> int:
    """Bytes of one number."""
    return next((count for name, count in KINDS.values() if name == kind), 4)
