"""SegNets of any width compute what their code bases do; what is pooled returns to its place."""

import pytest
import torch
from code_bases import picture, predicted, randomised
from respelt import wrong
from small_encoder_unets import SEGNET_NAMES, SmallSegNet

from segdemo.architectures.segnet import ARCHITECTURE, SegNet, SegNetConfig
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

SHAPES = ({}, {"channels": 1, "classes": 3}, {"channels": 4, "classes": 2, "width": 3})


def test_every_spelling_and_shape_computes_the_same():
    cases = {
        f"{names} {shape}": (SmallSegNet(names=names, **shape), f"segnet_{names}", 32)
        for names in SEGNET_NAMES
        for shape in SHAPES
    }
    cases |= {f"zoo {shape}": (SmallSegNet(stride=1, **shape), "segnet_zoo", 8) for shape in SHAPES}
    assert wrong(cases) == {}


def test_a_stride_that_no_tensor_tells_is_an_alternative():
    detection = detect(SmallSegNet().state_dict())
    assert [detection.id, *(other.id for other in detection.alternatives)] == [
        "segnet_zoo",
        "segnet_onera",
    ]
    halving = detect(SmallSegNet().state_dict(), assume="segnet_onera")
    x = picture(height=32, width=32)
    with torch.no_grad():
        assert (detection.build()(x) - halving.build()(x)).abs().max() > 1e-3


@every(("height", "width"), [(32, 32), (37, 51), (33, 64)])
def test_an_odd_row_comes_back(height, width):
    network = randomised(SmallSegNet())
    built = detect(network.state_dict(), assume="segnet_onera").build()
    x = picture(height=height, width=width)
    with torch.no_grad():
        expected, got = network(x), built(x)
    assert got.shape[2:] == (height, width)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_the_standard_network_is_read_back_from_its_own_tensors():
    config = SegNetConfig.standard(width=2, classes=3)
    with torch.device("meta"):
        detection = detect(SegNet(config).state_dict())
    assert (detection.id, detection.config) == ("segnet", config)
    assert ARCHITECTURE.describe(config) == "13 convolutions, width 2"


def test_transposed_convolutions_are_told_by_their_shapes():
    transposed = detect(SmallSegNet(names="say4n", classes=4).state_dict()).config
    assert (transposed.transposed, transposed.classes) == (True, 4)
    assert not detect(SmallSegNet(names="vinceecws", classes=4).state_dict()).config.transposed


def test_a_head_made_a_single_channel_may_be_below_zero():
    config = detect(randomised(SmallSegNet(names="semseg", classes=3)).state_dict()).config
    lowest = {}
    for classes in (1, 2):
        torch.manual_seed(0)
        network = SegNet(ARCHITECTURE.with_classes(config, classes)).eval()
        torch.nn.init.constant_(network.head.bias, -1.0)
        with torch.no_grad():
            lowest[classes] = float(network(picture(height=32, width=32)).min())
    assert lowest[1] < 0 == lowest[2]


def test_a_missing_convolution_is_refused():
    state_dict = SmallSegNet().state_dict()
    for path in ("conv53.", "conv11d.", "bn42d.", "conv31d."):
        with pytest.raises(UnknownNetworkError):
            detect({key: t for key, t in state_dict.items() if not key.startswith(path)})


@every("size", [(37, 53), (1, 90)])
@every("spelling", ["segnet_zoo", "segnet_onera"])
def test_every_picture_gets_a_map_of_its_own_size(spelling, size):
    detection = detect(randomised(SmallSegNet()).state_dict(), assume=spelling)
    assert predicted(detection, size).probabilities.shape == (1, size[1], size[0])
