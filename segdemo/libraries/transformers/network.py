"""Builds the networks of transformers, offline, and has them answer with a map for each class."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures import Architecture, SizeRequirements
from segdemo.errors import UnknownNetworkError
from segdemo.libraries.base import not_inferred
from segdemo.libraries.transformers.settings import BY_QUERIES, TRANSFORMERS, TransformersConfig

_MASKS_AT = {"mask2former": (384, 384)}
"""To which height and width the library brings masks before it weighs them; those of a network
that takes images of one size to this size."""

# "the task is semantic" in the tokens of CLIP, of which the last word has two (seman, tic); zeros
# follow, as the library multiplies what it pads by the mask.
_TASK = (49406, 518, 10549, 533, 29119, 1550, 49407)
_OF_BACKBONES = ("out_features", "out_indices")
_OF_TRAINING = ("criterion.",)  # weights of classes in the loss
_LEAST_SCORE = 1e-12  # so that a logarithm exists


class PerPixel(nn.Module):
    """Logits (N, classes, H, W) at the size of the images, enlarged as the library does."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> logits."""
        logits: Tensor = self.network(pixel_values=x).logits
        return _enlarged(logits, x.shape[2:])


class ByQueries(nn.Module):
    """Logarithms of the scores (N, classes, H, W) by which the library decides for a class.

    A score is the sum over all queries of the probability of the class times that of the mask; a
    softmax of its logarithm is its share among all classes, so that the same class wins.
    """

    task: Tensor | None

    def __init__(
        self, network: nn.Module, *, at: tuple[int, int] | None, task: Tensor | None
    ) -> None:
        super().__init__()
        self.network = network
        self.at = at
        self.register_buffer("task", task, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> logarithms of scores."""
        more = {} if self.task is None else {"task_inputs": self.task.expand(len(x), -1)}
        answer = self.network(pixel_values=x, **more)
        masks = answer.masks_queries_logits
        if self.at is not None:
            masks = functional.interpolate(
                masks, size=self.at, mode="bilinear", align_corners=False
            )
        classes = answer.class_queries_logits.softmax(dim=-1)[..., :-1]
        scores = torch.einsum("bqc,bqhw->bchw", classes, masks.sigmoid())
        return _enlarged(scores, x.shape[2:]).clamp_min(_LEAST_SCORE).log()


def _enlarged(maps: Tensor, size: torch.Size) -> Tensor:
    if maps.shape[2:] == size:
        return maps
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def _library() -> Any:
    """The library, which is an extra, on its first use."""
    import transformers  # noqa: PLC0415

    return transformers


def assemble(config: TransformersConfig, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The library's network with these tensors, in either of its two spellings.

    Nothing is fetched: there is neither a path nor a name of a repository. Raises
    UnknownNetworkError unless the tensors are exactly the network's.
    """
    transformers = _library()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    described = _described(config)
    try:
        network, info = getattr(transformers, config.network).from_pretrained(
            None,
            config=described,
            state_dict={key: _stand_in(tensor) for key, tensor in tensors.items()},
            output_loading_info=True,
            local_files_only=True,
            dtype=torch.float32,
        )
    # What does not go together, the library says in errors of every kind.
    except Exception as error:
        raise UnknownNetworkError(
            "library_refuses", library=TRANSFORMERS.name, network=describe(config)
        ) from error
    # It loads with tensors missing and raises nothing.
    wrong = [
        name
        for names in info.values()
        for name in sorted(map(str, names))
        if not name.startswith(_OF_TRAINING)
    ]
    if wrong:
        raise UnknownNetworkError(
            "library_differs",
            library=TRANSFORMERS.name,
            network=describe(config),
            count=len(wrong),
            first=wrong[0][:80],
        )
    return _wrapped(config, described, network)


def _stand_in(tensor: Tensor) -> Tensor:
    """Of a tensor without numbers one that takes no memory: a zero, however often it counts."""
    if not tensor.is_meta:
        return tensor
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return torch.zeros((), dtype=dtype).expand(tensor.shape)


def _described(config: TransformersConfig) -> Any:
    """The library's own configuration. Raises UnknownNetworkError for what it does not take."""
    transformers = _library()
    kinds = transformers.CONFIG_MAPPING
    try:
        settings = {
            name: kinds[value["model_type"]](**_taken(kinds[value["model_type"]], value))
            if isinstance(value, dict)
            else value
            for name, value in _taken(kinds[config.type], config.settings).items()
        }
        labels = dict(enumerate(config.labels))
        return kinds[config.type](
            **settings,
            id2label=labels,
            label2id={label: number for number, label in labels.items()},
        )
    except Exception as error:
        raise UnknownNetworkError(
            "library_refuses", library=TRANSFORMERS.name, network=describe(config)
        ) from error


def _taken(kind: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a configuration of the library has; it would keep all others, too."""
    known = {*getattr(kind, "__dataclass_fields__", {}), *kind.attribute_map, *_OF_BACKBONES}
    return {name: value for name, value in settings.items() if name in known}


def _wrapped(config: TransformersConfig, described: Any, network: nn.Module) -> nn.Module:
    if config.type not in BY_QUERIES:
        return PerPixel(network)
    task = None
    if config.type == "oneformer":
        tokens = torch.zeros(1, described.task_seq_len, dtype=torch.long)
        tokens[0, : len(_TASK)] = torch.tensor(_TASK)
        task = tokens
    at = (config.side, config.side) if config.side else _MASKS_AT.get(config.type)
    return ByQueries(network, at=at, task=task)


def build(config: TransformersConfig) -> nn.Module:
    """The network with random weights."""
    transformers = _library()
    described = _described(config)
    return _wrapped(config, described, getattr(transformers, config.network)(described))


def describe(config: TransformersConfig) -> str:
    """The library's class, and on what it stands: "UperNetForSemanticSegmentation on swin"."""
    part = config.settings.get("backbone_config")
    return f"{config.network} on {part['model_type']}" if part else config.network


def requirements(config: TransformersConfig) -> SizeRequirements:
    """Whole patches, and at least one feature at the deepest level."""
    if config.type == "dpt":
        patch = int(config.settings.get("patch_size") or 16)
        return SizeRequirements(minimum=2 * patch, multiple_of=patch)
    if config.type in ("mask2former", "maskformer", "oneformer"):
        return SizeRequirements(minimum=64, multiple_of=32)
    return SizeRequirements(minimum=64)


ARCHITECTURE = Architecture(
    id="transformers",
    title="transformers",
    build=build,
    infer=not_inferred,
    mappings=(),
    describe=describe,
    requirements=requirements,
    assemble=assemble,
)
