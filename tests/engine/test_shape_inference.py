"""Shapes worked out by hand: those of PyTorch, without what PyTorch imports for them."""

import subprocess
import sys
from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from segdemo.engine.shape_inference import returned_shape
from tests.engine.test_engine import NETWORKS
from tests.table import every

ROOT = Path(__file__).resolve().parents[2]
SIDES = st.tuples(st.integers(1, 40), st.integers(1, 40))


class Watching(torch.overrides.TorchFunctionMode):
    """Compares each shape that is told with the one that there is."""

    def __init__(self):
        super().__init__()
        self.told = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        shape = returned_shape(func, args, kwargs or {})
        result = func(*args, **(kwargs or {}))
        if shape is not None:
            self.told += 1
            assert tuple(shape) == tuple(result.shape), func
        return result


def watched(run):
    with torch.inference_mode(), Watching() as watching:
        run()
    return watching.told


@every("name", NETWORKS)
def test_every_layer_of_every_architecture_has_the_shape_that_is_told(name):
    network = NETWORKS[name]().eval()
    calls = sum(isinstance(m, nn.Conv2d | nn.BatchNorm2d) for m in network.modules())
    assert watched(lambda: network(torch.rand(1, 3, 64, 96))) >= calls


@given(SIDES, st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))
def test_convolutions_are_told_or_left_to_pytorch(sides, kernel, stride, padding, dilation):
    x = torch.rand(2, 4, *sides)
    conv = nn.Conv2d(4, 6, kernel, stride, padding, dilation, groups=2)
    back = nn.ConvTranspose2d(4, 6, kernel, stride, padding, stride - 1, groups=2)
    for layer in (conv, back):
        try:
            made = layer(x).numel()
        except RuntimeError:
            made = 0  # which is PyTorch's to say
        if made:
            assert watched(lambda layer=layer: layer(x)) == 1


@given(SIDES, st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_so_is_pooling(sides, kernel, stride, ceil_mode):
    x = torch.rand(1, 2, *sides)
    pool = nn.MaxPool2d(kernel, stride, padding=kernel // 2, ceil_mode=ceil_mode)
    if min(sides) + 2 * (kernel // 2) >= kernel:
        assert watched(lambda: pool(x)) == 1


def test_activations_and_norms_keep_the_shape():
    x = torch.rand(2, 4, 5, 6)
    layers = (
        *(nn.ReLU(), nn.LeakyReLU(), nn.ELU(), nn.SELU(), nn.SiLU(), nn.GELU()),
        *(nn.PReLU(4), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.BatchNorm2d(4).eval()),
    )
    wrong = [layer for layer in layers if watched(lambda layer=layer: layer(x)) != 1]
    assert not wrong


@given(SIDES, st.floats(0.5, 3.0))
def test_so_is_resizing(sides, factor):
    x = torch.rand(1, 2, *sides)
    if min(sides) * factor >= 1:
        assert watched(lambda: functional.interpolate(x, scale_factor=factor)) == 1
    assert watched(lambda: functional.interpolate(x, size=7)) == 1
    assert watched(lambda: functional.interpolate(x, size=(3, 9), mode="bilinear")) == 1


@every(
    ("function", "arguments", "named"),
    [
        (torch.cat, ([torch.rand(1, 2, 3, 3), torch.rand(1, 2, 4, 3)],), {"dim": 1}),
        (torch.cat, ([torch.rand(1, 2, 3, 3)] * 2,), {"dim": -1}),
        (torch.cat, ([torch.rand(1, 2, 3, 3)] * 2,), {}),
        (torch.Tensor.add, (torch.rand(1, 2, 3, 3), torch.rand(1, 2, 1, 1)), {}),
        (torch.Tensor.add, (torch.rand(1, 2, 3, 3), 1.0), {}),
        (functional.relu, (torch.rand(1, 2, 3, 3),), {"inplace": True}),
        (functional.conv2d, (torch.rand(1, 2, 3, 3), torch.rand(4, 2, 3, 3)), {}),
        (torch.flip, (torch.rand(1, 2, 3, 3), (3,)), {}),
    ],
    ids=["rows", "from the end", "unsaid", "spread", "number", "in place", "in short", "unknown"],
)
def test_whatever_is_not_as_modules_call_it_is_left_to_pytorch(function, arguments, named):
    assert returned_shape(function, arguments, named) is None


def test_the_first_recording_imports_nothing_heavy():
    code = """
import sys, torch
from segdemo.architectures.fcn import FCN, FCNConfig
from segdemo.architectures.resnet_unet import ResNetUNet, ResNetUNetConfig
from segdemo.architectures.u2net import U2Net, U2NetConfig
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.architectures.parts.vgg import vgg16
from segdemo.engine.tracing import trace_network

fcn = FCNConfig(in_channels=3, classes=2, widths=vgg16(2), hidden=(8, 8), skips=2)
for network in (
    FCN(fcn),
    ResNetUNet(ResNetUNetConfig.standard(width=8)),
    U2Net(U2NetConfig.lite()),
    UNet(UNetConfig.standard(width=4)),
):
    assert trace_network(network.eval(), torch.Size((1, 3, 64, 64))) is not None
print("sympy" in sys.modules)
"""
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["False"]
