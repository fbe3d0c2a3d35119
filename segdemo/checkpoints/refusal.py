"""Explains why a state dict is not recognised: what it is like, what is closest, a way out."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from segdemo.architectures import ARCHITECTURES
from segdemo.checkpoints.nearest import NearMiss
from segdemo.checkpoints.structure.layers import Layer, Layers, read_layers
from segdemo.errors import UnknownNetworkError
from segdemo.strings import text
from segdemo.wording import shown

# Names that only this family has, each to be found somewhere among the keys.
_FAMILIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "family_sam": ("Segment Anything", (r"^image_encoder\.", r"^(prompt_encoder|mask_decoder)\.")),
    "family_sam2": (
        "Segment Anything 2 or 3",
        (r"(^|\.)(sam_prompt_encoder|sam_mask_decoder|geometry_encoder|shared_image_embedding)\.",),
    ),
    "family_clipseg": ("CLIPSeg", (r"(^|\.)film_mul\.",)),
    "family_detectron2": (
        "detectron2",
        (r"^(backbone\.bottom_up|roi_heads|proposal_generator|sem_seg_head)\.",),
    ),
    "family_ben2": ("BEN2", (r"^backbone\.patch_embed\.", r"^multifieldcrossatt\.")),
    "family_mmseg": ("mmsegmentation", (r"^backbone\.", r"^decode_head\.conv_seg\.")),
    "family_nnunet": ("nnU-Net", (r"^encoder\.stages\.", r"^decoder\.seg_layers\.")),
    "family_nnunet_1": ("nnU-Net", (r"^conv_blocks_context\.", r"^seg_outputs\.")),
    "family_yolo": ("YOLO", (r"^\d+\.(cv\d|m\.\d+)\.", r"^\d+\.(dfl|proto|cv4)\.")),
    "family_monai": ("MONAI", (r"\.adn\.[AN]\.|^swinViT\.|\.conv\.unit\d\.",)),
}
_WAYS = {"family_sam2": "family_sam", "family_nnunet_1": "family_nnunet"}
_MOST_WIDTHS = 6


def refusal(tensors: Mapping[str, Tensor], nearest: NearMiss | None) -> UnknownNetworkError:
    """What to raise for tensors of no network known here; ``nearest`` is the closest one."""
    layers = read_layers(tensors)
    return (
        _volumes(layers, len(tensors))
        or _family(tensors)
        or (nearest and _near(nearest, len(tensors)))
        or _alike(layers, len(tensors))
    )


def _alike(layers: Layers, count: int) -> UnknownNetworkError:
    if not layers.of("conv"):
        return UnknownNetworkError("checkpoint_unknown", count=count)
    return UnknownNetworkError("checkpoint_alike", count=count, likeness=likeness(layers))


def likeness(layers: Layers) -> str:
    """The layers in a few words: how many of which kind, kernels, widths, what enlarges."""
    convolutions = layers.of("conv")
    kernels = sorted({layer.kernel for layer in convolutions if layer.kernel})
    widths = sorted({width for layer in convolutions for width in layer.shape[:2]})
    enlarging = [layer for layer in convolutions if _is_transposed(layer)]
    return text(
        "like_convolutions",
        count=len(convolutions),
        kernels=", ".join(map(str, kernels)),
        norms=len(layers.of("norm")),
        linear=len(layers.of("linear")),
        transposed=len(enlarging),
        widths=_few(widths),
    )


def _is_transposed(layer: Layer) -> bool:
    return layer.may_be_transposed and (not layer.may_be_conv or layer.kernel in (2, 4))


def _few(widths: list[int]) -> str:
    """All of them, or the smallest and the largest."""
    if len(widths) <= _MOST_WIDTHS:
        return ", ".join(map(str, widths))
    half = _MOST_WIDTHS // 2
    return ", ".join([*map(str, widths[:half]), "…", *map(str, widths[-half:])])


def _volumes(layers: Layers, count: int) -> UnknownNetworkError | None:
    if layers.dimensions != 3:
        return None
    deep = next(layer for layer in layers.all if len(layer.shape) == 5)
    example = f"{shown(deep.keys['weight'])}: {' × '.join(map(str, deep.shape))}"
    return UnknownNetworkError("checkpoint_volumes", count=count, example=example)


def _family(names: Mapping[str, Tensor]) -> UnknownNetworkError | None:
    """The error that names a family which is built by a library of its own."""
    for key, (family, patterns) in _FAMILIES.items():
        if all(any(re.search(pattern, name) for name in names) for pattern in patterns):
            return UnknownNetworkError(
                "checkpoint_family", family=family, way_out=text(_WAYS.get(key, key))
            )
    return None


def _near(miss: NearMiss, count: int) -> UnknownNetworkError:
    """Says which network is closest, and what first keeps the tensors from being it."""
    facts: dict[str, Any] = {
        "title": miss.architecture.title,
        "origin": miss.mapping.origin,
        "count": count,
    }
    if not miss.differences:
        return UnknownNetworkError("checkpoint_misfit", **facts)
    first = miss.differences[0]
    facts["first"] = shown(first.name)
    if first.here is None:
        return UnknownNetworkError("checkpoint_near_missing", **facts)
    facts["differing"] = len(miss.differences)
    if first.fits is None:
        return UnknownNetworkError("checkpoint_near_surplus", **facts)
    return UnknownNetworkError("checkpoint_near", **facts, here=first.here, fits=first.fits)


def refuse_lookalikes(names: Collection[str]) -> None:
    """Raises UnknownNetworkError for the names of a spelling with another network's among them."""
    for architecture in ARCHITECTURES:
        for mapping in filter(lambda mapping: mapping.lookalikes, architecture.mappings):
            added = {first for name in names if (first := _first(name)) in mapping.lookalikes}
            rest = [name for name in names if _first(name) not in added]
            if added and rest and all(map(mapping.match, rest)):
                module = min(added)
                raise UnknownNetworkError(mapping.lookalikes[module], module=module)


def _first(name: str) -> str:
    return name.partition(".")[0]
