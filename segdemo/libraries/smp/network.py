"""Builds the networks of segmentation_models_pytorch and puts tensors into their places."""

import warnings
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from segdemo.architectures import Architecture, SizeRequirements
from segdemo.architectures.parts.data_sets import IMAGENET
from segdemo.errors import UnknownNetworkError
from segdemo.libraries.base import not_inferred, without_weights
from segdemo.libraries.settings_check import refuse
from segdemo.libraries.smp.inputs import of_registry
from segdemo.libraries.smp.settings import SMP, TIMM, SmpConfig

_HEAD = "segmentation_head"
_OTHER_HEAD = "classification_head."
UNTOLD = {
    "decoder_interpolation": "nearest",
    "encoder_output_stride": 16,
    "encoder_depth": 5,
    "decoder_attention_type": None,
}
"""Settings that no tensor, or no single one, tells -> what they mostly are."""


_USUAL_OF: Mapping[str, Mapping[str, Any]] = {
    "PAN": {"decoder_interpolation": "bilinear"},
    "DeepLabV3": {"encoder_output_stride": 8},
    "PSPNet": {"encoder_depth": 3},
    "DPT": {"encoder_depth": 4},
}


class Doubled(nn.Module):
    """Twice the logits: the sigmoid of them is (tanh + 1) / 2, which is what tanh ends with."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) doubled."""
        return 2 * x


def build(config: SmpConfig) -> nn.Module:
    """The library's network with parameters on the meta device; it returns logits.

    Nothing is fetched: the arguments are of an allow-list, and no weights are asked for. Raises
    UnknownNetworkError for an encoder that the installed version does not have.
    """
    import segmentation_models_pytorch as smp  # noqa: PLC0415 (an extra, on first use)

    _require_encoder(config.encoder)
    arguments = {
        **config.arguments,
        "encoder_name": config.encoder,
        "encoder_weights": None,
        "in_channels": config.in_channels,
        "classes": config.classes,
    }
    network: nn.Module
    with warnings.catch_warnings(), without_weights():
        warnings.simplefilter("ignore")
        try:
            network = getattr(smp, config.decoder)(**arguments)
        # What does not go together, the library says in errors of every kind.
        except Exception as error:
            raise UnknownNetworkError(
                "library_refuses", library=SMP.name, network=describe(config)
            ) from error
    if config.activation == "tanh":
        network.get_submodule(_HEAD).append(Doubled())  # type: ignore[operator]
    return network.eval()


def _require_encoder(name: str) -> None:
    import timm  # noqa: PLC0415
    from segmentation_models_pytorch import encoders  # noqa: PLC0415

    if name in encoders.get_encoder_names():
        return
    plain = name.removeprefix(TIMM)
    if encoders.is_equivalent_to_timm_universal(name):
        plain = name.removeprefix("timm-")
        plain = f"tf_{plain}" if "mobilenetv3" in plain else plain
    elif plain == name:
        refuse(SMP.name, "encoder_name", name)
    if not timm.is_model(plain):
        refuse(SMP.name, "encoder_name", name)


def assemble(config: SmpConfig, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The network with these tensors. Raises RuntimeError unless it has exactly them."""
    network = build(config)
    network.load_state_dict(dict(tensors), strict=True, assign=True)
    return network


def without_other_head(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the head that says what kind of image it is."""
    return {key: value for key, value in tensors.items() if not key.startswith(_OTHER_HEAD)}


def requirements(config: SmpConfig) -> SizeRequirements:
    """Sides that the encoder halves without a rest."""
    if config.decoder == "DPT":
        return SizeRequirements(multiple_of=16, minimum=32)
    multiple_of = 2**config.depth
    minimum = 2 * multiple_of
    if config.decoder == "PAN":
        # Its pyramid halves the deepest features three times more.
        minimum = 8 * int(config.arguments.get("encoder_output_stride", 16))
    return SizeRequirements(multiple_of=multiple_of, minimum=minimum)


def recipe(config: SmpConfig, network: nn.Module | None) -> dict[str, Any]:
    """Pre- and post-processing in the spec's JSON form; without a network for any size."""
    size = _size(network) if network is not None else {}
    words: dict[str, Any] = {"preprocessing": {**_inputs(config), **size}}
    if config.words:
        words["postprocessing"] = {"activation": config.words}
    return words


def _inputs(config: SmpConfig) -> Mapping[str, Any]:
    if not config.encoder.startswith(TIMM):
        return of_registry(config.encoder, config.weights)
    import timm  # noqa: PLC0415

    said = timm.models.get_pretrained_cfg(config.encoder.removeprefix(TIMM))
    if said is None:
        return IMAGENET
    return {"mean": list(said.mean), "std": list(said.std)}


def _size(network: nn.Module) -> dict[str, Any]:
    """Of an encoder that takes images of one size alone, the square that it takes."""
    for module in network.modules():
        size = getattr(module, "img_size", None)
        if getattr(module, "strict_img_size", False) and isinstance(size, tuple):
            return {"resize": "stretch", "side": int(size[0])}
    return {}


def unusual(config: SmpConfig) -> list[tuple[str, Any]]:
    """Settings that are not told by one tensor and are not the library's own, with their values."""
    usual = {**UNTOLD, **_USUAL_OF.get(config.decoder, {})}
    said = {"encoder_depth": config.depth, **config.arguments}
    return [(name, value) for name, value in said.items() if value != usual.get(name, value)]


def describe(config: SmpConfig) -> str:
    """Decoder and encoder, such as "Unet on resnet34"."""
    facts = "".join(f", {name} {value}" for name, value in unusual(config))
    return f"{config.decoder} on {config.encoder}{facts}"


ARCHITECTURE = Architecture(
    id="smp",
    title=SMP.name,
    build=build,
    infer=not_inferred,
    mappings=(),
    describe=describe,
    requirements=requirements,
    assemble=assemble,
)


def misfit(config: SmpConfig, tensors: Mapping[str, Tensor]) -> tuple[int, str] | None:
    """How many tensors differ from the network's, and the first of them; None where none does."""
    expected = build(config).state_dict()
    differing = [
        key
        for key in {**expected, **tensors}
        if key not in expected
        or key not in tensors
        or tuple(expected[key].shape) != tuple(tensors[key].shape)
    ]
    return (len(differing), differing[0]) if differing else None
