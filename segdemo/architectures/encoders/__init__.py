"""The encoders that DeepLab and PSPNet may have, told apart by their shapes."""

from segdemo.architectures.base import Shapes
from segdemo.architectures.encoders import dilated_resnet, drn, mobilenet, xception
from segdemo.architectures.encoders.dilated_resnet import ResNetEncoderConfig
from segdemo.architectures.encoders.drn import DRNConfig
from segdemo.architectures.encoders.mobilenet import MobileNetConfig
from segdemo.architectures.encoders.xception import XceptionConfig

EncoderConfig = MobileNetConfig | ResNetEncoderConfig | XceptionConfig | DRNConfig


def infer(shapes: Shapes) -> EncoderConfig:
    """The encoder that has these shapes under its own names."""
    if "blocks.0.depthwise.conv.weight" in shapes:
        return mobilenet.infer(shapes)
    if "blocks.0.parts.0.depthwise.conv.weight" in shapes:
        return xception.infer(shapes)
    if "early.0.conv.weight" in shapes:
        return drn.infer(shapes)
    return dilated_resnet.infer(shapes)


def own_names(path: str) -> dict[str, str | None]:
    """A mapping of our names in the module ``path`` to themselves."""
    modules = (mobilenet, dilated_resnet, xception, drn)
    names = (name for module in modules for name in module.OWN_NAMES)
    return {f"{path}.{name}": f"{path}.{name}" for name in names}
