"""FCN (Long et al. 2015, arXiv:1411.4038) on torchvision's VGG-16, as tutorials build it.

Padded like VGG itself, upsampled by 2x2 transposed convolutions to the finest skip and
bilinearly from there to the image.
"""

from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import Architecture, KeyMapping, SizeRequirements
from segdemo.architectures.parts.data_sets import IMAGENET, VOC_CLASSES
from segdemo.architectures.parts.vgg import (
    BLOCKS,
    OWN_NAMES,
    VGG,
    VGGConfig,
    describe,
    infer,
    score_layers,
)


class VGGFCN(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), H and W at least 32."""

    def __init__(self, config: VGGConfig) -> None:
        super().__init__()
        self.vgg = VGG(config, first_padding=1, fc6_padding=3, ceil_mode=False)
        self.scores = score_layers(config)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(config.classes, config.classes, 2, stride=2)
            for _ in range(config.skips)
        )

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        deepest, *skips = self.vgg(x)
        y = self.scores[0](deepest)
        for up, score, skip in zip(self.ups, self.scores[1:], skips, strict=True):
            y, scored = up(y), score(skip)
            # An odd last row or column was lost in pooling: zeros stand in for it.
            rows, columns = scored.shape[2] - y.shape[2], scored.shape[3] - y.shape[3]
            y = functional.pad(y, (0, columns, 0, rows)) + scored
        return functional.interpolate(y, size, mode="bilinear", align_corners=True)


def requirements(config: VGGConfig) -> SizeRequirements:
    """Every block halves the size and drops an odd row or column."""
    return SizeRequirements(minimum=1 << BLOCKS)


# torchvision's Sequential: a ReLU after each convolution, a pooling after each block.
_FEATURES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))

_TUTORIAL = {
    **{
        f"vgg16.features.{index}": f"vgg.blocks.{n}.{k}"
        for n, block in enumerate(_FEATURES)
        for k, index in enumerate(block)
    },
    # Copied into the convolutions below, then never used: half of such a file.
    "vgg16.classifier.{n}": None,
    "classifier.0": "vgg.fc6",
    "classifier.3": "vgg.fc7",
    "classifier.6": "scores.0",
}


def _tutorial(stride: int, renames: dict[str, str]) -> KeyMapping:
    return KeyMapping(
        id=f"vggfcn{stride}",
        origin=f"tutorials' VGGFCN{stride}",
        renames={**_TUTORIAL, **renames},
        fits=lambda config: config.stride == stride,
        # They start from torchvision's VGG-16, which knows images of these statistics.
        recipe={"preprocessing": IMAGENET},
        trained_classes=VOC_CLASSES,
    )


_SKIP_4 = {"score4": "scores.1", "upscale5": "ups.0"}
_SKIP_3 = {"score3": "scores.2", "upscale4": "ups.1"}

ARCHITECTURE = Architecture(
    id="vgg_fcn",
    title="VGG-FCN",
    build=VGGFCN,
    infer=infer,
    describe=describe,
    requirements=requirements,
    mappings=(
        KeyMapping(id="vgg_fcn", origin="segdemo", renames={**OWN_NAMES, "ups.{n}": "ups.{n}"}),
        _tutorial(32, {}),
        _tutorial(16, _SKIP_4),
        _tutorial(8, {**_SKIP_4, **_SKIP_3}),
    ),
)
