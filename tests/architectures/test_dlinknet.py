"""D-LinkNet and CE-Net compute what their code does: a ResNet U-Net around a dilated centre."""

import pytest
import torch
from code_bases import picture, predicted, randomised
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every


class Decoder(nn.Module):
    def __init__(self, into, inner, out):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(into, inner, 1), nn.BatchNorm2d(inner)
        self.deconv2 = nn.ConvTranspose2d(inner, inner, 3, 2, 1, output_padding=1)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv3, self.norm3 = nn.Conv2d(inner, out, 1), nn.BatchNorm2d(out)

    def forward(self, x):
        x = torch.relu(self.norm1(self.conv1(x)))
        x = torch.relu(self.norm2(self.deconv2(x)))
        return torch.relu(self.norm3(self.conv3(x)))


class LinkNetWithCentre(nn.Module):
    """D-LinkNet with so many dilated convolutions, or CE-Net without a number; logits."""

    def __init__(self, dilated=4, *, block=BasicBlock, channels=3, classes=1):
        super().__init__()
        encoder = ResNet(block, [1, 1, 1, 1])
        self.firstconv = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.firstbn = encoder.bn1
        for n in range(1, 5):
            self.add_module(f"encoder{n}", getattr(encoder, f"layer{n}"))
        widths = [64 * 2**n * block.expansion for n in range(4)]
        deepest, self.dilated = widths[-1], dilated
        self.dblock = nn.Module()
        rates = [2**n for n in range(dilated)] if dilated else (1, 3, 5)
        for n, rate in enumerate(rates, 1):
            convolution = nn.Conv2d(deepest, deepest, 3, padding=rate, dilation=rate)
            self.dblock.add_module(f"dilate{n}", convolution)
        if not dilated:
            self.dblock.conv1x1 = nn.Conv2d(deepest, deepest, 1)
            self.spp = nn.Module()
            self.spp.conv = nn.Conv2d(deepest, 1, 1)
        into = deepest if dilated else deepest + 4
        for n, out in zip((4, 3, 2, 1), (*widths[-2::-1], widths[0]), strict=True):
            self.add_module(f"decoder{n}", Decoder(into, into // 4, out))
            into = out
        self.finaldeconv1 = nn.ConvTranspose2d(into, 5, 4, 2, 1)
        self.finalconv2 = nn.Conv2d(5, 6, 3, padding=1)
        self.finalconv3 = nn.Conv2d(6, classes, 3, padding=1)

    def forward(self, x):
        y = torch.relu(self.firstbn(self.firstconv(x)))
        y, skips = functional.max_pool2d(y, 3, 2, 1), []
        for n in range(1, 5):
            y = getattr(self, f"encoder{n}")(y)
            skips.append(y)
        y = self.cascade(skips.pop()) if self.dilated else self.four_ways(skips.pop())
        for n in (4, 3, 2, 1):
            y = getattr(self, f"decoder{n}")(y)
            y = y + skips.pop() if skips else y
        y = torch.relu(self.finalconv2(torch.relu(self.finaldeconv1(y))))
        return self.finalconv3(y)

    def cascade(self, x):
        found = [x]
        for n in range(1, self.dilated + 1):
            found.append(torch.relu(getattr(self.dblock, f"dilate{n}")(found[-1])))
        return sum(found)

    def four_ways(self, x):
        a, b, c = (getattr(self.dblock, f"dilate{n}") for n in (1, 2, 3))
        last = self.dblock.conv1x1
        y = x + torch.relu(a(x)) + torch.relu(last(b(x)))
        y = y + torch.relu(last(b(a(x)))) + torch.relu(last(c(b(a(x)))))
        maps = [self.spp.conv(functional.max_pool2d(y, side, side)) for side in (2, 3, 5, 6)]
        size = y.shape[2:]
        return torch.cat([*(functional.interpolate(m, size, mode="bilinear") for m in maps), y], 1)


def assert_computes_the_same(theirs, *, channels=3, size=(64, 96)):
    detection = detect(theirs.state_dict())
    x = picture(channels, *size)
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4)
    assert detection.alternatives == ()
    return detection


def test_dlinknet_on_bottlenecks():
    with torch.device("meta"):
        detection = detect(LinkNetWithCentre(5, block=Bottleneck).state_dict())
        assert detection.build()(torch.empty(1, 3, 64, 96)).shape == (1, 1, 64, 96)
    assert detection.config.bottleneck
    assert detection.id == "dlinknet_zlckanata"


@every("dilated", [4, 5])
def test_dlinknet_of_any_depth_of_centre(dilated):
    detection = assert_computes_the_same(randomised(LinkNetWithCentre(dilated)))
    assert detection.id == "dlinknet_zlckanata"
    assert (detection.config.centre, detection.config.dilated) == ("cascade", dilated)


def test_cenet():
    detection = assert_computes_the_same(randomised(LinkNetWithCentre(0)), size=(192, 256))
    assert detection.id == "cenet_guzaiwang"
    assert detection.config.centre == "atrous"


@every(("channels", "classes"), [(1, 1), (4, 3)])
def test_channels_and_classes_are_read_from_the_shapes(channels, classes):
    theirs = randomised(LinkNetWithCentre(channels=channels, classes=classes))
    config = assert_computes_the_same(theirs, channels=channels).config
    assert (config.in_channels, config.classes) == (channels, classes)


def test_our_own_names_are_recognised_too():
    for dilated in (0, 4):
        theirs = detect(LinkNetWithCentre(dilated).state_dict())
        ours = detect(theirs.build().state_dict())
        assert (ours.id, ours.config, ours.alternatives) == ("dlinknet", theirs.config, ())


def test_smaller_pictures_than_the_squares_of_cenet_are_padded():
    detection = detect(randomised(LinkNetWithCentre(0)).state_dict())
    assert detection.architecture.requirements(detection.config).minimum == 192
    assert predicted(detection, (61, 33)).probabilities.shape == (1, 33, 61)
    with pytest.raises(RuntimeError):
        detection.build()(torch.zeros(1, 3, 160, 192))


def test_pictures_are_prepared_as_opencv_reads_them():
    for dilated, side in ((4, None), (0, 448)):
        recipe = detect(LinkNetWithCentre(dilated).state_dict()).recipe
        assert recipe["preprocessing"].get("side") == side
        assert recipe["preprocessing"]["channels"] == "bgr"
        # (x - 0.5) / 0.3125 is 3.2 x - 1.6.
        assert (recipe["preprocessing"]["mean"], recipe["preprocessing"]["std"]) == (
            [0.5],
            [0.3125],
        )
        assert recipe["postprocessing"]["activation"] == "sigmoid"


def test_another_centre_is_refused_by_its_name():
    state_dict = LinkNetWithCentre(0).state_dict()
    without = {key: t for key, t in state_dict.items() if not key.startswith("dblock.dilate3")}
    with pytest.raises(UnknownNetworkError) as caught:
        detect(without)
    assert caught.value.key != "checkpoint_unknown"
