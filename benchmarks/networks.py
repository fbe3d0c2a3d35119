"""The networks that are measured, of the sizes in which they are published."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from segdemo.architectures.fcn import FCN, FCNConfig
from segdemo.architectures.resnet_unet import ResNetUNet, ResNetUNetConfig
from segdemo.architectures.u2net import U2Net, U2NetConfig
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.architectures.vgg import vgg16

SHIPPED = Path(__file__).parent.parent / "weights"
_FCN8S = FCNConfig(in_channels=3, classes=21, widths=vgg16(), hidden=(4096, 4096), skips=2)


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network and the side of the square pictures that it is given, in pixels."""

    build: Callable[[], nn.Module]
    side: int


NETWORKS = {
    "U²-Net": Network(build=lambda: U2Net(U2NetConfig.full()), side=320),
    "U²-Net lite": Network(build=lambda: U2Net(U2NetConfig.lite()), side=320),
    "U-Net, width 64": Network(build=lambda: UNet(UNetConfig.standard()), side=512),
    "FCN-8s": Network(build=lambda: FCN(_FCN8S), side=512),
    "ResNet-34 U-Net": Network(build=lambda: ResNetUNet(ResNetUNetConfig.standard()), side=512),
}


def settle(network: nn.Module, picture: Tensor) -> None:
    """Weights that keep the spread of what they are given, and the statistics that go with them.

    Afterwards the network is in eval mode; answers of the usual random weights hardly differ.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(picture[:, :, :128, :128])
    network.eval()
