"""A refusal says what the tensors are like, and of families with their own libraries a way out."""

import pytest
import torch

from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError


def conv(out, into, *kernel):
    return torch.empty(out, into, *(kernel or (3, 3)), device="meta")


def refused(tensors):
    with pytest.raises(UnknownNetworkError) as caught:
        detect(tensors)
    return caught.value


def test_volumes_are_said():
    error = refused({"a.weight": conv(8, 1, 3, 3, 3), "b.weight": conv(2, 8, 1, 1, 1)})
    assert error.key == "checkpoint_volumes"
    assert "a.weight: 8 × 1 × 3 × 3 × 3" in str(error)


FAMILIES = {
    "nnU-Net": ("encoder.stages.0.0.convs.0.conv.weight", "decoder.seg_layers.0.weight"),
    "Segment Anything": ("image_encoder.neck.0.weight", "mask_decoder.iou_token.weight"),
    "YOLO": ("model.2.cv1.conv.weight", "model.22.dfl.conv.weight"),
    "nnU-Net ": ("conv_blocks_context.0.blocks.0.conv.weight", "seg_outputs.0.weight"),
    "Segment Anything 2": ("image_encoder.trunk.pos_embed", "sam_mask_decoder.iou_token.weight"),
    "Segment Anything 2 or 3": ("detector.backbone.a.weight", "detector.geometry_encoder.b.weight"),
    "BEN2": ("backbone.patch_embed.proj.weight", "multifieldcrossatt.linear1.weight"),
    "CLIPSeg": ("clip.text_model.a.weight", "decoder.film_mul.weight"),
    "detectron2": ("backbone.bottom_up.stem.conv1.weight", "sem_seg_head.predictor.weight"),
    "mmsegmentation": ("backbone.layers.0.weight", "decode_head.conv_seg.weight"),
    "MONAI": ("model.0.conv.unit0.conv.weight", "model.2.1.conv.unit0.adn.A.weight"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_named_with_a_way_out(family):
    error = refused({name: conv(5, 7) for name in FAMILIES[family]})
    assert error.key == "checkpoint_family"
    assert f"checkpoint of {family.strip()}" in str(error)
    assert error.message("zh") != error.message("en")


def test_other_tensors_are_described():
    error = refused({"a.weight": conv(8, 3), "b.weight": conv(8, 9, 2, 2), "c.weight": conv(1, 77)})
    assert error.key == "checkpoint_alike"
    assert "3 convolutions (kernels 2, 3; channels 1, 3, 8, 9, 77), of which 1 enlarge" in str(
        error
    )
