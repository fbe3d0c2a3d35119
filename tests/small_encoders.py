"""Small encoders as code bases dilate them, apart from the package's own."""

from torch import nn
from torch.nn import functional
from torchvision.models.resnet import Bottleneck, ResNet

# Channels after each of MobileNetV2's 17 blocks, narrow; a group of the paper shares one.
WIDTHS = (4, 6, 6, 8, 8, 8, 10, 10, 10, 10, 12, 12, 12, 14, 14, 14, 16)
STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)
# Dilation of each block, by output stride; where it is not 1 throughout, a stride was taken out.
DILATIONS = {
    "torchvision": {
        16: (1,) * 14 + (2, 2, 2),
        8: (1,) * 7 + (2, 2, 2, 2, 2, 2, 2, 4, 4, 4),
    },
    "jfzhang95": {
        16: (1,) * 16 + (2,),
        8: (1,) * 10 + (2, 2, 2, 2, 2, 2, 4),
    },
}


class Inverted(nn.Module):
    """An inverted residual; ``nested`` says whether its parts lie in Sequentials of their own."""

    def __init__(self, into, out, stride, dilation, *, expands, pads_first, nested):
        super().__init__()
        inner = 2 * into if expands else into
        self.adds, self.padding = stride == 1 and into == out, dilation * pads_first
        padding = 0 if pads_first else dilation
        groups = [[nn.Conv2d(into, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU6()]]
        deep = nn.Conv2d(
            inner, inner, 3, stride, padding, dilation=dilation, groups=inner, bias=False
        )
        groups.append([deep, nn.BatchNorm2d(inner), nn.ReLU6()])
        parts = groups if expands else groups[1:]
        flat = [nn.Sequential(*part) for part in parts]
        if not nested:
            flat = [layer for part in parts for layer in part]
        self.conv = nn.Sequential(*flat, nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.conv(functional.pad(x, (self.padding,) * 4))
        return x + y if self.adds else y


def mobile_features(
    output_stride=32,
    rule="torchvision",
    *,
    channels=3,
    pads_first=False,
    nested=False,
    stem_padding=1,
):
    """Stem and blocks of a narrow MobileNetV2."""
    stem = nn.Conv2d(channels, 4, 3, 2, stem_padding, bias=False)
    blocks, into = [nn.Sequential(stem, nn.BatchNorm2d(4), nn.ReLU6())], 4
    dilations = DILATIONS[rule][output_stride] if output_stride < 32 else (1,) * 17
    # Group 4 begins with the 7th block, group 6 with the 14th.
    unstrided = {8: (6, 13), 16: (13,), 32: ()}[output_stride]
    for n, (out, stride, dilation) in enumerate(zip(WIDTHS, STRIDES, dilations, strict=True)):
        options = {"expands": n > 0, "pads_first": pads_first, "nested": nested}
        stride = 1 if n in unstrided else stride
        blocks.append(Inverted(into, out, stride, dilation, **options))
        into = out
    return nn.Sequential(*blocks)


def small_resnet(output_stride, *, channels=3, depths=(1, 2, 2, 3), grid=False, stem=1):
    """torchvision's ResNet of few bottlenecks; ``grid`` dilates as jfzhang95's does."""
    replaced = [False, output_stride == 8, output_stride <= 16]
    network = ResNet(Bottleneck, list(depths), replace_stride_with_dilation=replaced)
    del network.fc, network.avgpool
    network.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
    if stem == 3:
        network.conv1 = nn.Conv2d(channels, 64, 3, 2, 1, bias=False)
        network.conv2 = nn.Conv2d(64, 64, 3, 1, 1, bias=False)
        network.conv3 = nn.Conv2d(64, 64, 3, 1, 1, bias=False)
        network.bn2, network.bn3 = nn.BatchNorm2d(64), nn.BatchNorm2d(64)
    if grid:
        finer = 16 // output_stride
        rates = {3: [finer] * depths[2], 4: [2 * finer, 4 * finer, 8 * finer]}
        for level, dilations in rates.items():
            for block, rate in zip(getattr(network, f"layer{level}"), dilations, strict=True):
                block.conv2.dilation = block.conv2.padding = (rate, rate)
    return network


def resnet_stages(network, x):
    """What each of its four stages returns."""
    for n in ("1", "2", "3"):
        if hasattr(network, f"conv{n}"):
            x = network.relu(getattr(network, f"bn{n}")(getattr(network, f"conv{n}")(x)))
    x, found = network.maxpool(x), []
    for n in range(1, 5):
        x = getattr(network, f"layer{n}")(x)
        found.append(x)
    return found
