"""The networks that segdemo knows: one family a module, listed here."""

from segdemo.architectures import u2net, unet
from segdemo.architectures.base import Architecture, KeyMapping, Shapes, SizeRequirements

ARCHITECTURES: tuple[Architecture, ...] = (unet.ARCHITECTURE, u2net.ARCHITECTURE)

__all__ = ["ARCHITECTURES", "Architecture", "KeyMapping", "Shapes", "SizeRequirements"]
