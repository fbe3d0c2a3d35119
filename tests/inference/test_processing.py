"""Pictures become tensors exactly as the spec says, and answers become maps of the same place."""

import numpy as np
import pytest
import torch
from PIL import Image

from segdemo.architectures import SizeRequirements
from segdemo.errors import PredictionError
from segdemo.inference import processing
from segdemo.inference.maps import quantise, resize_map
from segdemo.inference.processing import activate, network_size, prepare, resized
from segdemo.spec import Preprocessing
from tests.table import every

ANY_SIZE = SizeRequirements()
AS_IT_IS = Preprocessing(resize="none", divisor=1.0)


def random_picture(width=31, height=17, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def prepared(picture, preprocessing, *, channels=3, requirements=ANY_SIZE, max_side=4096):
    return prepare(
        picture,
        preprocessing,
        in_channels=channels,
        requirements=requirements,
        max_side=max_side,
    )


def values(picture, preprocessing=AS_IT_IS, **options):
    """(C, H, W) that the network is given."""
    tensor = prepared(picture, preprocessing, **options).tensor
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    return tensor[0].numpy()


@every(
    ("rule", "size", "expected"),
    [
        ({"resize": "none"}, (1300, 700), (1300, 700)),
        ({"resize": "longest", "side": 512}, (1000, 500), (512, 256)),
        ({"resize": "longest", "side": 512}, (50, 100), (256, 512)),
        ({"resize": "shortest", "side": 512}, (1000, 500), (1024, 512)),
        ({"resize": "at_most", "side": 512}, (1000, 500), (512, 256)),
        ({"resize": "at_most", "side": 512}, (512, 100), (512, 100)),
        ({"resize": "at_most", "side": 512}, (100, 50), (100, 50)),
        ({"resize": "stretch", "side": 320}, (1000, 500), (320, 320)),
        ({"resize": "scale", "scale": 0.5}, (1001, 503), (500, 252)),
        ({"resize": "scale", "scale": 2.0}, (10, 20), (20, 40)),
        ({"resize": "longest", "side": 10}, (1000, 10), (10, 1)),
        ({"resize": "scale", "scale": 0.01}, (10, 10), (1, 1)),
    ],
)
def test_every_rule_gives_its_size(rule, size, expected):
    assert network_size(size, Preprocessing(**rule), 4096) == (expected, False)


@every("side", range(200, 1200, 37))
def test_the_wanted_side_is_met_exactly(side):
    size, _ = network_size((1333, 777), Preprocessing(resize="longest", side=side), 4096)
    assert max(size) == side


@every(
    ("rule", "size", "expected"),
    [
        ({"resize": "none"}, (4000, 1000), (1024, 256)),
        ({"resize": "scale", "scale": 4.0}, (500, 1000), (512, 1024)),
        ({"resize": "shortest", "side": 800}, (3000, 1000), (1024, 341)),
        ({"resize": "stretch", "side": 2048}, (30, 10), (1024, 1024)),
        ({"resize": "longest", "side": 2048}, (30, 20), (1024, 683)),
    ],
)
def test_the_limit_on_the_side_keeps_proportions_and_says_so(rule, size, expected):
    assert network_size(size, Preprocessing(**rule), 1024) == (expected, True)


def test_the_limit_is_told_of_the_prepared_picture():
    assert prepared(random_picture(64, 32), AS_IT_IS, max_side=32).reduced
    assert not prepared(random_picture(64, 32), AS_IT_IS, max_side=64).reduced


@every("resample", ["nearest", "lanczos"])
def test_every_filter_is_that_of_its_name(resample):
    picture = random_picture(40, 40)
    rule = Preprocessing(resize="stretch", side=16, divisor=1.0, resample=resample)
    expected = picture.resize((16, 16), getattr(Image.Resampling, resample.upper()))
    assert np.array_equal(values(picture, rule), np.asarray(expected).transpose(2, 0, 1))


@every("resample", ["bilinear", "bicubic"])
@every("size", [(16, 16), (39, 7), (97, 120), (40, 80)])
def test_the_usual_filters_are_those_of_pillow_within_one_level(resample, size):
    picture = random_picture(40, 61)
    found = resized(picture, size, resample).astype(int)
    expected = np.asarray(picture.resize(size, getattr(Image.Resampling, resample.upper())))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1
    assert abs((found - expected).mean()) < 0.05


def test_a_picture_of_the_right_size_is_not_filtered():
    picture = random_picture(16, 16)
    rule = Preprocessing(resize="stretch", side=16, divisor=1.0, resample="lanczos")
    assert np.array_equal(values(picture, rule), np.asarray(picture).transpose(2, 0, 1))


def test_channels_come_in_the_order_of_the_spec():
    picture = Image.new("RGB", (16, 16), (10, 20, 30))
    assert values(picture)[:, 0, 0].tolist() == [10, 20, 30]
    bgr = Preprocessing(resize="none", divisor=1.0, channels="bgr")
    assert values(picture, bgr)[:, 0, 0].tolist() == [30, 20, 10]


@every("channels", [1, 3])
def test_grey_is_luma_in_every_channel(channels):
    picture = Image.new("RGB", (16, 16), (255, 0, 0))
    grey = Preprocessing(resize="none", divisor=1.0, channels="grey")
    assert values(picture, grey, channels=channels)[:, 0, 0].tolist() == [76] * channels


def test_a_network_of_one_channel_sees_grey_whatever_the_spec_says():
    picture = Image.new("RGB", (16, 16), (0, 255, 0))
    assert values(picture, channels=1)[:, 0, 0].tolist() == [150]


@every("channels", [2, 4, 13])
def test_a_network_of_other_channels_is_refused(channels):
    with pytest.raises(PredictionError) as caught:
        prepared(random_picture(), AS_IT_IS, channels=channels)
    assert str(channels) in str(caught.value)


def test_values_are_divided_then_centred_then_scaled():
    picture = Image.new("RGB", (16, 16), (51, 102, 255))
    rule = Preprocessing(
        resize="none", divisor=255.0, mean=(0.1, 0.2, 0.5), std=(0.5, 0.25, 2.0), channels="rgb"
    )
    np.testing.assert_allclose(values(picture, rule)[:, 0, 0], [0.2, 0.8, 0.25], rtol=1e-6)


def test_mean_and_std_follow_the_order_of_the_network():
    picture = Image.new("RGB", (16, 16), (10, 20, 30))
    rule = Preprocessing(resize="none", divisor=1.0, channels="bgr", mean=(30.0, 20.0, 10.0))
    assert not values(picture, rule).any()


def test_one_number_is_for_every_channel():
    picture = Image.new("RGB", (16, 16), (10, 20, 30))
    rule = Preprocessing(resize="none", divisor=1.0, mean=(10.0,), std=(10.0,))
    assert values(picture, rule)[:, 0, 0].tolist() == [0, 1, 2]


def test_colour_statistics_are_averaged_for_grey():
    picture = Image.new("RGB", (16, 16), (60, 60, 60))
    rule = Preprocessing(resize="none", divisor=1.0, mean=(10, 20, 30), std=(1, 2, 3))
    assert values(picture, rule, channels=1)[0, 0, 0] == 20


def test_the_picture_can_be_divided_by_its_own_maximum():
    picture = random_picture()
    picture.paste((200, 0, 0), (0, 0, 1, 1))
    picture = picture.point(lambda value: min(value, 200))
    rule = Preprocessing(resize="none", divisor="maximum")
    assert values(picture, rule).max() == 1.0


def test_a_black_picture_stays_black_when_divided_by_its_maximum():
    rule = Preprocessing(resize="none", divisor="maximum")
    assert not values(Image.new("RGB", (16, 16)), rule).any()


@every(("width", "height"), [(31, 17), (32, 32), (1, 40), (1, 1)])
def test_odd_sizes_are_padded_at_the_bottom_right_by_reflection(width, height):
    picture = random_picture(width, height)
    rule = Preprocessing(resize="none", divisor=1.0, multiple_of=16)
    found = values(picture, rule)
    assert found.shape[1] % 16 == found.shape[2] % 16 == 0
    assert found.shape[1] - height < 16
    assert found.shape[2] - width < 16
    original = values(picture)
    assert np.array_equal(found[:, :height, :width], original)
    if found.shape[2] > width > 1:
        assert np.array_equal(found[:, :height, width], original[:, :, -2])


def test_a_picture_smaller_than_the_network_needs_is_padded_too():
    found = prepared(random_picture(20, 9), AS_IT_IS, requirements=SizeRequirements(minimum=32))
    assert found.tensor.shape == (1, 3, 32, 32)
    assert found.size == (20, 9)


def test_a_lost_border_is_added_on_every_side():
    picture = random_picture(20, 30)
    found = values(picture, requirements=SizeRequirements(border=4))
    assert found.shape == (3, 38, 28)
    assert np.array_equal(found[:, 4:-4, 4:-4], values(picture))
    assert np.array_equal(found[:, 3, 4:-4], values(picture)[:, 1])


def test_the_multiples_of_the_spec_and_of_the_network_both_hold():
    requirements = SizeRequirements(multiple_of=16)
    rule = Preprocessing(resize="none", multiple_of=24)
    found = prepared(random_picture(50, 30), rule, requirements=requirements)
    assert found.tensor.shape == (1, 3, 48, 96)
    assert found.size == (50, 30)


def test_border_minimum_and_multiple_go_together():
    requirements = SizeRequirements(minimum=140, border=4)
    rule = Preprocessing(resize="none", multiple_of=32)
    assert prepared(random_picture(20, 155), rule, requirements=requirements).tensor.shape == (
        1,
        3,
        192,
        160,
    )


def random_logits(channels, height=8, width=9):
    return 4 * torch.randn(1, channels, height, width, generator=torch.Generator().manual_seed(0))


def test_one_channel_becomes_its_sigmoid():
    logits = random_logits(1)
    torch.testing.assert_close(activate(logits, "sigmoid", (9, 8)), logits[0].sigmoid())


def test_several_channels_can_have_a_sigmoid_each():
    logits = random_logits(3)
    torch.testing.assert_close(activate(logits, "sigmoid", (9, 8)), logits[0].sigmoid())


def test_softmax_goes_over_the_channels():
    found = activate(random_logits(3), "softmax", (9, 8))
    torch.testing.assert_close(found.sum(dim=0), torch.ones(8, 9))
    assert torch.equal(found.argmax(dim=0), random_logits(3)[0].argmax(dim=0))


def test_softmax_of_one_channel_is_its_sigmoid():
    logits = random_logits(1)
    assert torch.equal(activate(logits, "softmax", (9, 8)), activate(logits, "sigmoid", (9, 8)))


def test_what_is_a_probability_already_is_only_kept_in_range():
    given = torch.tensor([[[[-0.5, 0.25, 1.5]]]])
    assert activate(given, "none", (3, 1)).tolist() == [[[0.0, 0.25, 1.0]]]


@every("activation", ["sigmoid", "softmax", "none"])
def test_large_maps_become_probabilities_strip_by_strip_and_no_more_differs_than_rounding(
    activation, monkeypatch
):
    whole = activate(random_logits(3), activation, (7, 6))
    monkeypatch.setattr(processing, "_STRIP_NUMBERS", 50)
    given = random_logits(3)
    strips = activate(given, activation, (7, 6))
    torch.testing.assert_close(strips, whole, rtol=1e-6, atol=0)
    assert strips.data_ptr() == given.data_ptr()
    given[0, 2, 5, 6] = float("nan")
    with pytest.raises(PredictionError):
        activate(given, activation, (7, 6))


@every("activation", ["sigmoid", "softmax", "none"])
def test_probabilities_are_float32_in_range_and_without_padding(activation):
    found = activate(100 * random_logits(2).half(), activation, (5, 3))
    assert found.dtype == torch.float32
    assert found.shape == (2, 3, 5)
    assert 0 <= found.min() <= found.max() <= 1


@every("activation", ["sigmoid", "softmax", "none"])
@every("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_refused(activation, bad):
    logits = random_logits(2)
    logits[0, 1, 2, 3] = bad
    with pytest.raises(PredictionError) as caught:
        activate(logits, activation, (9, 8))
    assert caught.value.key == "prediction_not_finite"


def test_what_is_not_finite_in_the_padding_does_no_harm():
    logits = random_logits(1)
    logits[0, 0, 7, 8] = float("nan")
    assert activate(logits, "sigmoid", (8, 8)).isfinite().all()


def random_map(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def test_a_map_of_the_right_size_stays_as_it_is():
    given = random_map(2, 5, 7)
    assert resize_map(given, (7, 5)) is given


@every("size", [(14, 10), (3, 2), (14, 2), (1, 1), (7, 11)])
@every("channels", [(), (1,), (3,)])
def test_a_map_is_brought_to_any_size_and_stays_in_range(size, channels):
    found = resize_map(random_map(*channels, 5, 7), size)
    assert found.shape == (*channels, size[1], size[0])
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1


@every("value", [0.0, 1.0, 0.5])
@every("size", [(3, 2), (700, 500)])
def test_a_constant_map_stays_constant(value, size):
    found = resize_map(np.full((5, 7), value, np.float32), size)
    np.testing.assert_allclose(found, value, atol=1e-6)


def test_shrinking_looks_at_every_pixel():
    stripes = np.zeros((8, 64), np.float32)
    stripes[:, ::4] = 1
    np.testing.assert_allclose(resize_map(stripes, (8, 8))[:, 2:-2], 0.25, atol=0.02)


def test_a_channel_of_a_larger_array_can_be_resized():
    given = random_map(3, 5, 7)
    assert np.array_equal(resize_map(given[1], (9, 9)), resize_map(given, (9, 9))[1])


def exactly_representable():
    """Every k/256, and the nearest float32 below and above each."""
    steps = np.arange(257, dtype=np.float32) / 256
    below = np.nextafter(steps, np.float32(-1))
    above = np.nextafter(steps, np.float32(2))
    return np.clip(np.concatenate([steps, below, above]), 0, 1).astype(np.float32)


@every("probabilities", [random_map(200, 300), exactly_representable()])
def test_a_quantised_probability_reaches_a_threshold_exactly_when_it_does_itself(probabilities):
    quantised = quantise(probabilities)
    assert quantised.dtype == np.uint8
    for k in range(1, 256):
        assert np.array_equal(quantised >= k, probabilities >= k / 256)


def test_a_probability_equal_to_the_threshold_is_foreground():
    assert quantise(np.float32([0.5]))[0] == 128
    assert quantise(np.nextafter(np.float32([0.5]), np.float32(0)))[0] == 127


def test_certainty_is_the_last_step():
    assert quantise(np.float32([0, 1])).tolist() == [0, 255]


def test_a_rectangle_and_a_limit_on_the_longest_side_are_kept():
    stretched = Preprocessing(resize="stretch", side=512, height=256)
    assert network_size((100, 100), stretched, 4096) == ((512, 256), False)
    assert network_size((100, 100), stretched, 256) == ((256, 128), True)
    limited = Preprocessing(resize="shortest", side=800, longest=1333)
    assert network_size((1000, 1000), limited, 4096) == ((800, 800), False)
    assert network_size((3000, 1000), limited, 4096) == ((1333, 444), False)


def test_an_image_may_be_standardised_by_its_own_statistics():
    pixels = np.random.default_rng(0).integers(0, 200, (24, 30, 3), dtype=np.uint8)
    pixels[..., 2] //= 4
    expected = {
        "image": (pixels - pixels.mean()) / pixels.std(),
        "channel": (pixels - pixels.mean(axis=(0, 1))) / pixels.std(axis=(0, 1)),
    }
    for name, wanted in expected.items():
        rule = Preprocessing(resize="none", standardise=name, mean=(9.0,), std=(3.0,))
        found = values(Image.fromarray(pixels), rule)
        np.testing.assert_allclose(found, wanted.transpose(2, 0, 1), atol=1e-5)
    flat = Image.new("RGB", (20, 20), (7, 7, 7))
    assert not values(flat, Preprocessing(resize="none", standardise="channel")).any()
