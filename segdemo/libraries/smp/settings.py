"""Reads the config.json of segmentation_models_pytorch against a list of what is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from segdemo.libraries.base import Library
from segdemo.libraries.settings_check import (
    MOST_CHANNELS,
    MOST_CLASSES,
    Check,
    either,
    is_flag,
    is_name,
    is_share,
    one_of,
    refuse,
    whole,
    wholes,
)

SMP = Library(
    name="segmentation_models_pytorch",
    modules=("segmentation_models_pytorch", "timm"),
    extra="requirements-smp.txt",
)

CLASS_KEY = "_model_class"
TIMM = "tu-"
"""How the names of timm's encoders begin."""

_CHANNELS = whole(1, MOST_CHANNELS)
_NORM = either(is_flag, one_of("batchnorm", "identity", "layernorm", "instancenorm"))
_INTERPOLATION = one_of("nearest", "bilinear", "bicubic", "area", "nearest-exact")
_UPSAMPLING = whole(1, 64)
_U_SHAPED: Mapping[str, Check] = {
    "decoder_use_norm": _NORM,
    "decoder_channels": wholes(1, MOST_CHANNELS),
    "decoder_attention_type": one_of(None, "scse"),
    "decoder_interpolation": _INTERPOLATION,
}
_ATROUS: Mapping[str, Check] = {
    "encoder_output_stride": one_of(8, 16),
    "decoder_channels": _CHANNELS,
    "decoder_atrous_rates": wholes(1, 512),
    "decoder_aspp_separable": is_flag,
    "decoder_aspp_dropout": is_share,
    "upsampling": either(one_of(None), _UPSAMPLING),
}

DECODERS: Mapping[str, Mapping[str, Check]] = {
    "Unet": _U_SHAPED,
    "UnetPlusPlus": _U_SHAPED,
    "MAnet": {
        **{name: check for name, check in _U_SHAPED.items() if name != "decoder_attention_type"},
        "decoder_pab_channels": _CHANNELS,
    },
    "Linknet": {"decoder_use_norm": _NORM},
    "FPN": {
        "decoder_pyramid_channels": _CHANNELS,
        "decoder_segmentation_channels": _CHANNELS,
        "decoder_merge_policy": one_of("add", "cat"),
        "decoder_dropout": is_share,
        "decoder_interpolation": _INTERPOLATION,
        "upsampling": _UPSAMPLING,
    },
    "PSPNet": {
        "psp_out_channels": _CHANNELS,
        "decoder_use_norm": _NORM,
        "psp_dropout": is_share,
        "upsampling": _UPSAMPLING,
    },
    "PAN": {
        "encoder_output_stride": one_of(16, 32),
        "decoder_channels": _CHANNELS,
        "decoder_interpolation": _INTERPOLATION,
        "upsampling": _UPSAMPLING,
    },
    "DeepLabV3": _ATROUS,
    "DeepLabV3Plus": _ATROUS,
    "UPerNet": {
        "decoder_channels": _CHANNELS,
        "decoder_use_norm": _NORM,
        "upsampling": _UPSAMPLING,
    },
    "Segformer": {"decoder_segmentation_channels": _CHANNELS, "upsampling": _UPSAMPLING},
    "DPT": {
        "encoder_output_indices": either(one_of(None), wholes(-64, 64)),
        "decoder_readout": one_of("ignore", "add", "cat"),
        "decoder_intermediate_channels": wholes(1, MOST_CHANNELS),
        "decoder_fusion_channels": _CHANNELS,
    },
}
"""The settings of each decoder beside those that all have, and what each may be."""

_COMMON: Mapping[str, Check] = {
    "encoder_name": is_name,
    "encoder_depth": whole(1, 12),
    "in_channels": whole(1, 256),
    "classes": whole(1, MOST_CLASSES),
}
# Of timm's encoders alone; its other arguments could ask for files and downloads.
_OF_TIMM: Mapping[str, Check] = {
    "drop_rate": is_share,
    "drop_path_rate": is_share,
    "dynamic_img_size": is_flag,
    "dynamic_img_pad": is_flag,
    "strict_img_size": is_flag,
    "img_size": either(whole(16, 4096), wholes(16, 4096)),
}
# How versions before 0.5 call them.
_FORMER = {
    "decoder_use_batchnorm": "decoder_use_norm",
    "psp_use_batchnorm": "decoder_use_norm",
    "upscale_mode": "decoder_interpolation",
}
# They shape no mask: where a training began, and a head that says what kind of image it is.
_NOT_NEEDED = frozenset({"encoder_weights", "aux_params"})
_ACTIVATIONS: Mapping[str | None, str] = {
    **dict.fromkeys((None, "identity"), ""),
    "sigmoid": "sigmoid",
    **dict.fromkeys(("softmax", "softmax2d", "logsoftmax", "argmax", "argmax2d"), "softmax"),
    "tanh": "sigmoid",
    "clamp": "none",
}


@dataclass(frozen=True, kw_only=True)
class SmpConfig:
    """A network of the library and how it is built."""

    decoder: str
    """The name of its class."""
    encoder: str
    in_channels: int
    classes: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the class, as far as somebody said them."""
    activation: str | None = None
    """What the library ends with, in its words; the network as it runs here returns logits."""
    weights: str | None = None
    """What the encoder's training began with, in the library's words."""
    ignored: tuple[str, ...] = ()
    """Settings that the library takes without a word and does not use."""

    @property
    def depth(self) -> int:
        """How often the encoder halves the image."""
        usual = {"PSPNet": 3, "DPT": 4}.get(self.decoder, 5)
        return int(self.arguments.get("encoder_depth", usual))

    @property
    def words(self) -> str:
        """What the spec calls the activation; empty when nobody chose one."""
        word = _ACTIVATIONS[self.activation]
        return "" if word == "softmax" and self.classes == 1 else word


def is_smp(document: Mapping[str, Any]) -> bool:
    """Whether a config.json is one of the library's."""
    return isinstance(document.get(CLASS_KEY), str) and "encoder_name" in document


def read_settings(document: Mapping[str, Any]) -> SmpConfig:
    """The network that a config.json describes. Raises UnknownNetworkError for a value that is
    not allowed, and for a setting that the library would hand on to others.
    """
    decoder = document[CLASS_KEY]
    if decoder not in DECODERS:
        refuse(SMP.name, CLASS_KEY, decoder)
    checks = {**_COMMON, **DECODERS[decoder]}
    settings: dict[str, Any] = {}
    ignored = []
    takes_any = str(document["encoder_name"]).startswith(TIMM)
    for name, value in document.items():
        name = _FORMER.get(name, name)
        if name in (CLASS_KEY, "activation") or name in _NOT_NEEDED:
            continue
        if name in checks:
            if not checks[name](value):
                refuse(SMP.name, name, value)
            settings[name] = value
        elif takes_any and name in _OF_TIMM and _OF_TIMM[name](value):
            settings[name] = value
        elif takes_any or name.startswith("_"):
            refuse(SMP.name, name, value)
        else:
            ignored.append(name)
    activation = document.get("activation")
    if not isinstance(activation, str | None) or activation not in _ACTIVATIONS:
        refuse(SMP.name, "activation", activation)
    weights = document.get("encoder_weights")
    return SmpConfig(
        decoder=decoder,
        encoder=settings.pop("encoder_name"),
        in_channels=settings.pop("in_channels", 3),
        classes=settings.pop("classes", 1),
        arguments=settings,
        activation=activation,
        weights=weights if isinstance(weights, str) else None,
        ignored=tuple(ignored),
    )
