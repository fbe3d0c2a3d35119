"""The names that code bases give the modules of the U-shaped family, and what tensors hide."""

from collections.abc import Callable, Mapping
from typing import Any

from segdemo.architectures.base import KeyMapping

Renames = dict[str, str | None]


def _collection(projection: str) -> Renames:
    """LeeJunHyun's U-Nets, plain, recurrent and with attention, and what was copied from them.

    ``projection``: what a 1x1 convolution is called, the head among them.
    """
    renames: Renames = {
        projection: "head",
        "Up{n}.up.1": "decoder.{~n}.up_conv",
        "Up{n}.up.2": "decoder.{~n}.up_conv_norm",
    }
    for theirs, ours in (("W_g", "up"), ("W_x", "skip"), ("psi", "psi")):
        renames[f"Att{{n}}.{theirs}.0"] = f"decoder.{{~n}}.gate.{ours}"
        renames[f"Att{{n}}.{theirs}.1"] = f"decoder.{{~n}}.gate.{ours}_norm"
    for plain, recurrent, ours in (
        ("Conv{n}", "RRCNN{n}", "encoder.{n-1}"),
        ("Up_conv{n}", "Up_RRCNN{n}", "decoder.{~n}.conv"),
    ):
        renames |= {
            f"{plain}.conv.0": f"{ours}.conv1",
            f"{plain}.conv.1": f"{ours}.norm1",
            f"{plain}.conv.3": f"{ours}.conv2",
            f"{plain}.conv.4": f"{ours}.norm2",
            f"{recurrent}.RCNN.{{k}}.conv.0": f"{ours}.conv{{k+1}}",
            f"{recurrent}.RCNN.{{k}}.conv.1": f"{ours}.norm{{k+1}}",
            f"{recurrent}.{projection}": f"{ours}.project",
        }
    return renames


def _jvanvugt(up: str, *members: str) -> Renames:
    """``up``: what it calls the way up; ``members``: convolution, norm, convolution, norm."""
    ours = ("conv1", "norm1", "conv2", "norm2") if len(members) == 4 else ("conv1", "conv2")
    renames: Renames = {"last": "head"}
    renames["up_path.{n}." + up] = "decoder.{n}.up" if up == "up" else "decoder.{n}.up_conv"
    for member, name in zip(members, ours, strict=True):
        renames[f"down_path.{{n}}.block.{member}"] = f"encoder.{{n}}.{name}"
        renames[f"up_path.{{n}}.conv_block.block.{member}"] = f"decoder.{{n}}.conv.{name}"
    return renames


# From -1 to 1, and one sigmoid for each class, in all three code bases.
_COLLECTED: Mapping[str, Any] = {
    "preprocessing": {"mean": [0.5], "std": [0.5]},
    "postprocessing": {"activation": "sigmoid"},
}
_REPEATED = {"join": "skip_first", "interpolation": "nearest", "fit": "exact", "repeats": 2}


def _is_recurrent(config: Any) -> bool:
    return config.encoder[0].project is not None


def _fits_collection(config: Any) -> bool:
    """Resized and convolved up, with a norm everywhere but behind the head."""
    return bool(
        config.norm == "batch"
        and all(level.up.kind == "resize_conv" for level in config.decoder)
        and all(conv.norm for block in config.encoder for conv in block.convs)
        and config.head.kernel == 1
    )


def _with_norms(normed: bool) -> Callable[[Any], bool]:
    return lambda config: bool(config.encoder[0].convs[0].norm) == normed


_JVANVUGT = {
    "join": "up_first",
    "interpolation": "bilinear",
    "up_activated": False,
    "order": "act_first",
    "fit": "exact",
}


def _jvanvugt_spellings() -> list[KeyMapping]:
    """With norms and without, up by transposed convolutions and not, pooling either way."""
    return [
        KeyMapping(
            id=f"unet_jvanvugt{'' if normed else '_plain'}{ups}{suffix}",
            origin=f"jvanvugt/pytorch-unet{since}",
            renames=_jvanvugt(up, *members),
            known={**_JVANVUGT, "down": down},
            fits=_with_norms(normed),
        )
        for down, suffix, since in (
            ("max", "", ""),
            ("average", "_average", " of 2018, which pooled averages"),
        )
        for normed, members in ((True, ("0", "2", "3", "5")), (False, ("0", "2")))
        for up, ups in (("up", ""), ("up.1", "_resized"))
    ]


MAPPINGS: tuple[KeyMapping, ...] = (
    KeyMapping(
        id="unet_leejunhyun",
        origin="LeeJunHyun/Image_Segmentation and Andy-zhujunwen/UNET-ZOO",
        renames=_collection("Conv_1x1"),
        known=_REPEATED,
        fits=_fits_collection,
        recipe=_COLLECTED,
    ),
    KeyMapping(
        id="unet_bigmb",
        origin="bigmb/Unet-Segmentation-Pytorch-Nest-of-Unets",
        renames=_collection("Conv"),
        known=_REPEATED,
        fits=lambda config: _fits_collection(config) and not _is_recurrent(config),
        recipe=_COLLECTED,
    ),
    KeyMapping(
        id="unet_bigmb_recurrent",
        origin="bigmb/Unet-Segmentation-Pytorch-Nest-of-Unets",
        renames=_collection("Conv"),
        # Its blocks feed what they gave twice, and forget what they were given.
        known={**_REPEATED, "repeats": "doubled"},
        fits=lambda config: _fits_collection(config) and _is_recurrent(config),
        recipe=_COLLECTED,
    ),
    *_jvanvugt_spellings(),
)
