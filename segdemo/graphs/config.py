"""How an image goes into an ONNX graph and which of its outputs is the mask."""

from dataclasses import dataclass
from typing import Any

from segdemo.architectures import Architecture, KeyMapping, SizeRequirements
from segdemo.errors import FileError
from segdemo.wording import shown


@dataclass(frozen=True, kw_only=True)
class GraphConfig:
    """The configuration of a graph as a network."""

    in_channels: int
    classes: int
    """Channels of the mask; 0 where a look does not tell."""
    input: str
    """The name of the input."""
    output: str
    """The name of the mask."""
    kind: str = "float32"
    """NumPy's name of the input's numbers."""
    batch: int = 1
    size: tuple[int, int] | None = None
    """Height and width where they are fixed."""
    channels_last: bool = False
    answer_last: bool = False
    """Whether the channels of the mask stand last."""
    labels: bool = False
    """Whether the mask holds the number of a class at each pixel."""
    outputs: int = 1
    """How many there are in all."""
    opset: int = 0
    producer: str = ""

    def input_shape(self, size: tuple[int, int]) -> tuple[int, ...]:
        """The shape of the input for images of height and width ``size``."""
        if self.channels_last:
            return (self.batch, *size, self.in_channels)
        return (self.batch, self.in_channels, *size)


def describe(config: GraphConfig) -> str:
    """Size, numbers and output: "3 × 320 × 320 uint8, output d0 of 7, opset 17, pytorch"."""
    size: tuple[object, ...] = config.size or ("H", "W")
    sides = (*size, config.in_channels) if config.channels_last else (config.in_channels, *size)
    facts = [f"{' × '.join(map(str, sides))} {config.kind}", f"output {shown(config.output)}"]
    if config.outputs > 1:
        facts[1] += f" of {config.outputs}"
    if config.labels:
        facts.append("labels")
    if config.opset:
        facts.append(f"opset {config.opset}")
    if config.producer:
        facts.append(shown(config.producer))
    return ", ".join(facts)


def _no_module(config: object) -> None:
    # Only weights are built, trained and exported; recognise says so first.
    raise FileError("file_onnx", name="ONNX")


@dataclass(frozen=True, eq=False, kw_only=True)
class _Graphs(Architecture):
    """The one family that stands in no list."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _graphs, ()


def _graphs() -> Architecture:
    return ARCHITECTURE


ARCHITECTURE = _Graphs(
    id="onnx",
    title="ONNX",
    build=_no_module,  # type: ignore[arg-type]
    infer=_no_module,
    mappings=(KeyMapping(id="onnx", origin="onnx", renames={}),),
    describe=describe,
    requirements=lambda config: SizeRequirements(),
)
"""Graphs as a family; none of their networks is built from tensors."""
