"""What a network's pixel depends on: as computed, and as its gradients tell."""

import torch
from torch import nn
from torch.nn import functional

from segdemo.architectures.parts.vgg import VGGConfig
from segdemo.architectures.resnet_unet import ResNetUNet, ResNetUNetConfig
from segdemo.architectures.tf_fcn import SameFCN
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.engine.receptive_field import ReceptiveField, receptive_field
from segdemo.engine.tracing import trace_network
from tests.engine.test_engine import NARROW, NETWORKS
from tests.table import every


class Layers(nn.Module):
    """Whatever ``wiring`` does with a picture."""

    def __init__(self, wiring, **modules):
        super().__init__()
        self.wiring = wiring
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.wiring(self, x)


def field_of(network, side=96):
    trace = trace_network(network.eval(), torch.Size((1, 3, side, side)))
    assert trace is not None
    return receptive_field(trace)


def seen_by(network, field, side):
    """How far before and after a pixel its gradients reach, for each of ``field.step`` pixels."""
    for parameter in network.parameters():
        # Positive, so that no two ways cancel and no ReLU cuts one off.
        nn.init.uniform_(parameter, 0.5, 1.0)
    network.double().eval()
    x = torch.rand(1, 3, side, side, dtype=torch.double, requires_grad=True)
    answer = network(x)
    middle = side // 2 - side // 2 % field.step
    before = after = 0
    for place in range(middle, middle + field.step):
        (gradient,) = torch.autograd.grad(answer[0, 0, place, place], x, retain_graph=True)
        rows = gradient.abs().sum((0, 1, 3)).nonzero().flatten()
        before = max(before, place - int(rows.min()))
        after = max(after, int(rows.max()) - place)
    return before, after


LAYERS = {
    "a convolution": lambda: nn.Conv2d(3, 2, 5, padding=2),
    "one without padding": lambda: nn.Conv2d(3, 2, 3),
    "a dilated one": lambda: nn.Conv2d(3, 2, 3, padding=4, dilation=4),
    "down and up again": lambda: nn.Sequential(
        nn.Conv2d(3, 2, 3, 2, 1), nn.Conv2d(2, 2, 3, padding=1), nn.ConvTranspose2d(2, 2, 2, 2)
    ),
    "up with overlaps": lambda: nn.Sequential(
        nn.Conv2d(3, 2, 4, 4), nn.ConvTranspose2d(2, 2, 8, 4, padding=2)
    ),
    "up by nearest": lambda: nn.Sequential(nn.Conv2d(3, 2, 2, 2), nn.Upsample(scale_factor=2)),
    "padded and cut": lambda: Layers(
        lambda net, x: net.conv(functional.pad(x, (3, 5, 3, 5)))[:, :, 2:, 2:],
        conv=nn.Conv2d(3, 2, 3),
    ),
    "a sum of two ways": lambda: Layers(
        lambda net, x: net.wide(x) + net.narrow(x),
        wide=nn.Conv2d(3, 2, 7, padding=3),
        narrow=nn.Conv2d(3, 2, 1),
    ),
}


@every("name", LAYERS)
def test_it_is_as_far_as_the_gradients_reach(name):
    network = LAYERS[name]()
    field = field_of(network)
    assert seen_by(network, field, 96) == (field.before, field.after)


def test_it_is_that_of_the_paper_for_a_unet():
    # Ronneberger et al. name 572 pixels for 388: 184 in all, half of them on each side, and
    # what max pooling and the transposed convolutions add by their steps.
    assert field_of(UNet(UNetConfig.standard(width=2))) == ReceptiveField(
        before=107, after=107, step=16
    )


def test_bilinear_steps_between_centres_are_known():
    network = nn.Sequential(
        nn.Conv2d(3, 2, 2, 2), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    )
    field = field_of(network)
    before, after = seen_by(network, field, 96)
    assert before <= field.before <= before + field.step
    assert after <= field.after <= after + field.step


@every(
    "network",
    [
        UNet(UNetConfig.standard(width=2, up="bilinear")),
        NETWORKS["vgg_fcn"](),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 2, 1)),
        nn.Conv2d(3, 2, 3, stride=2),
        nn.Conv2d(3, 2, 3, padding="same"),
        nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect"),
        Layers(lambda net, x: x.flip(3)),
        Layers(lambda net, x: x[:, :, ::2]),
        Layers(lambda net, x: x[:, :, -90:]),
        Layers(lambda net, x: x + x.mean((2, 3), keepdim=True)),
        Layers(lambda net, x: torch.cat((x, x), 2)[:, :, :96]),
        Layers(lambda net, x: functional.interpolate(x, (96, 96), mode="bicubic")),
    ],
    ids=[
        *("corners aligned", "resized to corners", "pooled as a whole", "smaller answer"),
        *("padding in words", "reflected", "mirrored", "every second row", "cut from the end"),
        *("an average", "joined along rows", "an unknown filter"),
    ],
)
def test_what_depends_on_the_whole_picture_or_is_not_known_has_none(network):
    assert field_of(network) is None


@every(
    "network",
    [
        ResNetUNet(ResNetUNetConfig.standard(width=8)),
        SameFCN(VGGConfig(**NARROW)),
        NETWORKS["fcn"](),
        NETWORKS["u2net"](),
    ],
    ids=["resnet_unet", "tf_fcn", "fcn", "u2net"],
)
def test_it_does_not_depend_on_the_size(network):
    assert field_of(network, 320) == field_of(network, 640) is not None
