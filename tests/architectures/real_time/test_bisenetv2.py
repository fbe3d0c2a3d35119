"""BiSeNet V2 as CoinCheung's code has it."""

import pytest
import torch
from code_bases import header, picture, predicted, reshaped, vector
from torch.nn import functional
from vectors import rule

from segdemo.architectures.parts.data_sets import CITYSCAPES_CLASSES
from segdemo.architectures.real_time import bisenetv2
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

NAME = "coincheung_bisenetv2"


@pytest.fixture(scope="module")
def complete():
    return header(vector(NAME))


@every(("channels", "classes"), [(1, 1), (4, 171)])
def test_channels_and_classes_are_read_from_the_shapes(complete, channels, classes):
    changes = {
        "detail.S1.0.conv.weight": {1: channels},
        "segment.S1S2.conv.conv.weight": {1: channels},
        "head.conv_out.1.weight": {0: classes},
        "head.conv_out.1.bias": {0: classes},
    }
    detection = detect(reshaped(complete, changes))
    assert (detection.config.in_channels, detection.config.classes) == (channels, classes)
    x = torch.empty(1, channels, 33, 47, device="meta")
    assert detection.build()(x).shape == (1, classes, 33, 47)


def test_heads_for_training_do_not_matter(complete):
    auxiliary = {}
    for head in ("aux2", "aux3", "aux4", "aux5_4"):
        for unit in (f"{head}.conv", f"{head}.conv_out.0.1"):
            auxiliary[f"{unit}.conv.weight"] = torch.empty(8, 8, 3, 3, device="meta")
            for part in ("weight", "bias", "running_mean", "running_var"):
                auxiliary[f"{unit}.bn.{part}"] = torch.empty(8, device="meta")
        auxiliary[f"{head}.conv_out.1.weight"] = torch.empty(19, 8, 1, 1, device="meta")
        auxiliary[f"{head}.conv_out.1.bias"] = torch.empty(19, device="meta")
    assert detect({**complete, **auxiliary}).config == detect(complete).config


def test_the_early_code_enlarges_bilinearly_with_aligned_corners(monkeypatch):
    late = rule.state_dict_for(vector(NAME))
    early = {key.replace("head.conv_out.1.", "head.conv_out."): late[key] for key in late}
    detection, x = detect(early), picture(height=64, width=96)
    assert (detection.id, detection.alternatives) == ("bisenetv2_coincheung_early", ())
    got, enlarge = detection.build()(x), functional.interpolate

    def aligned(x, size, **_):
        return enlarge(x, size, mode="bilinear", align_corners=True)

    network = detect(late).build()
    assert not torch.allclose(got, network(x), rtol=1e-2, atol=1e-2)
    monkeypatch.setattr(bisenetv2.functional, "interpolate", aligned)
    torch.testing.assert_close(got, network(x))


def test_the_number_of_layers_is_read_from_the_shapes(complete):
    last = "segment.S5_4.3."
    fewer = {key: tensor for key, tensor in complete.items() if not key.startswith(last)}
    detection = detect(fewer)
    assert [stage.layers for stage in detection.config.semantic] == [2, 2, 3]
    assert detection.build()(torch.empty(1, 3, 64, 64, device="meta")).shape == (1, 19, 64, 64)


def test_a_stage_less_is_refused(complete):
    for stage in ("segment.S4.", "detail.S3.", "segment.S5_5."):
        with pytest.raises(UnknownNetworkError):
            detect({key: t for key, t in complete.items() if not key.startswith(stage)})


def test_streets_have_nineteen_classes_with_names(complete):
    recipe = detect(complete).recipe
    assert recipe["preprocessing"]["std"] == [0.2112, 0.2148, 0.2115]
    assert recipe["postprocessing"]["classes"] == list(CITYSCAPES_CLASSES)


@every("size", [(1, 1), (61, 33)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    detection = detect(rule.state_dict_for(vector(NAME)))
    assert predicted(detection, size).probabilities.shape == (19, *size[::-1])
