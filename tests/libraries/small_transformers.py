"""Small networks of transformers with random weights, as the library saves them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

SIDE = 64
"""Pixels of the square that networks of one size take."""

_CLASSES = 5


def _labels() -> dict[str, Any]:
    names = {number: f"class {number}" for number in range(_CLASSES)}
    return {"id2label": names, "label2id": {name: number for number, name in names.items()}}


def _swin() -> Any:
    import transformers as hf  # noqa: PLC0415

    return hf.SwinConfig(
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def _convnext() -> Any:
    import transformers as hf  # noqa: PLC0415

    return hf.ConvNextConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


_VIT = {
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": SIDE,
}
_DECODER = {
    "hidden_dim": 32,
    "mask_feature_size": 32,
    "encoder_feedforward_dim": 16,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "num_attention_heads": 2,
    "dim_feedforward": 16,
    "num_queries": 6,
}


def _segformer(hf: Any) -> Any:
    return hf.SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        **_labels(),
    )


def _upernet(hf: Any, backbone: Any, last: int) -> Any:
    return hf.UperNetConfig(
        backbone_config=backbone,
        hidden_size=16,
        auxiliary_channels=8,
        auxiliary_in_channels=last,
        **_labels(),
    )


def _dpt(hf: Any) -> Any:
    return hf.DPTConfig(
        **_VIT,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=16,
        **_labels(),
    )


def _windowed(kind: Any) -> Any:
    return kind(
        **_VIT,
        out_indices=[0, 1, 2, 3],
        use_relative_position_bias=True,
        auxiliary_channels=8,
        **_labels(),
    )


def _mobilevit(hf: Any) -> Any:
    return hf.MobileViTConfig(
        hidden_sizes=[16, 20, 24],
        neck_hidden_sizes=[8, 8, 16, 16, 24, 24, 32],
        aspp_out_channels=16,
        num_attention_heads=2,
        **_labels(),
    )


def _maskformer(hf: Any) -> Any:
    detr = hf.DetrConfig(
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_queries=6,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        backbone_config=hf.ResNetConfig(),
    )
    return hf.MaskFormerConfig(
        fpn_feature_size=32,
        mask_feature_size=32,
        backbone_config=_swin(),
        decoder_config=detr,
        **_labels(),
    )


def _oneformer(hf: Any) -> Any:
    return hf.OneFormerConfig(
        backbone_config=_swin(),
        **{**_DECODER, "mask_feature_size": 32},
        conv_dim=32,
        mask_dim=32,
        text_encoder_width=16,
        text_encoder_num_layers=1,
        text_encoder_proj_layers=1,
        query_dec_layers=1,
        **_labels(),
    )


def _eomt(hf: Any) -> Any:
    return hf.EomtConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        num_blocks=1,
        num_queries=6,
        num_upscale_blocks=2,
        **_labels(),
    )


CONFIGS: dict[str, Callable[[Any], Any]] = {
    "SegFormer": _segformer,
    "UPerNet on ConvNeXt": lambda hf: _upernet(hf, _convnext(), 16),
    "UPerNet on Swin": lambda hf: _upernet(hf, _swin(), 32),
    "BEiT": lambda hf: _windowed(hf.BeitConfig),
    "Data2Vec": lambda hf: _windowed(hf.Data2VecVisionConfig),
    "DPT": _dpt,
    "MobileViT": _mobilevit,
    "MobileNetV2": lambda hf: hf.MobileNetV2Config(depth_multiplier=0.25, **_labels()),
    "MaskFormer": _maskformer,
    "Mask2Former": lambda hf: hf.Mask2FormerConfig(
        backbone_config=_swin(), feature_size=32, **_DECODER, **_labels()
    ),
    "OneFormer": _oneformer,
    "EoMT": _eomt,
}
"""Every class that is opened, as small as it can be with all its parts."""

_SEEDS = {"MobileNetV2": 2, "MaskFormer": 1, "OneFormer": 2, "EoMT": 2}
"""Of networks that would see one class everywhere when drawn from 0."""

PROCESSORS = {
    "beit": "BeitImageProcessor",
    "data2vec-vision": "BeitImageProcessor",
    "dpt": "DPTImageProcessor",
    "mobilevit": "MobileViTImageProcessor",
    "mobilenet_v2": "MobileNetV2ImageProcessor",
    "maskformer": "MaskFormerImageProcessor",
    "mask2former": "Mask2FormerImageProcessor",
    "oneformer": "OneFormerImageProcessor",
    "eomt": "EomtImageProcessor",
}
"""Type of network -> who makes labels of its answer; SegFormer's where none is named."""


def network(name: str) -> nn.Module:
    """A network of the library, ready to predict, whose logits differ from place to place."""
    import transformers as hf  # noqa: PLC0415

    from segdemo.libraries.transformers.settings import CLASSES  # noqa: PLC0415

    torch.manual_seed(_SEEDS.get(name, 0))
    config = CONFIGS[name](hf)
    made: nn.Module = getattr(hf, CLASSES[config.model_type])(config)
    with torch.no_grad():
        for key, parameter in made.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=_gain(key) * parameter[0].numel() ** -0.5)
        norms = [module for module in made.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None  # They remember the mean over all that they have seen.
        if norms and config.model_type in ("mobilevit", "mobilenet_v2"):
            made.train()(pixel_values=torch.rand(4, 3, SIDE, SIDE) * 2 - 1)
    return made.eval()


def _gain(key: str) -> float:
    """Queries differ much, and so do their classes, or all pixels had the same class."""
    if "quer" in key:
        return 12
    return 4 if "class_predictor" in key else 1.6
