"""ESPNet and its encoder alone compute what the paper describes, in the names of their code."""

import pytest
import torch
from code_bases import picture, predicted, randomised
from table import every
from torch import nn
from torch.nn import functional

from segdemo.architectures.parts.data_sets import CITYSCAPES_CLASSES
from segdemo.architectures.real_time.espnet import ARCHITECTURE
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError

RATES = (1, 2, 4, 8, 16)


class Parts(nn.Module):
    """A module with these children."""

    def __init__(self, **children):
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)


def plain(*arguments, **options):
    return Parts(conv=nn.Conv2d(*arguments, bias=False, **options))


def activation(channels):
    return {"bn": nn.BatchNorm2d(channels, eps=1e-3), "act": nn.PReLU(channels)}


def convolved(into, out, stride=1):
    return Parts(conv=nn.Conv2d(into, out, 3, stride, 1, bias=False), **activation(out))


def pyramid(into, out, *, halves=False):
    n, first = out // 5, out - 4 * (out // 5)
    children = {"c1": plain(into, n, 3, 2, 1) if halves else plain(into, n, 1)}
    for rate in RATES:
        width = first if rate == 1 else n
        children[f"d{rate}"] = plain(n, width, 3, padding=rate, dilation=rate)
    return Parts(**children, **(activation(out) if halves else {"bn": Parts(**activation(out))}))


def activate(module, x):
    return module.act(module.bn(x))


def run(module, x, *, adds=False):
    reduced, sums = module.c1.conv(x), []
    one, *more = [getattr(module, f"d{rate}").conv(reduced) for rate in RATES]
    for k in range(1, 5):
        sums.append(sum(more[:k]))
    y = torch.cat([one, *sums], 1) + (x if adds else 0)
    return activate(module if hasattr(module, "act") else module.bn, y)


class Encoder(nn.Module):
    """ESPNet-C, narrow; scores at stride 8."""

    def __init__(self, *, channels=3, classes=5, p=2, q=3):
        super().__init__()
        self.level1, self.b1 = convolved(channels, 4, 2), Parts(**activation(4 + channels))
        self.level2_0 = pyramid(4 + channels, 11, halves=True)
        self.level2 = nn.ModuleList(pyramid(11, 11) for _ in range(p))
        self.b2 = Parts(**activation(22 + channels))
        self.level3_0 = pyramid(22 + channels, 12, halves=True)
        self.level3 = nn.ModuleList(pyramid(12, 12) for _ in range(q))
        self.b3, self.classifier = Parts(**activation(24)), plain(24, classes, 1)

    def features(self, x):
        small = functional.avg_pool2d(x, 3, 2, 1)
        smaller = functional.avg_pool2d(small, 3, 2, 1)
        at2 = activate(self.level1, self.level1.conv(x))
        first = y = run(self.level2_0, activate(self.b1, torch.cat([at2, small], 1)))
        for module in self.level2:
            y = run(module, y, adds=True)
        at4 = activate(self.b2, torch.cat([y, first, smaller], 1))
        first = y = run(self.level3_0, at4)
        for module in self.level3:
            y = run(module, y, adds=True)
        return at2, at4, self.classifier.conv(activate(self.b3, torch.cat([first, y], 1)))

    def forward(self, x):
        scores = self.features(x)[-1]
        return functional.interpolate(scores, x.shape[2:], mode="bilinear", align_corners=False)


class Whole(nn.Module):
    """ESPNet."""

    def __init__(self, *, channels=3, classes=5, **depths):
        super().__init__()
        self.encoder = Encoder(channels=channels, classes=classes, **depths)

        def up():
            return nn.ConvTranspose2d(classes, classes, 2, 2, bias=False)

        self.level3_C = plain(22 + channels, classes, 1)
        self.br, self.conv = nn.BatchNorm2d(classes, eps=1e-3), convolved(4 + classes, classes)
        self.up_l3 = nn.Sequential(up())
        joined = Parts(**activation(2 * classes))
        self.combine_l2_l3 = nn.Sequential(joined, pyramid(2 * classes, classes))
        self.up_l2 = nn.Sequential(up(), Parts(**activation(classes)))
        self.classifier = up()

    def forward(self, x):
        at2, at4, scores = self.encoder.features(x)
        y = self.up_l3(self.br(scores))
        y = activate(self.combine_l2_l3[0], torch.cat([self.level3_C.conv(at4), y], 1))
        y = self.up_l2[0](run(self.combine_l2_l3[1], y))
        y = activate(self.up_l2[1], y)
        y = activate(self.conv, self.conv.conv(torch.cat([y, at2], 1)))
        return self.classifier(y)


def assert_computes_the_same(theirs, *, channels=3, size=(32, 40)):
    detection = detect(theirs.state_dict())
    x = picture(channels, *size)
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4)
    return detection


@every("depths", [{}, {"p": 1, "q": 4}])
def test_any_depth_with_its_decoder_and_without(depths):
    for network, reading in ((Whole, "espnet_sacmehta"), (Encoder, "espnet_c_sacmehta")):
        detection = assert_computes_the_same(randomised(network(**depths)))
        assert (detection.id, detection.alternatives) == (reading, ())
        assert detection.config.depths == (depths.get("p", 2), depths.get("q", 3))
        assert detection.config.decoder == (network is Whole)


@every(("channels", "classes"), [(1, 6), (4, 20)])
def test_channels_and_classes_are_read_from_the_shapes(channels, classes):
    theirs = randomised(Whole(channels=channels, classes=classes))
    config = assert_computes_the_same(theirs, channels=channels).config
    assert (config.in_channels, config.classes) == (channels, classes)


def test_fewer_classes_than_dilations_leave_the_encoder_alone():
    config = detect(Whole(classes=20).state_dict()).config
    decoders = [ARCHITECTURE.with_classes(config, classes).decoder for classes in (1, 4, 5, 6)]
    assert decoders == [False, False, True, True]


def test_odd_sizes_come_back_as_they_are_from_the_encoder_alone():
    assert_computes_the_same(randomised(Encoder()), size=(33, 47))


def test_our_own_names_are_recognised_too():
    for network in (Whole, Encoder):
        theirs = detect(network().state_dict())
        ours = detect(theirs.build().state_dict())
        assert (ours.id, ours.config, ours.alternatives) == ("espnet", theirs.config, ())


@every("size", [(1, 1), (61, 33)])
def test_every_picture_gets_a_map_of_its_own_size(size):
    for network in (Whole, Encoder):
        detection = detect(randomised(network()).state_dict())
        assert predicted(detection, size).probabilities.shape == (5, *size[::-1])


def test_one_tensor_less_is_refused():
    complete = Whole().state_dict()
    for name in ("br.running_mean", "encoder.level3.1.d16.conv.weight", "up_l2.1.act.weight"):
        with pytest.raises(UnknownNetworkError):
            detect({key: tensor for key, tensor in complete.items() if key != name})


def test_pictures_are_prepared_as_its_test_does():
    recipe = detect(Whole(classes=20).state_dict()).recipe
    assert (recipe["preprocessing"]["channels"], recipe["preprocessing"]["divisor"]) == ("bgr", 1)
    assert recipe["preprocessing"]["std"][0] == pytest.approx(11556.4, abs=0.1)
    assert recipe["postprocessing"]["classes"] == [*CITYSCAPES_CLASSES, "background"]
