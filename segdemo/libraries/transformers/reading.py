"""Reads a checkpoint of transformers that lies beside its config.json."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from segdemo.architectures.parts.data_sets import IMAGENET
from segdemo.libraries.base import LibraryNetwork, exact_names
from segdemo.libraries.transformers import network as networks
from segdemo.libraries.transformers.settings import (
    BY_QUERIES,
    TRANSFORMERS,
    TransformersConfig,
    read_settings,
)

_HALVES = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
_SHORT = {**IMAGENET, "resize": "shortest", "side": 800, "longest": 1333}

_RECIPES: Mapping[str, Mapping[str, Any]] = {
    "segformer": {**IMAGENET, "resize": "stretch", "side": 512},
    "upernet": {**IMAGENET, "resize": "stretch", "side": 512},
    "beit": {**_HALVES, "resample": "bicubic"},
    "data2vec-vision": {**_HALVES, "resample": "bicubic"},
    "dpt": {**_HALVES, "resize": "stretch", "side": 384, "resample": "bicubic"},
    "mobilevit": {"channels": "bgr", "resize": "shortest", "side": 288},
    "mobilevitv2": {"channels": "bgr", "resize": "shortest", "side": 288},
    "mobilenet_v2": {**_HALVES, "resize": "shortest", "side": 513},
    "mask2former": _SHORT,
    "maskformer": _SHORT,
    "oneformer": _SHORT,
    "eomt": IMAGENET,
}
"""What the image processor of a type does where no file says otherwise."""


def read(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> LibraryNetwork:
    """The network that a config.json describes, with these tensors.

    Raises UnknownNetworkError where the library is missing, a setting is not allowed, or the
    tensors are not those of the network.
    """
    config = read_settings(document)
    TRANSFORMERS.require(networks.describe(config))
    networks.assemble(config, {key: tensor.to("meta") for key, tensor in tensors.items()})
    return LibraryNetwork(
        architecture=networks.ARCHITECTURE,
        mapping=exact_names(
            f"transformers.{config.type}", TRANSFORMERS, tensors, known={}, recipe=_recipe(config)
        ),
        config=config,
        tensors=tensors,
    )


def _recipe(config: TransformersConfig) -> dict[str, Any]:
    preprocessing = dict(_RECIPES[config.type])
    if config.side is not None:
        preprocessing |= {"resize": "stretch", "side": config.side}
    recipe: dict[str, Any] = {"preprocessing": preprocessing}
    if config.type in BY_QUERIES:
        recipe["postprocessing"] = {"activation": "softmax"}
    return recipe
