"""The networks that segdemo knows: one family a module, listed here."""

from segdemo.architectures import resnet_unet, u2net, unet
from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements

ARCHITECTURES: tuple[Architecture, ...] = (
    unet.ARCHITECTURE,
    resnet_unet.ARCHITECTURE,
    u2net.ARCHITECTURE,
)

__all__ = ["ARCHITECTURES", "Architecture", "KeyMapping", "Shapes", "SizeRequirements"]
