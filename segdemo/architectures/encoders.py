"""The encoders that DeepLab and PSPNet may have, told apart by their shapes."""

from torch import nn

from segdemo.architectures import mobilenet, resnet_encoder
from segdemo.architectures.base import Shapes
from segdemo.architectures.mobilenet import MobileNetConfig, MobileNetV2
from segdemo.architectures.resnet_encoder import ResNetEncoder, ResNetEncoderConfig

EncoderConfig = MobileNetConfig | ResNetEncoderConfig


def infer(shapes: Shapes) -> EncoderConfig:
    """The encoder that has these shapes under its own names."""
    if "blocks.0.depthwise.conv.weight" in shapes:
        return mobilenet.infer(shapes)
    return resnet_encoder.infer(shapes)


def build(config: EncoderConfig, *, output_stride: int) -> nn.Module:
    """Pictures -> features at stride 4, and the deepest at ``output_stride``."""
    if isinstance(config, MobileNetConfig):
        return MobileNetV2(config, output_stride=output_stride)
    return ResNetEncoder(config, output_stride=output_stride)


def own_names(path: str) -> dict[str, str | None]:
    """A mapping of our names in the module ``path`` to themselves."""
    names = (*mobilenet.OWN_NAMES, *resnet_encoder.OWN_NAMES)
    return {f"{path}.{name}": f"{path}.{name}" for name in names}
