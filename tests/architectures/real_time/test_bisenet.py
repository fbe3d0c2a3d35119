"""BiSeNet as CoinCheung's code has it, early and late, and as face parsing does."""

import pytest
import torch
from code_bases import header, picture, predicted, reshaped, vector
from torch import nn
from torch.nn import functional
from vectors import rule

from segdemo.architectures.parts.data_sets import CITYSCAPES_CLASSES, FACE_CLASSES
from segdemo.architectures.real_time.bisenet import ARCHITECTURE
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

FACES, LATE = "zllrunning_bisenet", "coincheung_bisenetv1"


def early(state_dict, faces):
    """CoinCheung's first code: the spatial path of the late one, the attention of face parsing."""
    spatial = {key: tensor for key, tensor in state_dict.items() if key.startswith("sp.")}
    return {**faces, **spatial}


@every("classes", [1, 3])
@every("channels", [1, 4])
def test_channels_and_classes_are_read_from_the_shapes(channels, classes):
    for name in (FACES, LATE):
        heads = [key for key in header(vector(name)) if "conv_out.conv_out." in key]
        first = ["cp.resnet.conv1.weight", *(["sp.conv1.conv.weight"] if name == LATE else [])]
        changes = {**{key: {0: classes} for key in heads}, **{key: {1: channels} for key in first}}
        detection = detect(reshaped(header(vector(name)), changes))
        assert (detection.config.in_channels, detection.config.classes) == (channels, classes)
        x = torch.empty(1, channels, 33, 47, device="meta")
        assert detection.build()(x).shape == (1, classes, 33, 47)


def test_heads_for_training_may_be_there_or_not():
    complete = header(vector(FACES))
    fewer = {
        key: t for key, t in complete.items() if not key.startswith(("conv_out16", "conv_out32"))
    }
    assert len(complete) - len(fewer) == 14
    assert detect(fewer).config == detect(complete).config


def test_the_early_code_has_a_spatial_path_and_two_convolutions_for_attention():
    detection = detect(early(header(vector(LATE)), header(vector(FACES))))
    assert (detection.id, detection.alternatives) == ("bisenet_coincheung_early", ())
    assert (detection.config.spatial, detection.config.squeezed) == ((64, 64, 64, 128), 64)
    assert detection.config.align_corners


def test_the_early_code_fuses_what_its_spatial_path_makes():
    late, faces = vector(LATE), vector(FACES)
    state_dict = early(rule.state_dict_for(late), rule.state_dict_for(faces))
    network, x = detect(state_dict).build(), picture(height=64, width=96)
    spatial = x
    for name, stride in (("conv1", 2), ("conv2", 2), ("conv3", 2), ("conv_out", 1)):
        weight = state_dict[f"sp.{name}.conv.weight"]
        spatial = functional.conv2d(spatial, weight, None, stride, weight.shape[2] // 2)
        parts = (
            state_dict[f"sp.{name}.bn.{part}"]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        spatial = functional.batch_norm(spatial, *parts).relu()
    # With what it makes in the place of the encoder's features it is the network for faces.
    expected = detect(rule.state_dict_for(faces)).build()
    expected.context.register_forward_hook(lambda module, given, found: (spatial, found[1]))
    torch.testing.assert_close(network(x), expected(x), rtol=1e-4, atol=1e-4)


def test_what_the_two_generations_differ_in_is_not_mixed():
    late, faces = header(vector(LATE)), header(vector(FACES))
    with pytest.raises(UnknownNetworkError):
        detect({key: tensor for key, tensor in late.items() if not key.startswith("sp.")})
    with pytest.raises(UnknownNetworkError):
        detect({**early(late, faces), "conv_out.conv_out.bias": torch.empty(19, device="meta")})


def test_faces_have_nineteen_parts_with_names():
    recipe = detect(header(vector(FACES))).recipe
    assert recipe["preprocessing"]["side"] == 512
    assert recipe["postprocessing"]["classes"] == list(FACE_CLASSES)
    assert (FACE_CLASSES[0], FACE_CLASSES[1], FACE_CLASSES[17]) == ("background", "skin", "hair")


def test_streets_have_nineteen_classes_with_names():
    recipe = detect(header(vector(LATE))).recipe
    assert recipe["preprocessing"]["mean"] == [0.3257, 0.3690, 0.3223]
    assert recipe["postprocessing"]["classes"] == list(CITYSCAPES_CLASSES)


@every("size", [(1, 1), (61, 33)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    detection = detect(rule.state_dict_for(vector(FACES)))
    assert predicted(detection, size).probabilities.shape == (19, *size[::-1])


def test_a_few_words_say_whether_there_is_a_spatial_path():
    assert [
        ARCHITECTURE.describe(detect(header(vector(name))).config) for name in (FACES, LATE)
    ] == [
        "on ResNet-18",
        "on ResNet-18 with spatial path",
    ]


def test_the_encoder_may_be_deeper():
    complete = header(vector(FACES))
    block = {
        key.replace("layer3.1.", "layer3.2."): tensor
        for key, tensor in complete.items()
        if "layer3.1." in key
    }
    config = detect({**complete, **block}).config
    assert [stage.blocks for stage in config.backbone.stages] == [2, 2, 3, 2]
    assert isinstance(detect({**complete, **block}).build(), nn.Module)
