"""Reads the config.json of transformers against a list of what is allowed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from segdemo.libraries.base import Library
from segdemo.libraries.settings_check import MOST_CLASSES, refuse

TRANSFORMERS = Library(
    name="transformers", modules=("transformers",), extra="requirements-transformers.txt"
)

PER_PIXEL: Mapping[str, str] = {
    "segformer": "SegformerForSemanticSegmentation",
    "upernet": "UperNetForSemanticSegmentation",
    "beit": "BeitForSemanticSegmentation",
    "data2vec-vision": "Data2VecVisionForSemanticSegmentation",
    "dpt": "DPTForSemanticSegmentation",
    "mobilevit": "MobileViTForSemanticSegmentation",
    "mobilevitv2": "MobileViTV2ForSemanticSegmentation",
    "mobilenet_v2": "MobileNetV2ForSemanticSegmentation",
}
"""Types of networks that score every pixel -> their classes."""

BY_QUERIES: Mapping[str, str] = {
    "mask2former": "Mask2FormerForUniversalSegmentation",
    "maskformer": "MaskFormerForInstanceSegmentation",
    "oneformer": "OneFormerForUniversalSegmentation",
    "eomt": "EomtForUniversalSegmentation",
}
"""Types of networks that answer with masks and a class for each -> their classes."""

CLASSES: Mapping[str, str] = {**PER_PIXEL, **BY_QUERIES}

_PARTS = frozenset(
    {
        *("swin", "swinv2", "maskformer-swin", "convnext", "convnextv2", "resnet", "bit", "beit"),
        *("dinov2", "detr"),
    }
)
"""Types of what may stand inside of a network."""

# What says where a file came from or how it is to be run, and no tensor depends on.
_NOT_NEEDED = frozenset(
    {
        *("architectures", "auto_map", "_name_or_path", "transformers_version", "torch_dtype"),
        *("dtype", "quantization_config", "_attn_implementation", "attn_implementation"),
        *("_commit_hash", "problem_type", "task_specific_params", "model_type", "id2label"),
        *("label2id", "num_labels", "torchscript", "generation_config", "reduce_labels"),
        *("output_attentions", "output_hidden_states", "return_dict", "use_cache", "pruned_heads"),
    }
)
# Names of networks to be fetched, and what timm is to be told.
_FETCHING = frozenset(
    {"backbone", "backbone_kwargs", "use_timm_backbone", "use_pretrained_backbone"}
)

_MOST_WHOLE = 100_000
_MOST_PARTS = 256  # of what stands behind one another
_MOST_ENTRIES = 256
_COUNTS = ("layers", "depth", "blocks", "stages", "iterations", "num_neck", "num_fusion")


@dataclass(frozen=True, kw_only=True)
class TransformersConfig:
    """A network of the library and how it is built."""

    type: str
    """As the library calls it: "segformer"."""
    in_channels: int
    classes: int
    labels: tuple[str, ...]
    """What stands in ``id2label``, filled in by the library where nobody did."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What shapes the network, in the library's words."""

    @property
    def network(self) -> str:
        """The name of its class."""
        return CLASSES[self.type]

    @property
    def side(self) -> int | None:
        """Pixels of the square that it takes, of a network that takes no other size."""
        size = self.settings.get("image_size")
        if self.type not in ("beit", "data2vec-vision", "eomt"):
            return None
        return size if isinstance(size, int) else _DEFAULT_SIDES[self.type]


_DEFAULT_SIDES = {"beit": 224, "data2vec-vision": 224, "eomt": 640}


def is_transformers(document: Mapping[str, Any]) -> bool:
    """Whether a config.json is of a network for segmentation of the library's own."""
    kind, classes = document.get("model_type"), document.get("architectures")
    if not isinstance(kind, str) or kind not in CLASSES:
        return False
    return not isinstance(classes, list) or not classes or classes == [CLASSES[kind]]


def read_settings(document: Mapping[str, Any]) -> TransformersConfig:
    """The network that a config.json describes. Raises UnknownNetworkError for what would fetch
    something, and for numbers beyond all sense.
    """
    labels = tuple(_labels(document))
    settings = dict(_cleaned(document, 0))
    part = settings.get("backbone_config")
    channels = settings.get("num_channels") or (part or {}).get("num_channels") or 3
    return TransformersConfig(
        type=document["model_type"],
        in_channels=channels,
        classes=len(labels),
        labels=labels,
        settings=settings,
    )


def _labels(document: Mapping[str, Any]) -> Iterator[str]:
    """The names of the classes; as many as there are numbers where they have no names."""
    names = document.get("id2label")
    count = document.get("num_labels", 2)
    if isinstance(names, dict):
        if not 0 < len(names) <= MOST_CLASSES:
            refuse(TRANSFORMERS.name, "id2label", len(names))
        yield from (str(names.get(str(n), f"LABEL_{n}")) for n in range(len(names)))
    elif type(count) is int and 0 < count <= MOST_CLASSES:
        yield from (f"LABEL_{n}" for n in range(count))
    else:
        refuse(TRANSFORMERS.name, "num_labels", count)


def _cleaned(document: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    """The settings that shape a network, each of a sensible size."""
    for name, value in document.items():
        if name in _FETCHING:
            # Inside of a part it is never built.
            if value and not depth:
                refuse(TRANSFORMERS.name, name, value)
        elif name in _NOT_NEEDED:
            continue
        elif name.startswith("_"):
            refuse(TRANSFORMERS.name, name, value)
        elif isinstance(value, dict):
            if depth or not value:
                continue
            if not name.endswith("_config") or value.get("model_type") not in _PARTS:
                refuse(TRANSFORMERS.name, name, value.get("model_type", value))
            yield name, {"model_type": value["model_type"], **dict(_cleaned(value, depth + 1))}
        elif _is_sensible(name, value):
            yield name, value
        else:
            refuse(TRANSFORMERS.name, name, value)


def _is_sensible(name: str, value: Any) -> bool:
    most = _MOST_PARTS if any(part in name for part in _COUNTS) else _MOST_WHOLE
    if isinstance(value, list):
        return len(value) <= _MOST_ENTRIES and all(_is_sensible(name, one) for one in value)
    if isinstance(value, str):
        return len(value) <= 100 and "/" not in value and ":" not in value
    if isinstance(value, bool | None):
        return True
    return isinstance(value, int | float) and abs(value) <= most
