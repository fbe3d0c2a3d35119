"""torchvision's own segmentation networks: FCN, DeepLabv3 (arXiv:1706.05587) and LR-ASPP.

LR-ASPP is from arXiv:1905.02244. The networks are built by torchvision and called so that
they return logits alone; their names are torchvision's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, Shapes, count
from segdemo.architectures.parts.data_sets import IMAGENET, VOC_CLASSES

Head = Literal["fcn", "deeplabv3", "lraspp"]
Backbone = Literal["resnet50", "resnet101", "mobilenet_v3_large"]


@dataclass(frozen=True, kw_only=True)
class TorchvisionConfig:
    """Which of torchvision's networks, and what people change of it."""

    head: Head
    backbone: Backbone
    in_channels: int
    classes: int
    auxiliary_classes: int | None = None
    """Those of the head that only training uses; often others, after fine-tuning."""


_RESNET_LAYER3: dict[int, Backbone] = {6: "resnet50", 23: "resnet101"}

_TITLES = {
    "fcn": "FCN",
    "deeplabv3": "DeepLabv3",
    "lraspp": "LR-ASPP",
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "mobilenet_v3_large": "MobileNetV3",
}


class TorchvisionNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W) of any size."""

    def __init__(self, config: TorchvisionConfig) -> None:
        super().__init__()
        auxiliary = config.auxiliary_classes
        # torchvision would download weights for the backbone if it were not told otherwise.
        options: dict[str, Any] = {"weights": None, "weights_backbone": None}
        if config.head != "lraspp":
            options["aux_loss"] = auxiliary is not None
        built = _builder(config.head, config.backbone)(num_classes=config.classes, **options)
        self.backbone: nn.Module = built.backbone
        self.classifier: nn.Module = built.classifier
        self.several_features = config.head == "lraspp"
        if auxiliary is not None:
            self.aux_classifier: nn.Sequential = built.aux_classifier
            last: Any = self.aux_classifier[-1]
            self.aux_classifier[-1] = nn.Conv2d(last.in_channels, auxiliary, 1)
        if config.in_channels != 3:
            _replace_stem(self.backbone, config.in_channels)

    def forward(self, x: Tensor) -> Tensor:
        features = self.backbone(x)
        logits = self.classifier(features if self.several_features else features["out"])
        return functional.interpolate(logits, x.shape[2:], mode="bilinear", align_corners=False)


def _builder(head: Head, backbone: Backbone) -> Callable[..., Any]:
    """torchvision's own. Raises AttributeError for what it does not put together."""
    # Few checkpoints are torchvision's, and importing it would make every start longer.
    from torchvision.models import segmentation  # noqa: PLC0415

    builder: Callable[..., Any] = getattr(segmentation, f"{head}_{backbone}")
    return builder


def _replace_stem(backbone: Any, in_channels: int) -> None:
    """Give the first convolution other input channels, as people do for grey images."""
    holder, name = (backbone, "conv1") if hasattr(backbone, "conv1") else (backbone["0"], "0")
    old = getattr(holder, name)
    stem = nn.Conv2d(
        in_channels, old.out_channels, old.kernel_size, old.stride, old.padding, bias=False
    )
    setattr(holder, name, stem)


def infer(shapes: Shapes) -> TorchvisionConfig:
    """The configuration that has these shapes under torchvision's names."""
    backbone: Backbone = "mobilenet_v3_large"
    stem = "backbone.0.0.weight"
    if stem not in shapes:
        stem = "backbone.conv1.weight"
        backbone = _RESNET_LAYER3[count(shapes, "backbone.layer3.{}.conv1.weight")]
    head: Head = "fcn"
    last = "classifier.4.weight"
    if "classifier.cbr.0.weight" in shapes:
        head, last = "lraspp", "classifier.low_classifier.weight"
    elif "classifier.0.convs.0.0.weight" in shapes:
        head = "deeplabv3"
    auxiliary = shapes.get("aux_classifier.4.weight")
    return TorchvisionConfig(
        head=head,
        backbone=backbone,
        in_channels=shapes[stem][1],
        classes=shapes[last][0],
        auxiliary_classes=auxiliary[0] if auxiliary else None,
    )


def describe(config: TorchvisionConfig) -> str:
    """Head and backbone: "DeepLabv3, ResNet-50"."""
    return f"{_TITLES[config.head]}, {_TITLES[config.backbone]}"


_RESNET = (
    "backbone.layer{n}.{b}.conv{k}",
    "backbone.layer{n}.{b}.bn{k}",
    "backbone.layer{n}.{b}.downsample.{k}",
    "backbone.conv1",
    "backbone.bn1",
)
_MOBILENET = ("backbone.{n}.block.{b}.{k}", "backbone.{n}.block.{b}.fc{k}", "backbone.{n}.{k}")
_FCN = ("classifier.{k}", "aux_classifier.{k}")
_DEEPLAB = ("classifier.0.convs.{n}.{k}", "classifier.0.project.{k}", *_FCN)
_LRASPP = (
    "classifier.cbr.{k}",
    "classifier.scale.{k}",
    "classifier.low_classifier",
    "classifier.high_classifier",
)


def _mapping(head: Head, backbone: str, *modules: str) -> KeyMapping:
    return KeyMapping(
        id=f"torchvision_{head}_{backbone}",
        origin="torchvision",
        renames={module: module for module in modules},
        fits=lambda config: config.head == head,
        recipe={"preprocessing": {"resize": "shortest", "side": 520, **IMAGENET}},
        trained_classes=VOC_CLASSES,
    )


ARCHITECTURE = Architecture(
    id="torchvision",
    title="torchvision",
    build=TorchvisionNet,
    infer=infer,
    describe=describe,
    mappings=(
        _mapping("fcn", "resnet", *_RESNET, *_FCN),
        _mapping("deeplabv3", "resnet", *_RESNET, *_DEEPLAB),
        _mapping("deeplabv3", "mobilenet", *_MOBILENET, *_DEEPLAB),
        _mapping("lraspp", "mobilenet", *_MOBILENET, *_LRASPP),
    ),
)
