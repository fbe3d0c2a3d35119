"""The networks that segdemo knows: one family a module, listed here."""

from segdemo.architectures import (
    basnet,
    bisenet,
    bisenetv2,
    deeplab,
    dlinknet,
    encoder_unet,
    fcn,
    gau_unet,
    isnet,
    modnet,
    pspnet,
    nested_unet,
    resnet_unet,
    segnet,
    smp_unet,
    tf_fcn,
    torchvision_nets,
    u2net,
    unet,
    vgg_deconv,
    vgg_fcn,
    wnet,
)
from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements

ARCHITECTURES: tuple[Architecture, ...] = (
    unet.ARCHITECTURE,
    resnet_unet.ARCHITECTURE,
    dlinknet.ARCHITECTURE,
    smp_unet.ARCHITECTURE,
    encoder_unet.ARCHITECTURE,
    u2net.ARCHITECTURE,
    isnet.ARCHITECTURE,
    deeplab.ARCHITECTURE,
    pspnet.ARCHITECTURE,
    bisenet.ARCHITECTURE,
    bisenetv2.ARCHITECTURE,
    modnet.ARCHITECTURE,
    basnet.ARCHITECTURE,
    wnet.ARCHITECTURE,
    gau_unet.ARCHITECTURE,
    nested_unet.ARCHITECTURE,
    segnet.ARCHITECTURE,
    fcn.ARCHITECTURE,
    tf_fcn.ARCHITECTURE,
    vgg_fcn.ARCHITECTURE,
    vgg_deconv.ARCHITECTURE,
    torchvision_nets.ARCHITECTURE,
)

__all__ = ["ARCHITECTURES", "Architecture", "KeyMapping", "Shapes", "SizeRequirements"]
