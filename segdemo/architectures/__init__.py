"""The networks that segdemo knows: one family a module, listed here."""

from segdemo.architectures import (
    fcn,
    isnet,
    resnet_unet,
    smp_unet,
    tf_fcn,
    torchvision_nets,
    u2net,
    u_shape,
    unet,
    vgg_fcn,
)
from segdemo.architectures.base import (
    Architecture,
    ExactNames,
    KeyMapping,
    Shapes,
    SizeRequirements,
)

ARCHITECTURES: tuple[Architecture, ...] = (
    unet.ARCHITECTURE,
    u_shape.ARCHITECTURE,
    resnet_unet.ARCHITECTURE,
    smp_unet.ARCHITECTURE,
    u2net.ARCHITECTURE,
    isnet.ARCHITECTURE,
    fcn.ARCHITECTURE,
    tf_fcn.ARCHITECTURE,
    vgg_fcn.ARCHITECTURE,
    torchvision_nets.ARCHITECTURE,
)

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "ExactNames",
    "KeyMapping",
    "Shapes",
    "SizeRequirements",
]
