"""The first layer: mean, deviation and scale of the training inputs, or nothing."""

import pytest
import torch
from remembered import SCALINGS, remembering, smooth_images
from torch import nn

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints.evidence.first_layer import FirstLayer, first_layer_of, training_inputs
from segdemo.checkpoints.evidence.scales import scale_of, speaks_against
from segdemo.spec import Preprocessing

IMAGENET = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def small_unet(in_channels=3):
    torch.manual_seed(0)
    return UNet(UNetConfig.standard(in_channels=in_channels, width=8, depth=1))


def told(network, images):
    network = remembering(network, images)
    layer = first_layer_of(network, images.shape[1])
    return training_inputs(layer, network.state_dict())


def test_mean_and_deviation_are_those_of_the_images_and_the_scale_is_theirs():
    images = smooth_images()
    wrong = []
    for name, scaling in SCALINGS.items():
        given = scaling(images)
        inputs = told(small_unet(), given)
        deviation = given.std((0, 2, 3))
        near = torch.allclose(
            torch.tensor(inputs.mean), given.mean((0, 2, 3)), atol=float(deviation.max()) / 5
        )
        ratio = torch.tensor(inputs.deviation) / deviation
        scale = scale_of(inputs)
        right = scale is not None and scale.scale == name
        if not (near and right and bool((ratio > 0.6).all()) and bool((ratio < 1.6).all())):
            wrong.append((name, inputs, scale, given.mean((0, 2, 3)), deviation))
    assert not wrong


def test_a_colour_cast_is_seen_in_the_order_of_the_channels():
    images = smooth_images(cast=(0.7, 0.4, 0.2))
    assert told(small_unet(), images).mean == tuple(
        sorted(told(small_unet(), images).mean, reverse=True)
    )
    assert told(small_unet(), images.flip(1)).mean == tuple(
        sorted(told(small_unet(), images.flip(1)).mean)
    )


def test_dark_images_divided_by_255_are_told_from_all_others():
    images = smooth_images(cast=(0.12, 0.12, 0.12))
    assert scale_of(told(small_unet(), images)).scale == "unit"


def test_a_bias_and_one_grey_channel_make_no_difference():
    images = smooth_images()[:, :1]
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 12, 5, 2, 2), nn.BatchNorm2d(12), nn.ReLU())
    inputs = told(network, images)
    assert inputs.mean[0] == pytest.approx(float(images.mean()), abs=0.05)
    assert scale_of(inputs).scale == "unit"


def test_images_less_their_own_mean_tell_no_scale():
    images = smooth_images()
    given = (images - images.mean((2, 3), keepdim=True)) / images.std((2, 3), keepdim=True)
    assert scale_of(told(small_unet(), given)) is None


def test_a_norm_behind_the_activation_tells_nothing():
    network = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(16))
    assert first_layer_of(network, 3) is None


def test_a_norm_of_another_place_taken_for_the_first_explains_little():
    """As a wrong reading would have it: the running means are those behind a ReLU."""
    torch.manual_seed(0)
    convolution, norm = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
    remembering(nn.Sequential(convolution, nn.ReLU(), norm), smooth_images())
    read = nn.Sequential(convolution, norm)
    inputs = training_inputs(first_layer_of(read, 3), read.state_dict())
    assert scale_of(inputs) is None


def test_a_network_that_was_never_trained_tells_nothing():
    network = small_unet()
    inputs = training_inputs(first_layer_of(network, 3), network.state_dict())
    assert scale_of(inputs) is None


def test_few_output_channels_tell_nothing():
    network = remembering(nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)), smooth_images())
    assert training_inputs(first_layer_of(network, 3), network.state_dict()) is None


def test_a_network_without_norms_or_numbers():
    assert first_layer_of(nn.Conv2d(3, 8, 3), 3) is None
    with torch.device("meta"):
        network = small_unet()
    layer = first_layer_of(network, 3)
    assert layer.names == (
        "encoder.0.conv1.weight",
        "encoder.0.norm1.running_mean",
        "encoder.0.norm1.running_var",
    )


def test_a_file_has_its_own_names_for_these_tensors_and_a_bias_that_is_folded():
    theirs = ("a.weight", "a.bias", "b.running_mean", "b.running_var", "b.weight")
    ours = ("weight", "bias", "mean", "var", "gain")
    layer = FirstLayer(weight="weight", bias=None, mean="mean", variance="var")
    found = layer.names_in_file(dict(zip(theirs, ours, strict=True)))
    assert found == theirs[:4]


def test_what_was_said_is_spoken_against_where_it_is_impossible_and_nowhere_else():
    images = smooth_images()
    unit, standardised = (
        told(small_unet(), SCALINGS[name](images)) for name in ("unit", "standardised")
    )
    plain, raw = Preprocessing(), Preprocessing(divisor=1.0)
    assert [speaks_against(unit, one) for one in (plain, IMAGENET, raw)] == [False, True, True]
    assert [speaks_against(standardised, one) for one in (IMAGENET, plain)] == [False, True]
    assert not speaks_against(unit, Preprocessing(divisor="maximum"))
