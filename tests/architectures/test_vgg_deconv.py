"""FCNs with learned steps up compute what their code bases do, whatever they add on the way."""

import pytest
import torch
from code_bases import predicted, randomised
from respelt import wrong
from small_encoder_unets import SmallLearnedFCN

from segdemo.architectures.vgg_deconv import ARCHITECTURE, VGGDeconv, VGGDeconvConfig
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

SHAPES = ({}, {"channels": 1, "classes": 3}, {"channels": 4, "classes": 2, "width": 3})
VARIANTS = {
    "unetzoo_fcn8s": {"skips": 2},
    "unetzoo_fcn32s": {"skips": 0, "short": True},
    "pochih_fcn8s": {"skips": 2},
    "pochih_fcn16s": {"skips": 1},
    "pochih_fcn32s": {"skips": 0},
    "pochih_fcns": {"skips": 4, "norm_first": True},
}


def test_every_spelling_and_shape_computes_the_same():
    cases = {
        f"{name} {shape}": (SmallLearnedFCN(**variant, **shape), name, 32)
        for name, variant in VARIANTS.items()
        for shape in SHAPES
    }
    assert wrong(cases) == {}


def test_what_is_added_on_the_way_is_told_by_no_tensor():
    detection = detect(SmallLearnedFCN().state_dict())
    readings = [detection.id, *(other.id for other in detection.alternatives)]
    assert readings == [name for name in VARIANTS if name != "unetzoo_fcn32s"]


def test_the_standard_network_is_read_back_from_its_own_tensors():
    config = VGGDeconvConfig.standard(width=2, classes=3, skips=0)
    with torch.device("meta"):
        detection = detect(VGGDeconv(config).state_dict())
    assert (detection.id, detection.config) == ("vgg_deconv", config)
    assert ARCHITECTURE.describe(config) == "32s, width 2"


def test_a_missing_step_is_refused():
    state_dict = SmallLearnedFCN().state_dict()
    for path in ("deconv3.", "bn5.", "classifier.", "pretrained_net.features.12."):
        with pytest.raises(UnknownNetworkError):
            detect({key: t for key, t in state_dict.items() if not key.startswith(path)})


@every("size", [(37, 53), (1, 90)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    prediction = predicted(detect(randomised(SmallLearnedFCN()).state_dict()), size)
    assert prediction.probabilities.shape == (1, size[1], size[0])
