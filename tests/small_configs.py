"""A small configuration of every family: all of its parts, each as narrow as they allow."""

from segdemo.architectures.basnet import BASNetConfig
from segdemo.architectures.birefnet import BiRefNetConfig
from segdemo.architectures.deeplab import DeepLabConfig
from segdemo.architectures.dlinknet import DLinkNetConfig
from segdemo.architectures.encoder_unet import EncoderUNetConfig, StepConfig, VGGEncoder
from segdemo.architectures.encoders.dilated_resnet import ResNetEncoderConfig
from segdemo.architectures.encoders.mobilenet import MobileNetConfig
from segdemo.architectures.encoders.swin import SwinConfig
from segdemo.architectures.fcn import FCNConfig
from segdemo.architectures.gau_unet import GAUNetConfig
from segdemo.architectures.isnet import ISNetConfig
from segdemo.architectures.nested_unet import NestedUNetConfig
from segdemo.architectures.parts.conv_unit import row_of
from segdemo.architectures.parts.resnet import StageConfig, standard_stages
from segdemo.architectures.parts.vgg import VGGConfig, vgg16
from segdemo.architectures.pspnet import PSPNetConfig
from segdemo.architectures.real_time.bisenet import BiSeNetConfig
from segdemo.architectures.real_time.bisenetv2 import BiSeNetV2Config
from segdemo.architectures.real_time.bisenetv2 import StageConfig as GatheringConfig
from segdemo.architectures.real_time.espnet import ESPNetConfig
from segdemo.architectures.real_time.modnet import MODNetConfig
from segdemo.architectures.resnet_unet import ResNetUNetConfig
from segdemo.architectures.segnet import SegNetConfig
from segdemo.architectures.smp_unet import SmpUNetConfig
from segdemo.architectures.torchvision_nets import TorchvisionConfig
from segdemo.architectures.u2net import U2NetConfig
from segdemo.architectures.u_shape.config import (
    BlockConfig,
    ConvConfig,
    GateConfig,
    LevelConfig,
    UpConfig,
    UShapeConfig,
)
from segdemo.architectures.unet import UNetConfig
from segdemo.architectures.vgg_deconv import VGGDeconvConfig
from segdemo.architectures.wnet import WNetConfig

_VGG = {"in_channels": 3, "widths": vgg16(2), "hidden": (8, 8)}
_RESNET = ResNetEncoderConfig(
    in_channels=3,
    stem=(4,),
    bottleneck=False,
    stages=standard_stages((1, 1, 1, 1), 4, bottleneck=False),
)
_MOBILENET = MobileNetConfig(in_channels=3, stem=4, blocks=((4, 4), *((8, 4),) * 16), last=8)


def _point(out: int) -> ConvConfig:
    """A 1x1 convolution."""
    return ConvConfig(out=out, kernel=1)


_RESIDUAL = BlockConfig(convs=(ConvConfig(out=4),) * 2, shortcut=_point(4))

CONFIGS = {
    "unet": UNetConfig.standard(width=4, depth=2),
    "u_shape": UShapeConfig(
        in_channels=3,
        encoder=(_RESIDUAL, BlockConfig(convs=(ConvConfig(out=4),) * 2, project=_point(4))),
        decoder=(
            LevelConfig(
                up=UpConfig(kind="resize_conv", conv=ConvConfig(out=4)),
                block=_RESIDUAL,
                gate=GateConfig(up=_point(2), skip=_point(2), psi=_point(1)),
            ),
        ),
        head=ConvConfig(out=1, kernel=1, norm=False),
    ),
    "resnet_unet": ResNetUNetConfig.standard(width=4, blocks=(1, 1, 1, 1)),
    "dlinknet": DLinkNetConfig(
        **vars(ResNetUNetConfig.standard(width=4, blocks=(1, 1, 1, 1))),
        centre="cascade",
        dilated=4,
    ),
    "smp_unet": SmpUNetConfig.standard(width=4, blocks=(1, 1, 1, 1)),
    "encoder_unet": EncoderUNetConfig(
        in_channels=3,
        classes=1,
        encoder=VGGEncoder(blocks=(row_of(4, 4), row_of(4), row_of(4))),
        bottom_pool=True,
        bottom=row_of(4),
        steps=(StepConfig(up_width=4, after=row_of(4)),) * 3,
    ),
    "u2net": U2NetConfig.lite(),
    "isnet": ISNetConfig(in_channels=3, stages=U2NetConfig.lite(in_channels=8)),
    "deeplab": DeepLabConfig(
        backbone=_MOBILENET, width=4, fused=4, low=4, head=(4, 4), classes=1, output_stride=16
    ),
    "pspnet": PSPNetConfig(backbone=_MOBILENET, width=4, fused=4, classes=1),
    "bisenet": BiSeNetConfig(
        backbone=_RESNET,
        context=4,
        spatial=(4, 4, 4, 4),
        fused=4,
        # One convolution with a norm, which sees a single value of each channel.
        squeezed=None,
        head=4,
        classes=1,
    ),
    "bisenetv2": BiSeNetV2Config(
        in_channels=3,
        classes=1,
        detail=((4, 4), (4, 4, 4), (4, 4, 4)),
        stem=(4, 2),
        semantic=(GatheringConfig(layers=2, expanded=(8, 8), out=4),) * 3,
        head=4,
    ),
    "modnet": MODNetConfig(backbone=_MOBILENET, squeezed=4, low=(4, 4), width=4, classes=1),
    "basnet": BASNetConfig(
        in_channels=3,
        classes=1,
        stem=2,
        encoder=(StageConfig(blocks=1, inner=3, out=3),) * 6,
        bridge=(3, 3, 3),
        decoder=((3, 3, 3),) * 6,
        refining=(3,) * 6,
        refined=(3,) * 4,
        shares_norm=False,
    ),
    "birefnet": BiRefNetConfig(
        encoder=SwinConfig(
            in_channels=3, width=4, depths=(1, 2, 1, 1), heads=(1, 2, 2, 2), window=3
        ),
        inner=4,
        pyramid=4,
        image=4,
        edges=2,
    ),
    "espnet": ESPNetConfig(
        in_channels=3, classes=5, stem=4, widths=(5, 5), depths=(1, 1), decoder=True
    ),
    "wnet": WNetConfig(
        in_channels=3,
        classes=1,
        widths=(4, 4),
        kernel=3,
        networks=2,
        shortcuts=True,
        bridges=True,
        transposed=True,
    ),
    "gau_unet": GAUNetConfig.standard(width=2, depth=2),
    "nested_unet": NestedUNetConfig.standard(width=2, heads=4),
    "segnet": SegNetConfig.standard(width=2),
    "fcn": FCNConfig(classes=1, skips=2, **_VGG),
    "tf_fcn": VGGConfig(classes=1, skips=2, **_VGG),
    "vgg_fcn": VGGConfig(classes=1, skips=1, **_VGG),
    "vgg_deconv": VGGDeconvConfig.standard(width=2),
    "torchvision": TorchvisionConfig(
        head="lraspp", backbone="mobilenet_v3_large", in_channels=3, classes=1
    ),
}
"""By the family's id. Three channels and one class, but for ESPNet, whose decoder needs five."""
