"""W-Net computes what lwnet's code does: norms behind activations, two U-Nets in a row."""

import itertools

import pytest
import torch
from code_bases import picture, predicted, randomised
from torch import nn

from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every


class Block(nn.Module):
    def __init__(self, into, out, *, kernel, shortcut, leaky):
        super().__init__()
        act = nn.LeakyReLU if leaky else nn.ReLU
        layers = []
        for given in (into, out):
            layers += [nn.Conv2d(given, out, kernel, padding=kernel // 2), act()]
            layers.append(nn.BatchNorm2d(out))
        self.block = nn.Sequential(*layers)
        if shortcut:
            self.shortcut = nn.Sequential(nn.Conv2d(into, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.block(x)
        return y + self.shortcut(x) if hasattr(self, "shortcut") else y


class Up(nn.Module):
    def __init__(self, into, out, *, transposed, bridge, **options):
        super().__init__()
        self.up_layer = nn.Module()
        double = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.up_layer.block = nn.Sequential(
            *(
                [nn.ConvTranspose2d(into, out, 2, 2)]
                if transposed
                else [double, nn.Conv2d(into, out, 1)]
            )
        )
        self.conv_layer = Block(2 * out, out, **options)
        if bridge:
            block = Block(out, out, **{**options, "shortcut": False}).block[:3]
            self.conv_bridge_layer = nn.Module()
            self.conv_bridge_layer.block = block

    def forward(self, x, skip):
        if hasattr(self, "conv_bridge_layer"):
            skip = self.conv_bridge_layer.block(skip)
        return self.conv_layer(torch.cat([self.up_layer.block(x), skip], 1))


class LittleUNet(nn.Module):
    """lwnet's U-Net."""

    def __init__(
        self,
        *,
        channels=3,
        classes=1,
        widths=(4, 5, 6),
        transposed=True,
        bridge=True,
        kernel=3,
        shortcut=True,
        leaky=False,
    ):
        super().__init__()
        options = {"kernel": kernel, "shortcut": shortcut, "leaky": leaky}
        self.first = Block(channels, widths[0], **options)
        pairs = list(itertools.pairwise(widths))
        self.down_path = nn.ModuleList(Block(*pair, **options) for pair in pairs)
        self.up_path = nn.ModuleList(
            Up(into, out, transposed=transposed, bridge=bridge, **options)
            for out, into in pairs[::-1]
        )
        self.final = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = [self.first(x)]
        for block in self.down_path:
            skips.append(block(nn.functional.max_pool2d(skips[-1], 2)))
        y = skips.pop()
        for up in self.up_path:
            y = up(y, skips.pop())
        return self.final(y)


class LWNet(nn.Module):
    """Two of them; the second is given the logits of the first."""

    def __init__(self, *, channels=3, classes=1, **options):
        super().__init__()
        self.unet1 = LittleUNet(channels=channels, classes=classes, **options)
        self.unet2 = LittleUNet(channels=channels + classes, classes=classes, **options)

    def forward(self, x):
        return self.unet2(torch.cat([x, self.unet1(x)], 1))


def assert_computes_the_same(theirs, assume, *, channels=3):
    detection = detect(theirs.state_dict(), assume=assume)
    x = picture(channels)
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    return detection


@every(
    "options",
    [
        {},
        {"widths": (3, 4, 5, 6)},
        {"transposed": False},
        {"bridge": False},
        {"shortcut": False},
        {"kernel": 5},
    ],
)
def test_each_of_its_options(options):
    for network, reading in ((LWNet, "wnet_lwnet"), (LittleUNet, "unet_lwnet")):
        detection = assert_computes_the_same(randomised(network(**options)), reading)
        assert detection.id == reading
        assert [other.id for other in detection.alternatives] == [f"{reading}_leaky"]


def test_leaky_activations_are_a_reading_of_their_own():
    for network, reading in ((LWNet, "wnet_lwnet_leaky"), (LittleUNet, "unet_lwnet_leaky")):
        detection = assert_computes_the_same(randomised(network(leaky=True)), reading)
        exported = detection.build().state_dict()
        assert detect(exported, assume=reading).config == detection.config


@every(("channels", "classes"), [(1, 1), (4, 3)])
def test_channels_and_classes_are_read_from_the_shapes(channels, classes):
    theirs = randomised(LWNet(channels=channels, classes=classes))
    config = assert_computes_the_same(theirs, "wnet_lwnet", channels=channels).config
    assert (config.in_channels, config.classes, config.networks) == (channels, classes, 2)


def test_the_maps_of_both_networks_are_there_for_training():
    theirs = randomised(LWNet())
    with torch.no_grad():
        last, first = detect(theirs.state_dict()).build().forward_deep(picture())
        torch.testing.assert_close(first, theirs.unet1(picture()), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(last, theirs(picture()), rtol=1e-4, atol=1e-5)


def test_our_own_names_are_recognised_too():
    theirs = detect(LWNet().state_dict())
    ours = detect(theirs.build().state_dict())
    assert (ours.id, ours.config, ours.alternatives) == ("wnet", theirs.config, ())


def test_one_tensor_less_is_refused():
    complete = LWNet().state_dict()
    for name in ("unet2.final.bias", "unet1.up_path.0.conv_bridge_layer.block.2.weight"):
        with pytest.raises(UnknownNetworkError):
            detect({key: tensor for key, tensor in complete.items() if key != name})


@every("size", [(1, 1), (61, 33)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    detection = detect(randomised(LWNet()).state_dict())
    assert predicted(detection, size).probabilities.shape == (1, size[1], size[0])


def test_pictures_are_a_square_divided_by_255_alone():
    detection = detect(LWNet().state_dict())
    assert detection.recipe["preprocessing"] == {"resize": "stretch", "side": 512}
    assert detection.architecture.describe(detection.config) == "2 U-Nets, widths 4-5-6"
