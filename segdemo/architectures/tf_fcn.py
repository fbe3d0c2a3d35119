"""FCN-8s (Long et al. 2015, arXiv:1411.4038) as TensorFlow computes it: no border, SAME everywhere.

A layer of stride s makes ceil(n / s) of n pixels, and the way back is cut to the size that
the way down had. Where the cut begins depends on that size.
"""

from torch import Tensor, nn

from segdemo.architectures.base import Architecture, KeyMapping
from segdemo.architectures.parts.vgg import (
    CAFFE_NAMES,
    OWN_NAMES,
    VGG,
    VGGConfig,
    crop,
    describe,
    infer,
    score_layers,
)


class SameUp(nn.Module):
    """A transposed convolution to a given size, cut evenly; an odd rest is cut at the end."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.transposed = nn.ConvTranspose2d(channels, channels, 2 * stride, stride, bias=False)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        x = self.transposed(x)
        return crop(x, ((x.shape[2] - size[0]) // 2, (x.shape[3] - size[1]) // 2), size)


class SameFCN(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W) of any size."""

    def __init__(self, config: VGGConfig) -> None:
        super().__init__()
        self.vgg = VGG(config, first_padding=1, fc6_padding=3, ceil_mode=True)
        self.scores = score_layers(config)
        strides = (*(2,) * config.skips, config.stride)
        self.ups = nn.ModuleList(SameUp(config.classes, stride) for stride in strides)

    def forward(self, x: Tensor) -> Tensor:
        size = (x.shape[2], x.shape[3])
        deepest, *skips = self.vgg(x)
        y = self.scores[0](deepest)
        for up, score, skip in zip(self.ups, self.scores[1:], skips, strict=False):
            y = up(y, (skip.shape[2], skip.shape[3])) + score(skip)
        return self.ups[-1](y, size)


ARCHITECTURE = Architecture(
    id="tf_fcn",
    title="FCN (TensorFlow)",
    build=SameFCN,
    infer=infer,
    describe=describe,
    mappings=(
        KeyMapping(
            id="tf_fcn",
            origin="segdemo",
            renames={**OWN_NAMES, "ups.{n}.transposed": "ups.{n}.transposed"},
        ),
        # Its use_dilated leaves out every score, so such a file holds no segmenter to recognise.
        KeyMapping(
            id="tf_fcn8vgg",
            origin="MarvinTeichmann/tensorflow-fcn",
            renames={
                **CAFFE_NAMES,
                "upscore2": "ups.0.transposed",
                "upscore4": "ups.1.transposed",
                "upscore32": "ups.2.transposed",
            },
            # Its network turns RGB from 0 to 255 into BGR less VGG's mean; ours gets it so.
            recipe={
                "preprocessing": {
                    "channels": "bgr",
                    "divisor": 1.0,
                    "mean": [103.939, 116.779, 123.68],
                },
            },
        ),
    ),
)
