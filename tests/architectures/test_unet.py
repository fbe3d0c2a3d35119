"""U-Net checkpoints of any width, depth and era compute what their own code base does."""

import itertools

import pytest
import torch
from code_bases import TutorialUNet, picture, randomised

from segdemo.architectures.unet import ARCHITECTURE, UNet, UNetConfig, describe
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

CLAIMED_BY = {
    "master": "unet_milesial",
    "bias": "unet_milesial_bias",
    "classic": "unet_classic",
    "2018": "unet_milesial_2018",
}
ERAS_AND_UPS = list(itertools.product(CLAIMED_BY, ("transposed", "bilinear")))


def assert_computes_the_same(theirs, x, *, assume=None):
    """Detects the network from its tensors, compares outputs, and returns the detection."""
    detection = detect(theirs.state_dict(), assume=assume)
    ours = detection.build()
    with torch.no_grad():
        expected, got = theirs(x), ours(x)
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    return detection


@every(("era", "up"), ERAS_AND_UPS)
def test_every_era_is_recognised_and_computes_the_same(era, up):
    theirs = randomised(TutorialUNet(era=era, up=up))
    detection = assert_computes_the_same(theirs, picture())
    assert detection.id == CLAIMED_BY[era]
    assert detection.config.up == up
    assert detection.config.bias == (era != "master")


@every(("era", "up"), ERAS_AND_UPS)
@every("depth", [1, 3, 5])
def test_any_depth(era, up, depth):
    theirs = randomised(TutorialUNet(era=era, up=up, depth=depth, width=4))
    detection = assert_computes_the_same(theirs, picture(height=64, width=32))
    assert len(detection.config.widths) == depth + 1
    assert ARCHITECTURE.requirements(detection.config).minimum == 2**depth


@every(("era", "up"), ERAS_AND_UPS)
def test_odd_sizes_are_padded_as_their_code_base_does(era, up):
    theirs = randomised(TutorialUNet(era=era, up=up, width=4, depth=3))
    assert_computes_the_same(theirs, picture(height=27, width=37))


@every("width", [8, 16, 48])
def test_any_width(width):
    theirs = randomised(TutorialUNet(width=width, depth=2))
    assert assert_computes_the_same(theirs, picture()).config.widths[0] == width


@every("up", ["transposed", "bilinear"])
@every("channels", [1, 3, 4])
@every("classes", [1, 2, 5])
def test_any_number_of_channels_and_classes(up, channels, classes):
    theirs = randomised(TutorialUNet(channels=channels, classes=classes, up=up, depth=2, width=4))
    detection = assert_computes_the_same(theirs, picture(channels))
    assert (detection.config.in_channels, detection.config.classes) == (channels, classes)


def test_the_unpadded_network_is_a_twin_that_has_to_be_asked_for():
    theirs = randomised(TutorialUNet(era="bias", padding=0, depth=2, width=4))
    detection = assert_computes_the_same(
        theirs, picture(height=47, width=52), assume="unet_unpadded"
    )
    assert detection.config.padding == 0
    assert [other.id for other in detection.alternatives] == ["unet_milesial_bias"]
    assert detect(theirs.state_dict()).id == "unet_milesial_bias"


def test_the_twin_is_offered_and_builds():
    theirs = randomised(TutorialUNet(era="bias", padding=0, depth=1, width=4))
    (twin,) = detect(theirs.state_dict()).alternatives
    x = picture(height=23, width=30)
    with torch.no_grad():
        torch.testing.assert_close(twin.build()(x), theirs(x), rtol=1e-4, atol=1e-5)


@every("era", ["master", "classic", "2018"])
def test_what_was_never_unpadded_has_no_twin(era):
    assert detect(TutorialUNet(era=era).state_dict()).alternatives == ()


@every("depth", [1, 2, 4])
def test_the_unpadded_network_needs_room_and_loses_four_pixels_a_side(depth):
    config = detect(
        TutorialUNet(era="bias", depth=depth, width=2).state_dict(), assume="unet_unpadded"
    ).config
    requirements = ARCHITECTURE.requirements(config)
    with torch.device("meta"):
        network = UNet(config).eval()
    side = requirements.minimum
    assert network(torch.empty(1, 3, side, side, device="meta")).shape == (1, 1, side - 8, side - 8)
    with pytest.raises(RuntimeError):
        network(torch.empty(1, 3, side - 1, side, device="meta"))


def test_the_bilinear_unpadded_network_that_cannot_run_is_refused():
    # Its bottleneck doubles, though bilinear upsampling cannot narrow it: 8 -> 16 is wrong here.
    state_dict = TutorialUNet(era="classic", up="bilinear", depth=1).state_dict()
    for key, tensor in TutorialUNet(era="bias", depth=1).state_dict().items():
        if key.startswith("down1."):
            state_dict[key] = tensor
    with pytest.raises(UnknownNetworkError):
        detect(state_dict)


def test_a_missing_level_is_refused():
    state_dict = TutorialUNet(depth=3, width=4).state_dict()
    gap = {key: value for key, value in state_dict.items() if not key.startswith("down2.")}
    with pytest.raises(UnknownNetworkError):
        detect(gap)


@every("up", ["transposed", "bilinear"])
@every("bias", [False, True])
@every("depth", [1, 4])
def test_the_standard_network_is_read_back_from_its_own_tensors(up, bias, depth):
    config = UNetConfig.standard(in_channels=1, classes=3, width=8, depth=depth, up=up, bias=bias)
    network = randomised(UNet(config))
    detection = assert_computes_the_same(network, picture(channels=1))
    assert detection.id == "unet"
    assert detection.config == config


@every("up", ["transposed", "bilinear"])
def test_the_standard_network_is_that_of_the_tutorials(up):
    config = detect(TutorialUNet(width=16, up=up).state_dict()).config
    assert config == UNetConfig.standard(width=16, up=up)


def test_a_description_names_what_is_unusual():
    config = UNetConfig.standard(width=16, depth=3)
    assert describe(config) == "width 16, transposed, 3 levels"
    assert describe(UNetConfig.standard()) == "width 64, transposed"
