"""Small networks of segmentation_models_pytorch with random weights, as the library saves them."""

import warnings
from typing import Any

import torch
from torch import nn

ENCODERS = ("tu-mobilenetv3_small_050", "timm-regnetx_002", "mobilenet_v2", "mit_b0")
"""One of timm by each of its two names, one of the library's own list, a transformer."""

NARROW: dict[str, dict[str, Any]] = {
    "Unet": {"decoder_channels": [16, 8, 8, 4, 4]},
    "UnetPlusPlus": {"decoder_channels": [8, 8, 4, 4, 4]},
    "MAnet": {"decoder_channels": [16, 8, 8, 4, 4], "decoder_pab_channels": 8},
    "Linknet": {},
    "FPN": {"decoder_pyramid_channels": 32, "decoder_segmentation_channels": 32},
    "PSPNet": {"psp_out_channels": 16},
    "PAN": {"decoder_channels": 8},
    "DeepLabV3": {"decoder_channels": 16},
    "DeepLabV3Plus": {"decoder_channels": 16},
    "UPerNet": {"decoder_channels": 16},
    "Segformer": {"decoder_segmentation_channels": 16},
    "DPT": {"decoder_intermediate_channels": [8, 8, 16, 16], "decoder_fusion_channels": 16},
}
"""Every decoder, with the fewest channels that still have all parts."""

WITHOUT = {("UnetPlusPlus", "mit_b0"), ("Linknet", "mit_b0")}
"""What the library itself does not build."""

OF_DPT = ("tu-vit_tiny_patch16_224", "tu-deit_tiny_patch16_224")


def pairs() -> list[tuple[str, str]]:
    """Every decoder with each encoder that it can be built on."""
    return [
        (decoder, encoder)
        for decoder in NARROW
        for encoder in (OF_DPT if decoder == "DPT" else ENCODERS)
        if (decoder, encoder) not in WITHOUT
    ]


def network(decoder: str, encoder: str, **settings: Any) -> nn.Module:
    """A network of the library whose norms remember a training, ready to predict."""
    import segmentation_models_pytorch as smp  # noqa: PLC0415

    arguments = {"classes": 2, **NARROW[decoder], **settings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = getattr(smp, decoder)(encoder_name=encoder, encoder_weights=None, **arguments)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return made.eval()


def seeded(seed: int = 0) -> None:
    """Have the next network drawn the same way each time."""
    torch.manual_seed(seed)
