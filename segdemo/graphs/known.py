"""Graphs of networks that are told by their operations, and how their code prepares images."""

from collections.abc import Mapping
from typing import Any

from segdemo.architectures import Architecture, isnet, modnet, u2net
from segdemo.graphs.config import GraphConfig
from segdemo.graphs.model import Node
from segdemo.graphs.reader import Model

_POOLS = 33
"""Of U²-Net and IS-Net, whatever their widths: 5, 5, 4, 3 in six nested stages, and between."""
_NORMS, _DEPTHWISE = 16, 17
"""Of MODNet, whose encoder is MobileNetV2."""


def recipe_of(model: Model, config: GraphConfig) -> tuple[str, Mapping[str, Any]] | None:
    """The code base and its recipe, in the spec's JSON form; None for other graphs.

    Norms may have become part of convolutions, and names are none: pools and strides stay.
    """
    nodes = model.part.nodes
    if len(_of(nodes, "MaxPool")) == _POOLS:
        stem = next((node for node in _of(nodes, "Conv") if config.input in node.inputs), None)
        halves = stem is not None and stem.attributes.get("strides") == (2, 2)
        return _recipe(isnet.ARCHITECTURE if halves else u2net.ARCHITECTURE)
    depthwise = [node for node in _of(nodes, "Conv") if node.attributes.get("group", 1) > 1]
    norms = _of(nodes, "InstanceNormalization")
    if (len(norms), len(depthwise)) == (_NORMS, _DEPTHWISE):
        return _recipe(modnet.ARCHITECTURE)
    return None


def _of(nodes: list[Node], op: str) -> list[Node]:
    return [node for node in nodes if node.op == op]


def _recipe(architecture: Architecture) -> tuple[str, Mapping[str, Any]]:
    """That of the first code base which has one, its authors'."""
    authors = next(mapping for mapping in architecture.mappings if mapping.recipe)
    return authors.origin, authors.recipe
