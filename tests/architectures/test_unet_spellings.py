"""U-Nets that join the expanding path first: labml's, the lab's, UNET-ZOO's, the brain's."""

import pytest
import small_unets
import torch
from code_bases import TutorialUNet, picture, predicted, randomised, vector
from small_unets import SpelledUNet
from vectors import rule

from segdemo.architectures.spellings.unet import MAPPINGS
from segdemo.architectures.unet import ARCHITECTURE
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

CLAIMED_BY = {
    "labml": "unet_labml",
    "lab": "unet_lab",
    "lab_prose": "unet_lab",
    "lab_norm": "unet_lab_norm",
    "zoo32": "unet_zoo32",
    "tiny8": "unet_tiny8",
    "brain": "unet_brain",
}
CROPPING = ("labml", "lab", "lab_prose", "lab_norm")
EXACT = ("zoo32", "tiny8", "brain")
HEADS_1X1 = ("labml", "lab", "zoo32")
HEADS = {"labml": "final_conv", "lab": "final_conv", "zoo32": "conv10", "tiny8": "layer10_conv"}


def spelled(dialect, *, depth=4, **options):
    return randomised(SpelledUNet(getattr(small_unets, dialect)(depth), **options))


def assert_the_same(got, expected):
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def assert_computes_the_same(theirs, x, *, assume=None):
    detection = detect(theirs.state_dict(), assume=assume)
    with torch.no_grad():
        assert_the_same(detection.build()(x), theirs(x))
    return detection


@every("dialect", CLAIMED_BY)
def test_every_spelling_is_recognised_and_computes_the_same(dialect):
    detection = assert_computes_the_same(spelled(dialect), picture(height=48, width=32))
    assert detection.id == CLAIMED_BY[dialect]
    assert detection.alternatives == ()
    assert detection.known["join"] == "up_first"
    assert detection.config.norm == (dialect not in ("labml", "lab", "lab_prose"))


@every("dialect", CLAIMED_BY)
@every("depth", [2, 3, 5])
def test_any_depth_that_the_numbering_allows(dialect, depth):
    theirs = spelled(dialect, depth=depth, width=2)
    detection = assert_computes_the_same(theirs, picture(height=32, width=64))
    assert len(detection.config.widths) == depth + 1
    assert ARCHITECTURE.requirements(detection.config).multiple_of == 2**depth


@every("dialect", CLAIMED_BY)
@every("width", [8, 48])
def test_any_width(dialect, width):
    theirs = spelled(dialect, depth=2, width=width)
    assert assert_computes_the_same(theirs, picture()).config.widths[0] == width


@every("dialect", CLAIMED_BY)
@every(("channels", "classes"), [(1, 1), (1, 5), (3, 2), (4, 1)])
def test_any_number_of_channels_and_classes(dialect, channels, classes):
    theirs = spelled(dialect, depth=2, channels=channels, classes=classes)
    config = assert_computes_the_same(theirs, picture(channels)).config
    assert (config.in_channels, config.classes) == (channels, classes)


# At 23, the skips exceed the upsampled maps by 1, 3 and 7: offsets 0, 2 and 4.
@every("dialect", CROPPING)
@every(("height", "width"), [(23, 32), (32, 23), (27, 37), (31, 63)])
def test_skips_are_cropped_about_their_centre_with_halves_to_even(dialect, height, width):
    theirs = spelled(dialect, depth=3)
    detection = assert_computes_the_same(theirs, picture(height=height, width=width))
    cropped = detection.build()(picture(height=height, width=width)).shape[2:]
    assert cropped == (height - height % 8, width - width % 8)


@every("dialect", EXACT)
@every(("height", "width"), [(23, 32), (32, 44)])
def test_what_raises_in_their_code_raises_in_ours(dialect, height, width):
    theirs = spelled(dialect, depth=3)
    x = picture(height=height, width=width)
    for network in (theirs, detect(theirs.state_dict()).build()):
        with pytest.raises(RuntimeError):
            network(x)


@every("dialect", CLAIMED_BY)
@every("size", [(37, 53), (1, 90), (64, 48)])
def test_every_picture_gets_a_map_of_its_own_size(dialect, size):
    theirs = spelled(dialect)
    detection = detect(theirs.state_dict())
    prediction = predicted(detection, size)
    assert prediction.probabilities.shape == (1, size[1], size[0])


def lab_names(labml):
    """labml's names -> the lab's."""
    renamed = {}
    for key, tensor in labml.items():
        module, *rest = key.split(".")
        if module in ("down_conv", "up_sample", "up_conv"):
            module += str(int(rest.pop(0)) + 1)
        if rest[0] == "up":
            rest.pop(0)
        rest = [{"first": "0", "second": "2"}.get(name, name) for name in rest]
        renamed[".".join((module, *rest))] = tensor
    return renamed


def test_the_lab_and_labml_are_one_function():
    labml = spelled("labml")
    detection = detect(lab_names(labml.state_dict()))
    assert detection.id == "unet_lab"
    x = picture(height=97, width=131)
    with torch.no_grad():
        assert torch.equal(detection.build()(x), detect(labml.state_dict()).build()(x))
        assert_the_same(detection.build()(x), labml(x))


def milesial_names(module, depth):
    """The place of a UNET-ZOO module in milesial's network."""
    number = int(module.lstrip("convup"))
    if number == 2 * depth + 2:
        return "outc.conv"
    if module.startswith("up"):
        return f"up{number - depth - 1}.up"
    if number == 1:
        return "inc"
    down = number <= depth + 1
    return f"down{number - 1}.maxpool_conv.1" if down else f"up{number - depth - 1}.conv"


def halves_swapped(weight):
    first, second = weight.chunk(2, dim=1)
    return torch.cat([second, first], dim=1)


def test_zoo32_is_milesial_with_the_halves_of_each_join_swapped():
    zoo = spelled("zoo32")
    renamed = {}
    for key, tensor in zoo.state_dict().items():
        module, _, rest = key.partition(".")
        name = f"{milesial_names(module, 4)}.{rest.replace('conv.', 'double_conv.')}"
        swaps = name.startswith("up") and name.endswith("conv.double_conv.0.weight")
        renamed[name] = halves_swapped(tensor) if swaps else tensor
    detection = detect(renamed, assume="unet_milesial_bias")
    with torch.no_grad():
        x = picture(height=96, width=128)
        assert_the_same(detection.build()(x), zoo(x))
        assert_the_same(detection.build()(x), detect(zoo.state_dict()).build()(x))


def test_labml_is_milesial_without_norms_and_with_the_halves_swapped():
    labml = spelled("labml", depth=2)
    renamed = TutorialUNet(era="bias", depth=2, width=4).state_dict()
    for key, tensor in renamed.items():
        # Neutral: the small number that a norm adds to the variance is taken off beforehand.
        if key.endswith("running_var"):
            tensor.fill_(1 - 1e-5)
    blocks = {
        "inc": "down_conv.0",
        "down1.maxpool_conv.1": "down_conv.1",
        "down2.maxpool_conv.1": "middle_conv",
        "up1.conv": "up_conv.0",
        "up2.conv": "up_conv.1",
    }
    theirs = labml.state_dict()
    for leaf in ("weight", "bias"):
        for place, name in blocks.items():
            for index, member in (("0", "first"), ("3", "second")):
                renamed[f"{place}.double_conv.{index}.{leaf}"] = theirs[f"{name}.{member}.{leaf}"]
        for n in range(2):
            renamed[f"up{n + 1}.up.{leaf}"] = theirs[f"up_sample.{n}.up.{leaf}"]
        renamed[f"outc.conv.{leaf}"] = theirs[f"final_conv.{leaf}"]
    for n in (1, 2):
        key = f"up{n}.conv.double_conv.0.weight"
        renamed[key] = halves_swapped(renamed[key])
    detection = detect(renamed, assume="unet_milesial_bias")
    with torch.no_grad():
        x = picture(height=24, width=32)
        assert_the_same(detection.build()(x), labml(x))


def test_the_order_of_the_join_matters():
    theirs = spelled("zoo32", depth=2)
    exported = detect(theirs.state_dict()).build().state_dict()
    with torch.no_grad():
        x = picture()
        assert (detect(exported).build()(x) - theirs(x)).abs().max() > 0.01


@every("dialect", CLAIMED_BY)
def test_an_exported_network_is_read_as_its_metadata_assume(dialect):
    theirs = spelled(dialect)
    exported = detect(theirs.state_dict()).build().state_dict()
    assert detect(exported).id == "unet"
    detection = detect(exported, assume=CLAIMED_BY[dialect])
    with torch.no_grad():
        x = picture(height=48)
        assert_the_same(detection.build()(x), theirs(x))


def test_an_exported_network_is_not_read_as_what_its_tensors_exclude():
    exported = detect(spelled("labml").state_dict()).build().state_dict()
    with pytest.raises(UnknownNetworkError) as caught:
        detect(exported, assume="unet_zoo32")
    assert caught.value.key == "checkpoint_assume"


def test_the_unpadded_network_is_not_the_padded_one():
    fixture = vector("unet_unpadded")
    weights = rule.state_dict_for(fixture)
    padded = detect(weights, assume="unet_milesial_bias").build()
    assert rule.check(fixture, padded, load_weights=False, cases=[0]) != []
    unpadded = detect(weights, assume="unet_unpadded").build()
    assert rule.check(fixture, unpadded, load_weights=False, cases=[0]) == []


def test_a_larger_head_is_read_by_structure_not_by_a_spelling_that_never_had_one():
    heads = {dialect: (spelled(dialect), f"{HEADS[dialect]}.weight", 4) for dialect in HEADS_1X1}
    heads["milesial"] = (TutorialUNet(), "outc.conv.weight", 8)
    for network, head, width in heads.values():
        detection = detect({**network.state_dict(), head: torch.zeros(1, width, 3, 3)})
        assert detection.architecture.id == "u_shape"
        assert detection.config.head.kernel == 3


@every("side", [1, 5])
def test_the_small_network_with_another_head_than_3x3_is_another(side):
    state_dict = spelled("tiny8").state_dict()
    state_dict["layer10_conv.weight"] = torch.zeros(1, 4, side, side)
    assert detect(state_dict).config.head.kernel == side


def test_no_padding_keeps_the_size_under_an_even_head():
    state_dict = spelled("tiny8").state_dict()
    state_dict["layer10_conv.weight"] = torch.zeros(1, 4, 2, 2)
    with pytest.raises(UnknownNetworkError):
        detect(state_dict)


@every("network", [TutorialUNet(era="bias"), spelled("zoo32"), spelled("brain")])
def test_norms_without_parameters_are_not_silently_taken_for_no_norms(network):
    # nn.InstanceNorm2d has no tensors: where the batch norms should be is nothing.
    means = [key for key in network.state_dict() if key.endswith("running_mean")]
    norms = tuple(key.removesuffix("running_mean") for key in means)
    bare = {key: t for key, t in network.state_dict().items() if not key.startswith(norms)}
    assert len(bare) < len(network.state_dict())
    detection = detect(bare)
    readings = (detection, *detection.alternatives)
    assert {reading.config.norm for reading in readings} == {"batch", "instance"}


def test_a_number_that_occurs_twice_has_to_be_the_same():
    state_dict = spelled("brain").state_dict()
    state_dict["encoder1.enc2conv1.weight"] = state_dict.pop("encoder1.enc1conv1.weight")
    with pytest.raises(UnknownNetworkError):
        detect(state_dict)


def test_whoever_has_a_sigmoid_inside_gets_one_for_each_class():
    recipes = {mapping.id: mapping.recipe for mapping in MAPPINGS}
    for name in ("unet_milesial_2018", "unet_zoo32", "unet_tiny8", "unet_brain"):
        assert recipes[name]["postprocessing"]["activation"] == "sigmoid"
