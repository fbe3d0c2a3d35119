"""Tells the decoder of segmentation_models_pytorch by its names, and the encoder by its shapes."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor

from segdemo.libraries.smp.settings import TIMM, SmpConfig

_DATA = Path(__file__).with_name("encoders.json")
_ENCODER, _DECODER, _HEAD = "encoder.", "decoder.", "segmentation_head.0.weight"
_TIMM_INSIDE = "encoder.model."
_HEADS = (_ENCODER, _DECODER, "segmentation_head.", "classification_head.")
_DIGITS = 12

Shapes = Mapping[str, tuple[int, ...]]


def is_smp(tensors: Mapping[str, Tensor]) -> bool:
    """Whether all names are of the library's three parts."""
    return _HEAD in tensors and all(key.startswith(_HEADS) for key in tensors)


def signature(shapes: Shapes) -> str:
    """What tells an encoder: names, outputs and kernels of its tensors; how many channels come in
    differs from file to file.
    """
    lines = sorted(
        f"{name} {shape[:1]} {shape[2:]}"
        for name, shape in shapes.items()
        if not name.endswith("num_batches_tracked")
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_DIGITS]


@cache
def _index() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(_DATA.read_text(encoding="utf-8"))
    return found


def encoders_of(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of all encoders that have these shapes, the most usual first."""
    inside = _TIMM_INSIDE if any(key.startswith(_TIMM_INSIDE) for key in tensors) else _ENCODER
    shapes = {
        key.removeprefix(inside): tuple(tensor.shape)
        for key, tensor in tensors.items()
        if key.startswith(inside)
    }
    names = _index().get(signature(shapes), [])
    return [name for name in names if name.startswith(TIMM) == (inside == _TIMM_INSIDE)]


def candidates(tensors: Mapping[str, Tensor]) -> Iterator[SmpConfig]:
    """Networks that the tensors may be, the likeliest first; whether they fit is not known."""
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    decoder = _decoder(shapes)
    first = next((s for key, s in shapes.items() if key.startswith(_ENCODER) and len(s) == 4), None)
    if decoder is None or first is None:
        return
    name, arguments = decoder
    for encoder in encoders_of(tensors):
        for more in ({}, *_UNTOLD.get(name, ())):
            yield SmpConfig(
                decoder=name,
                encoder=encoder,
                in_channels=first[1],
                classes=shapes[_HEAD][0],
                arguments={**arguments, **more},
            )


_UNTOLD: Mapping[str, tuple[dict[str, Any], ...]] = {
    **dict.fromkeys(("Unet", "UnetPlusPlus", "MAnet"), ({"decoder_interpolation": "bilinear"},)),
    "DeepLabV3": ({"encoder_output_stride": 16},),
    "DeepLabV3Plus": ({"encoder_output_stride": 8},),
}
"""What no tensor tells -> the values beside the library's own."""


def _decoder(shapes: Shapes) -> tuple[str, dict[str, Any]] | None:
    """The class, and those of its arguments that shapes tell."""

    def has(name: str) -> bool:
        return f"{_DECODER}{name}" in shapes

    def out(name: str) -> int:
        return shapes[f"{_DECODER}{name}"][0]

    def row(template: str) -> list[int]:
        widths: list[int] = []
        while has(template.format(len(widths))):
            widths.append(out(template.format(len(widths))))
        return widths

    if has("center.top_conv.weight"):
        widths = row("blocks.{}.conv2.0.weight")
        pab = out("center.top_conv.weight")
        return "MAnet", {**_norm(shapes), **_depth(widths), "decoder_pab_channels": pab}
    if has("blocks.x_0_0.conv1.0.weight"):
        widths = row("blocks.x_0_{}.conv1.0.weight")
        return "UnetPlusPlus", {**_norm(shapes), **_depth(widths), **_attention(shapes)}
    if has("blocks.0.conv1.0.weight"):
        widths = row("blocks.{}.conv1.0.weight")
        return "Unet", {**_norm(shapes), **_depth(widths), **_attention(shapes)}
    if has("blocks.0.block.0.0.weight"):
        depth = len(row("blocks.{}.block.0.0.weight"))
        return "Linknet", {**_norm(shapes), "encoder_depth": depth}
    if has("p5.weight"):
        pyramid, widths = out("p5.weight"), row("seg_blocks.{}.block.0.block.0.weight")
        policy = "add" if shapes[_HEAD][1] == widths[0] else "cat"
        return "FPN", {
            "decoder_pyramid_channels": pyramid,
            "decoder_segmentation_channels": widths[0],
            "decoder_merge_policy": policy,
        }
    if has("psp.blocks.0.pool.1.0.weight"):
        return "PSPNet", {**_norm(shapes), "psp_out_channels": out("conv.0.weight")}
    if has("fpa.branch1.1.conv.weight"):
        return "PAN", {"decoder_channels": out("fpa.branch1.1.conv.weight")}
    if has("aspp.0.convs.0.0.weight"):
        return "DeepLabV3Plus", {"decoder_channels": out("aspp.0.convs.0.0.weight")}
    for name in ("aspp.convs.0.0.weight", "0.convs.0.0.weight"):
        if has(name):
            return "DeepLabV3", {"decoder_channels": out(name)}
    if has("fusion_block.0.weight"):
        return "UPerNet", {"decoder_channels": out("fusion_block.0.weight")}
    if has("fuse_stage.0.weight"):
        return "Segformer", {"decoder_segmentation_channels": out("fuse_stage.0.weight")}
    return None


def _norm(shapes: Shapes) -> dict[str, Any]:
    normed = any(key.startswith(_DECODER) and key.endswith("running_mean") for key in shapes)
    return {} if normed else {"decoder_use_norm": False}


def _depth(widths: list[int]) -> dict[str, Any]:
    return {"encoder_depth": len(widths), "decoder_channels": widths}


def _attention(shapes: Shapes) -> dict[str, Any]:
    attends = any(".attention.cSE." in key for key in shapes)
    return {"decoder_attention_type": "scse"} if attends else {}
