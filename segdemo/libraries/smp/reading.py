"""Reads a checkpoint of segmentation_models_pytorch that lies beside its config.json."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from segdemo.architectures import ExactNames
from segdemo.errors import UnknownNetworkError
from segdemo.libraries.base import LibraryNetwork, exact_names
from segdemo.libraries.smp import network as networks
from segdemo.libraries.smp import signatures
from segdemo.libraries.smp.settings import SMP, SmpConfig, read_settings
from segdemo.wording import shown

# What our own U-Net on a ResNet computes, and with which values of what else can be set.
_OURS = {
    "decoder_interpolation": "nearest",
    "decoder_attention_type": None,
    "encoder_depth": 5,
}
_OUR_ENCODERS = frozenset({"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"})
_OUR_ACTIVATIONS = frozenset({None, "identity", "sigmoid", "softmax", "softmax2d"})


def is_ours(document: Mapping[str, Any]) -> bool:
    """Whether it describes what the family ``smp_unet`` computes."""
    try:
        config = read_settings(document)
    except UnknownNetworkError:
        return False
    arguments = config.arguments
    return (
        config.decoder == "Unet"
        and config.encoder.removeprefix("tu-") in _OUR_ENCODERS
        and config.activation in _OUR_ACTIVATIONS
        and all(arguments.get(name, value) == value for name, value in _OURS.items())
        and arguments.get("decoder_use_norm", True) in (True, False, "batchnorm", "identity")
    )


def read(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> LibraryNetwork:
    """The network that a config.json describes, with these tensors.

    Raises UnknownNetworkError where the library is missing, a setting is not allowed, or the
    tensors are not those of the network.
    """
    config = read_settings(document)
    SMP.require(networks.describe(config))
    return fitted(config, tensors)


def read_tensors(tensors: Mapping[str, Tensor]) -> LibraryNetwork | None:
    """The network that tensors without a config.json are, with what else they may be.

    None where none of the library fits. Raises UnknownNetworkError where it is missing.
    """
    if not signatures.is_smp(tensors):
        return None
    own = networks.without_other_head(tensors)
    configs = list(signatures.candidates(own))
    if not configs:
        return None
    SMP.require(networks.describe(configs[0]))
    found: LibraryNetwork | None = None
    rivals = []
    for config in configs:
        if found is not None:
            # The same shapes: what was proved of one holds for all.
            rivals.append(replace(found, config=config, mapping=_mapping(config, own, None)))
            continue
        with suppress(UnknownNetworkError):
            found = fitted(config, tensors)
    return replace(found, rivals=tuple(rivals)) if found and rivals else found


def fitted(config: SmpConfig, tensors: Mapping[str, Tensor]) -> LibraryNetwork:
    """The network with these tensors. Raises UnknownNetworkError unless it has exactly them."""
    own = networks.without_other_head(tensors)
    try:
        network = networks.assemble(config, own)
    except RuntimeError as error:
        raise _differs(config, own) from error
    return LibraryNetwork(
        architecture=networks.ARCHITECTURE,
        mapping=_mapping(config, own, network),
        config=config,
        tensors=own,
        left_out=(
            *(("classification_head.",) if len(own) < len(tensors) else ()),
            *(f"config.json: {shown(name)}" for name in config.ignored),
        ),
    )


def _mapping(
    config: SmpConfig, tensors: Mapping[str, Tensor], network: nn.Module | None
) -> ExactNames:
    known = {
        "decoder": config.decoder,
        "encoder": config.encoder,
        **{name: value for name, value in config.arguments.items() if name in networks.UNTOLD},
        **({"activation": config.activation} if config.activation else {}),
    }
    unusual = (str(value) for _, value in networks.unusual(config) if value != config.depth)
    return exact_names(
        ".".join(("smp", config.decoder.lower(), config.encoder, *unusual)),
        SMP,
        tensors,
        known=known,
        recipe=networks.recipe(config, network),
    )


def _differs(config: SmpConfig, tensors: Mapping[str, Tensor]) -> UnknownNetworkError:
    count, first = networks.misfit(config, tensors) or (0, "")
    return UnknownNetworkError(
        "library_differs",
        library=SMP.name,
        network=networks.describe(config),
        count=count,
        first=shown(first),
    )
