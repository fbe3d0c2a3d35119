"""A graph as a checkpoint that was recognised, from all of its file or from a look at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, ClassVar

import torch
from torch import Tensor, nn

from segdemo.architectures import KeyMapping
from segdemo.checkpoints.detection import Detection
from segdemo.checkpoints.file_types import HEAD_BYTES, sentence_for
from segdemo.errors import CheckpointError, FileError, UnknownNetworkError
from segdemo.graphs.config import ARCHITECTURE, GraphConfig
from segdemo.graphs.interface import candidates, picture
from segdemo.graphs.model import Part
from segdemo.graphs.reader import Model, read_model
from segdemo.wording import amount, shown

_CPU = torch.device("cpu")
_PACKAGES = ("onnx", "onnxruntime")
_OPERATORS = frozenset({"", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training"})
_ENDLESS = frozenset({"Loop", "Scan"})
_RUNTIME = ("com.microsoft", "com.ms.internal")
_TRIED_SIDE = 256  # pixels of an image whose shapes are asked for where sizes are free


@dataclass(frozen=True, eq=False, kw_only=True)
class GraphDetection(Detection):
    """A graph in a file; what runs it is made by ``build``, the weights stay in the file."""

    note_key: ClassVar[str] = "note_graph"
    chosen_key: ClassVar[str] = "origin_graph"
    others_key: ClassVar[str] = "note_outputs"

    model: Model
    path: Path
    device: torch.device = _CPU
    tensors: Mapping[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def parameters(self) -> int:
        """How many numbers its weights have."""
        return self.model.parameters

    def build(self) -> nn.Module:
        """What runs the graph on ``device``, or on the CPU where onnxruntime has no other.

        Raises FileError.
        """
        require_packages(self.model.name)
        # An optional package, which nobody else waits for.
        from segdemo.graphs.session import GraphNetwork  # noqa: PLC0415

        return GraphNetwork(self.path, self.model, self.config, self.device).eval()

    def without_weights(self) -> Detection:
        """The same: it holds none."""
        return self


def is_graph(file: BinaryIO) -> bool:
    """Whether a seekable file begins as an ONNX model does."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return sentence_for(head) == "file_onnx"


def require_packages(name: str) -> None:
    """Raise FileError unless onnxruntime and onnx are installed."""
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise FileError("graph_packages", name=name, missing=", ".join(missing))


def look(file: BinaryIO, *, name: str, size: int, folder: Path | None = None) -> Detection:
    """The graph in a file, from its beginning and its end alone; it cannot be built.

    ``folder`` is where its other files lie; None where there are none. Raises FileError or
    UnknownNetworkError, and OSError where the file does.
    """
    require_packages(name)
    model = read_model(file, name=name, size=size, whole=False)
    _check(model, folder)
    return _detection(model, candidates(model, {}), Path(name))


def detect_graph(
    path: Path, *, device: torch.device, budget: int, assume: str | None = None
) -> GraphDetection:
    """The graph in a file, all of it but the numbers read. ``assume`` is the name of the output.

    Raises FileError or UnknownNetworkError, and CheckpointError where every image would need more
    than ``budget`` bytes, before anything of the graph is computed.
    """
    require_packages(path.name)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            model = read_model(file, name=path.name, size=size, whole=True)
    except OSError as error:
        raise FileError("file_unreadable", name=path.name) from error
    _check(model, path.parent)
    # Of an optional package.
    from segdemo.graphs.shapes import inferred, peak_bytes  # noqa: PLC0415

    given = picture(model)
    shape = given.input_shape(given.size or (_TRIED_SIDE, _TRIED_SIDE))
    needed = size + model.beside + peak_bytes(model, given.input, shape)
    if needed > budget:
        facts = {"needed": amount(needed), "limit": amount(budget)}
        raise CheckpointError("checkpoint_memory", name=path.name, **facts)
    found = candidates(model, inferred(model, given.input, shape))
    if not all(config.classes or config.labels for config in found):
        from segdemo.graphs.session import tried  # noqa: PLC0415 (an optional package)

        # What no rule tells, the graph does.
        found = candidates(model, tried(path, model, given.input, shape, given.kind))
    found = [config for config in found if config.classes] or found
    if not found[0].classes:
        raise FileError("graph_classes", name=path.name, output=shown(found[0].output))
    detection = replace(_detection(model, found, path), device=device)
    if assume is None or assume == detection.id:
        return detection
    readings = (detection, *detection.alternatives)
    meant = [one for one in readings if one.id == assume]
    if not meant:
        possible = ", ".join(one.id for one in readings)
        raise UnknownNetworkError("checkpoint_assume", assumed=shown(assume), possible=possible)
    others = tuple(replace(one, alternatives=()) for one in readings if one is not meant[0])
    chosen = replace(meant[0], alternatives=others)
    assert isinstance(chosen, GraphDetection)
    return replace(chosen, device=device)


def _detection(model: Model, found: Sequence[GraphConfig], path: Path) -> GraphDetection:
    first, *others = [
        GraphDetection(
            architecture=ARCHITECTURE,
            mapping=KeyMapping(id=shown(config.output), origin=shown(config.output), renames={}),
            config=config,
            model=model,
            path=path,
        )
        for config in found
    ]
    return replace(first, alternatives=tuple(others))


def _check(model: Model, folder: Path | None) -> None:
    """Raises FileError for operators of strangers, and weights that lie where nobody looks."""
    parts = list(model.part.everything())
    used = {node.domain for part in parts for node in part.nodes}
    used |= set() if model.complete else set(model.opsets)
    strange = [
        domain
        for domain in sorted(used - _OPERATORS - model.functions)
        if not domain.startswith(_RUNTIME)
    ]
    if strange and model.complete:
        raise FileError("graph_operators", name=model.name, domain=shown(strange[0]))
    loops = {node.op for part in parts for node in part.nodes} & _ENDLESS
    if loops:
        raise FileError("graph_loops", name=model.name, operation=min(loops))
    for location in _locations(parts):
        model.beside += _require_beside(model, location, folder)


def _locations(parts: Sequence[Part]) -> list[str]:
    constants = [one for part in parts for one in part.constants.values()]
    values = [value for part in parts for node in part.nodes for value in node.attributes.values()]
    constants += [value for value in values if hasattr(value, "location")]
    return sorted({one.location for one in constants if one.location is not None})


def _require_beside(model: Model, location: str, folder: Path | None) -> int:
    """The bytes of a file beside a graph."""
    other = Path(location)
    facts = {"name": model.name, "file": shown(location)}
    if other.is_absolute() or ".." in other.parts or "\\" in location or ":" in location:
        raise FileError("graph_outside", **facts)
    if folder is None or not (folder / other).is_file():
        raise FileError("graph_beside", **facts)
    # A link in the Hub's cache leads out of it by design; anywhere else out of the folder is out.
    if (folder / other).is_symlink() and not _is_cached(folder):
        raise FileError("graph_outside", **facts)
    return (folder / other).stat().st_size


def _is_cached(folder: Path) -> bool:
    return "snapshots" in folder.parts
