"""The U-Net with global attention computes what UNET-ZOO's code does."""

import pytest
import torch
from code_bases import predicted, randomised
from respelt import wrong
from small_encoder_unets import SmallAttentionUpsampleUNet

from segdemo.architectures.gau_unet import ARCHITECTURE, GAUNet, GAUNetConfig
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError

SHAPES = ({}, {"channels": 1, "classes": 3}, {"channels": 4, "classes": 2, "width": 3})


def test_every_shape_computes_the_same():
    cases = {
        str(shape): (SmallAttentionUpsampleUNet(**shape), "unetzoo_mychannelunet", 32)
        for shape in SHAPES
    }
    assert wrong(cases) == {}


def test_the_standard_network_is_read_back_from_its_own_tensors():
    config = GAUNetConfig.standard(width=2, classes=3, depth=3)
    with torch.device("meta"):
        detection = detect(GAUNet(config).state_dict())
    assert (detection.id, detection.config) == ("gau_unet", config)
    assert ARCHITECTURE.describe(config) == "width 2, 3 levels"


def test_a_missing_gate_is_refused():
    state_dict = SmallAttentionUpsampleUNet().state_dict()
    for path in ("gau_2.", "gau_4.conv1x1.", "up7.", "conv10."):
        with pytest.raises(UnknownNetworkError):
            detect({key: t for key, t in state_dict.items() if not key.startswith(path)})


def test_every_picture_gets_a_map_of_its_own_size():
    prediction = predicted(detect(randomised(SmallAttentionUpsampleUNet()).state_dict()), (37, 53))
    assert prediction.probabilities.shape == (1, 53, 37)
