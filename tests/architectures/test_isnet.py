"""IS-Net computes what DIS's and RMBG-1.4's code does, and is told from U²-Net by its tensors."""

import pytest
import torch
from code_bases import (
    SMALL_DECODER,
    SMALL_ENCODER,
    Block,
    DeepU2Net,
    header,
    picture,
    randomised,
    sized_like,
    vector,
)
from torch import nn
from torch.nn import functional

from segdemo.architectures.isnet import ARCHITECTURE, ISNet, ISNetConfig
from segdemo.checkpoints import detect
from segdemo.checkpoints.recognise import resolve_spec
from segdemo.errors import UnknownNetworkError
from tests.table import every

# Height, into, mid, out, dilated: the table of the paper.
ENCODER = (
    (7, 64, 32, 64, False),
    (6, 64, 32, 128, False),
    (5, 128, 64, 256, False),
    (4, 256, 128, 512, False),
    (4, 512, 256, 512, True),
    (4, 512, 256, 512, True),
)
DECODER = (
    (4, 1024, 256, 512, True),
    (4, 1024, 128, 256, False),
    (5, 512, 64, 128, False),
    (6, 256, 32, 64, False),
    (7, 128, 16, 64, False),
)


class DISNet(nn.Module):
    """IS-Net of any stages in the names of DIS: a picture in, logits of side1 out."""

    def __init__(self, encoder=SMALL_ENCODER, decoder=SMALL_DECODER, *, channels=3, classes=1):
        super().__init__()
        self.conv_in = nn.Conv2d(channels, encoder[0][1], 3, stride=2, padding=1)
        for n, stage in enumerate(encoder, 1):
            self.add_module(f"stage{n}", Block(*stage, names="xq", bias=True))
        for n, stage in zip(range(len(decoder), 0, -1), decoder, strict=True):
            self.add_module(f"stage{n}d", Block(*stage, names="xq", bias=True))
        outs = [stage[3] for stage in (*decoder[::-1], encoder[-1])]
        for n, out in enumerate(outs, 1):
            self.add_module(f"side{n}", nn.Conv2d(out, classes, 3, padding=1))
        self.levels = len(encoder)

    def forward(self, x):
        maps, y = {}, self.conv_in(x)
        for n in range(1, self.levels + 1):
            if n > 1:
                y = functional.max_pool2d(y, 2, stride=2, ceil_mode=True)
            maps[n] = y = self.get_submodule(f"stage{n}")(y)
        for n in range(self.levels - 1, 0, -1):
            joined = torch.cat((sized_like(y, maps[n]), maps[n]), 1)
            y = self.get_submodule(f"stage{n}d")(joined)
        return sized_like(self.side1(y), x)


def assert_computes_the_same(theirs, x):
    detection = detect(theirs.state_dict())
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.numel() == 1 or expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4)
    return detection


def test_deep_supervision_gets_every_side_and_the_plain_output_is_the_first():
    network = detect(randomised(DISNet()).state_dict()).build()
    x = picture()
    with torch.no_grad():
        sides = network.forward_deep(x)
        assert torch.equal(network(x), sides[0])
    assert [side.shape for side in sides] == [sides[0].shape] * len(network.side)


def test_the_classes_of_a_configuration_are_changed_wherever_they_stand():
    config = ARCHITECTURE.with_classes(ISNetConfig.full(), 5)
    assert config.classes == 5
    with torch.device("meta"):
        assert {side.out_channels for side in ISNet(config).side} == {5}


@pytest.fixture(scope="module")
def published():
    """The state dict of the published network without numbers."""
    with torch.device("meta"):
        return DISNet(ENCODER, DECODER).state_dict()


@every("size", [(1, 1), (48, 64), (33, 47)])
def test_it_computes_the_same_at_any_size(size):
    theirs = randomised(DISNet())
    detection = assert_computes_the_same(theirs, picture(height=size[0], width=size[1]))
    assert detection.id == "isnet_dis"
    assert detection.alternatives == ()


@every("channels", [1, 4])
@every("classes", [1, 3])
def test_channels_and_classes_are_read_from_the_shapes(channels, classes):
    theirs = randomised(DISNet(channels=channels, classes=classes))
    config = assert_computes_the_same(theirs, picture(channels)).config
    assert (config.in_channels, config.classes) == (channels, classes)


def test_the_stages_are_read_from_the_shapes():
    stages = detect(DISNet().state_dict()).config.stages
    found = [
        (stage.height, stage.into, stage.mid, stage.out, stage.dilated)
        for stage in (*stages.encoder, *stages.decoder)
    ]
    assert found == [*SMALL_ENCODER, *SMALL_DECODER]


def test_the_published_network_is_read_from_its_header(published):
    detection = detect(published)
    assert detection.config == ISNetConfig.full()
    assert detection.architecture.describe(detection.config) == "full"
    assert detection.build()(torch.empty(1, 3, 64, 96, device="meta")).shape == (1, 1, 64, 96)


def test_it_shares_796_names_with_u2net_which_has_as_many(published):
    u2net = header(vector("xuebinqin_u2net"))
    assert len(published) == len(u2net) == 798
    assert len(published.keys() & u2net.keys()) == 796
    assert published.keys() - u2net.keys() == {"conv_in.weight", "conv_in.bias"}
    assert u2net.keys() - published.keys() == {"outconv.weight", "outconv.bias"}
    first = "stage1.rebnconvin.conv_s1.weight"
    assert (published[first].shape, u2net[first].shape) == ((64, 64, 3, 3), (64, 3, 3, 3))
    differing = [
        key for key in published.keys() & u2net if published[key].shape != u2net[key].shape
    ]
    assert differing == [first]


def test_a_header_without_batch_counters_will_do(published):
    fewer = {key: value for key, value in published.items() if "num_batches" not in key}
    assert len(fewer) == 686
    assert detect(fewer).id == "isnet_dis"


def test_the_file_size_is_that_of_isnet_general_use(published):
    numbers = sum(value.numel() * value.element_size() for value in published.values())
    assert 176_000_000 < numbers < 176_579_397


@every("missing", ["conv_in.bias", "side6.weight", "stage3.rebnconv2.bn_s1.bias"])
def test_one_tensor_less_is_refused(published, missing):
    with pytest.raises(UnknownNetworkError):
        detect({key: value for key, value in published.items() if key != missing})


def test_one_tensor_of_another_shape_is_refused(published):
    wrong = torch.empty(64, 3, 3, 3, device="meta")
    with pytest.raises(UnknownNetworkError):
        detect({**published, "stage1.rebnconvin.conv_s1.weight": wrong})


def test_u2net_is_not_taken_for_it_nor_it_for_u2net():
    u2net = DeepU2Net(SMALL_ENCODER, SMALL_DECODER).state_dict()
    assert detect(u2net).architecture.id == "u2net"
    with pytest.raises(UnknownNetworkError):
        detect({**u2net, **DISNet().state_dict()})


def test_our_own_names_are_recognised_too():
    ours = detect(DISNet().state_dict()).build().state_dict()
    assert detect(ours).id == "isnet"
    assert detect(ours).config == detect(DISNet().state_dict()).config


def test_all_sides_are_kept_but_only_the_finest_is_run():
    network = ISNet(detect(DISNet().state_dict()).config).eval()
    assert len(network.side) == 6
    network(picture()).sum().backward()
    ran = [convolution.weight.grad is not None for convolution in network.side]
    assert ran == [False] * 5 + [True]


def test_pictures_are_prepared_as_dis_and_rmbg_do(published):
    spec = resolve_spec(detect(published), {})
    preprocessing = spec.preprocessing
    assert (preprocessing.resize, preprocessing.side) == ("stretch", 1024)
    assert (preprocessing.divisor, preprocessing.mean, preprocessing.std) == (255, (0.5,), (1.0,))
    assert spec.postprocessing.activation == "sigmoid"
