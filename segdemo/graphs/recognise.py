"""Reads an ONNX file: how images go into its graph and how masks come out, and who says so."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from segdemo.architectures.parts.data_sets import IMAGENET
from segdemo.checkpoints.recognise import Recognised, resolve_spec
from segdemo.checkpoints.safetensors_header import parse_metadata
from segdemo.graphs.config import GraphConfig
from segdemo.graphs.detection import detect_graph, is_graph
from segdemo.graphs.ends import activation, preparation
from segdemo.graphs.known import recipe_of
from segdemo.spec import ASSUMED, GRAPH

_Layer = dict[str, dict[str, Any]]
_USUAL_MULTIPLE = 32
"""Of both sides, where sizes are free: what encoders of five strides need."""


def opens_graph(path: str | Path) -> bool:
    """Whether the file is an ONNX model by its content; False where it cannot be opened."""
    try:
        with Path(path).open("rb") as file:
            return is_graph(file)
    except OSError:
        return False


def recognise_graph(
    path: str | Path,
    *,
    device: torch.device,
    budget: int,
    assume: str | None = None,
    overrides: Mapping[str, Any] = MappingProxyType({}),
) -> Recognised:
    """What ``recognise`` gives, of an ONNX file; its network runs on ``device`` if it can.

    ``budget``: the bytes that an image may need.

    Fields that nobody speaks of, as the normalisation of nearly all graphs, are filled with what
    is usual, under the origin ASSUMED. Raises CheckpointError.
    """
    path = Path(path)
    detection = detect_graph(path, device=device, budget=budget, assume=assume)
    model, config = detection.model, detection.config
    metadata = parse_metadata(model.metadata)
    told = {"preprocessing": _size(config), "postprocessing": {}}
    if (given := preparation(model, config)) is not None:
        told["preprocessing"].update(given)
    if (found := activation(model, config)) is not None:
        told["postprocessing"]["activation"] = found
    known = recipe_of(model, config)
    spec = resolve_spec(
        detection,
        metadata,
        path=path,
        overrides=overrides,
        certain=[(GRAPH, told)],
        usual=[*([known] if known else []), (ASSUMED, _usual(config, values=known is None))],
    )
    return Recognised(detection=detection, spec=spec, metadata=metadata)


def _size(config: GraphConfig) -> dict[str, Any]:
    if config.size is None:
        return {}
    return {"resize": "stretch", "side": max(config.size), "multiple_of": 1}


def _usual(config: GraphConfig, *, values: bool) -> _Layer:
    """``values``: whether nobody else speaks of divisor, mean or deviation."""
    usual: dict[str, Any] = {"multiple_of": _USUAL_MULTIPLE}
    if values:
        usual["divisor"] = 255.0
        usual |= IMAGENET if config.in_channels == 3 else {}
    single = "sigmoid" if config.classes == 1 else "softmax"
    return {"preprocessing": usual, "postprocessing": {"activation": single}}
