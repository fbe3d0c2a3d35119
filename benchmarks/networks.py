"""The networks that are measured, of the sizes in which they are published."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.pictures import photo
from benchmarks.processes import ROOT
from segdemo.architectures.fcn import FCN, FCNConfig
from segdemo.architectures.parts.vgg import vgg16
from segdemo.architectures.resnet_unet import ResNetUNet, ResNetUNetConfig
from segdemo.architectures.smp_unet import SmpUNet, SmpUNetConfig
from segdemo.architectures.u2net import U2Net, U2NetConfig
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints import detect, read_file
from segdemo.inference.processing import prepare
from segdemo.inference.segmenter import load

WEIGHTS = ROOT / "weights"
SHIPPED = "nuclei_unet"
"""A checkpoint there, which has learned."""
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
    # The same calls as in segmentation_models_pytorch, to the bit.
    "smp.Unet, ResNet-34": Network(build=lambda: SmpUNet(SmpUNetConfig.standard()), side=512),
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


def pair(name: str) -> tuple[nn.Module, Tensor]:
    """A network of NETWORKS or the SHIPPED one, ready to predict, and a picture for it."""
    if name == SHIPPED:
        return _shipped()
    known = NETWORKS[name]
    torch.manual_seed(0)
    network, picture = known.build(), torch.rand(1, 3, known.side, known.side)
    settle(network, picture)
    return network, picture


def classes_of(logits: Tensor) -> Tensor:
    """(N, 1, H, W): the class of each pixel; of one channel, whether it is foreground."""
    return logits > 0 if logits.shape[1] == 1 else logits.argmax(dim=1, keepdim=True)


def _shipped() -> tuple[nn.Module, Tensor]:
    path = WEIGHTS / f"{SHIPPED}.safetensors"
    spec, detection = load(path, device="cpu").spec, detect(read_file(path).content)
    prepared = prepare(
        photo((512, 512)),
        spec.preprocessing,
        in_channels=3,
        requirements=detection.architecture.requirements(detection.config),
        max_side=512,
    )
    # Not the segmenter's: its filters are laid out as segdemo has them.
    return detection.build().eval(), prepared.tensor
