"""How the encoders of segmentation_models_pytorch are fed: mean and deviation by name.

The library asks the Hub for these. They are those of the weights that a training begins with, as
its own list up to version 0.3.4 gave them (encoders/*.py, ``pretrained_settings``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from segdemo.architectures.parts.data_sets import IMAGENET

_HALVES = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
_DPN = {"mean": [124 / 255, 117 / 255, 104 / 255], "std": [1 / (0.0167 * 255)] * 3}

# By how a name begins; all others are fed as ImageNet's are.
_BY_NAME: Mapping[str, Mapping[str, Sequence[float]]] = {
    **dict.fromkeys(("inception", "xception", "timm-tf_efficientnet_lite"), _HALVES),
    "dpn": _DPN,
}
# By the weights that the training began with.
_BY_WEIGHTS: Mapping[str, Mapping[str, Sequence[float]]] = {"advprop": _HALVES}


def of_registry(encoder: str, weights: str | None) -> Mapping[str, Any]:
    """Mean and deviation of an encoder of the library's own list, of values from 0 to 1."""
    if weights is not None and weights in _BY_WEIGHTS:
        return _BY_WEIGHTS[weights]
    return next((v for start, v in _BY_NAME.items() if encoder.startswith(start)), IMAGENET)
