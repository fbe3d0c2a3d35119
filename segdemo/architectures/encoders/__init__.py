"""The encoders that DeepLab and PSPNet may have, told apart by their shapes."""

from torch import nn

from segdemo.architectures.base import Shapes
from segdemo.architectures.encoders import dilated_resnet, mobilenet
from segdemo.architectures.encoders.dilated_resnet import ResNetEncoder, ResNetEncoderConfig
from segdemo.architectures.encoders.mobilenet import MobileNetConfig, MobileNetV2

EncoderConfig = MobileNetConfig | ResNetEncoderConfig


def infer(shapes: Shapes) -> EncoderConfig:
    """The encoder that has these shapes under its own names."""
    if "blocks.0.depthwise.conv.weight" in shapes:
        return mobilenet.infer(shapes)
    return dilated_resnet.infer(shapes)


def build(config: EncoderConfig, *, output_stride: int) -> nn.Module:
    """Pictures -> features at stride 4, and the deepest at ``output_stride``."""
    if isinstance(config, MobileNetConfig):
        return MobileNetV2(config, output_stride=output_stride)
    return ResNetEncoder(config, output_stride=output_stride)


def own_names(path: str) -> dict[str, str | None]:
    """A mapping of our names in the module ``path`` to themselves."""
    names = (*mobilenet.OWN_NAMES, *dilated_resnet.OWN_NAMES)
    return {f"{path}.{name}": f"{path}.{name}" for name in names}
