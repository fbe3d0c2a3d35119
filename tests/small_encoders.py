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


# Channels after each separable convolution of Xception's blocks, fewer and narrow.
XCEPTION_WIDTHS = ((6, 6, 6), (7, 7, 7), (9, 9, 9), (9, 9, 9), (9, 9, 9), (9, 10, 10))
XCEPTION_TAIL = (11, 11, 12)


class BubbliiiingSeparable(nn.Module):
    def __init__(self, into, out, stride=1, dilation=1, *, first=True):
        super().__init__()
        self.first = first
        self.depthwise = nn.Conv2d(
            into, into, 3, stride, dilation, dilation=dilation, groups=into, bias=False
        )
        self.bn1, self.bn2 = nn.BatchNorm2d(into), nn.BatchNorm2d(out)
        self.pointwise = nn.Conv2d(into, out, 1, bias=False)

    def forward(self, x):
        """Activated before both convolutions, or after each."""
        if self.first:
            return self.bn2(self.pointwise(self.bn1(self.depthwise(x.relu()))))
        return self.bn2(self.pointwise(self.bn1(self.depthwise(x)).relu())).relu()


class BubbliiiingBlock(nn.Module):
    def __init__(self, into, widths, stride, dilation):
        super().__init__()
        for n, out in enumerate(widths, 1):
            step = stride if n == 3 else 1
            self.add_module(f"sepconv{n}", BubbliiiingSeparable(into, out, step, dilation))
            into = out
        given = self.sepconv1.depthwise.in_channels
        self.skip = self.skipbn = None
        if given != into or stride != 1:
            self.skip = nn.Conv2d(given, into, 1, stride, bias=False)
            self.skipbn = nn.BatchNorm2d(into)

    def forward(self, x):
        before = self.sepconv2(self.sepconv1(x))
        # An activation in place changes what is added where nothing is convolved on the way.
        skip = self.skipbn(self.skip(x)) if self.skip else x.relu()
        return self.sepconv3(before) + skip, before


class BubbliiiingXception(nn.Module):
    """Returns the features at stride 4 and the deepest."""

    def __init__(self, output_stride, *, channels=3):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 5, 3, 1, 1, bias=False), nn.BatchNorm2d(5)
        rate, into = 16 // output_stride, 5
        strides = (2, 2, 2 if rate == 1 else 1, 1, 1, 1)
        for n, (widths, stride) in enumerate(zip(XCEPTION_WIDTHS, strides, strict=True), 1):
            block = BubbliiiingBlock(into, widths, stride, rate if n > 3 else 1)
            self.add_module(f"block{n}", block)
            into = widths[-1]
        for n, out in enumerate(XCEPTION_TAIL, 3):
            tail = BubbliiiingSeparable(into, out, 1, rate, first=False)
            self.add_module(f"conv{n}", tail)
            into = out

    def forward(self, x):
        x = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        low = x
        for n in range(1, 7):
            x, before = getattr(self, f"block{n}")(x)
            low = before if n == 2 else low
        return low, self.conv5(self.conv4(self.conv3(x)))


class JFZhang95Separable(nn.Module):
    def __init__(self, into, out, stride=1, dilation=1):
        super().__init__()
        self.conv1 = nn.Conv2d(into, into, 3, stride, 0, dilation, groups=into, bias=False)
        self.bn, self.pointwise = nn.BatchNorm2d(into), nn.Conv2d(into, out, 1, bias=False)

    def forward(self, x):
        x = functional.pad(x, (self.conv1.dilation[0],) * 4)
        return self.pointwise(self.bn(self.conv1(x)))


class JFZhang95Xception(nn.Module):
    """Returns the features at stride 4 and the deepest."""

    def __init__(self, output_stride, *, channels=3):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 5, 3, 1, 1, bias=False), nn.BatchNorm2d(5)
        rate, into = 16 // output_stride, 5
        strides = (2, 2, 2 if rate == 1 else 1, 1, 1, 1)
        for n, (widths, stride) in enumerate(zip(XCEPTION_WIDTHS, strides, strict=True), 1):
            last = 1 if n in (1, 2, 3, 6) else rate
            rates = (rate if n > 3 else 1,) * 2 + (last,)
            layers, given = [], into
            for k, out in enumerate(widths):
                step = stride if k == 2 else 1
                layers += [nn.ReLU(), JFZhang95Separable(given, out, step, rates[k])]
                layers.append(nn.BatchNorm2d(out))
                given = out
            block = nn.Module()
            block.rep = nn.Sequential(*layers[n <= 2 :])
            if into != given or stride != 1:
                block.skip = nn.Conv2d(into, given, 1, stride, bias=False)
                block.skipbn = nn.BatchNorm2d(given)
            self.add_module(f"block{n}", block)
            into = given
        for n, out in enumerate(XCEPTION_TAIL, 3):
            self.add_module(f"conv{n}", JFZhang95Separable(into, out, 1, 2 * rate))
            self.add_module(f"bn{n}", nn.BatchNorm2d(out))
            into = out

    def forward(self, x):
        x = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        for n in range(1, 7):
            block = getattr(self, f"block{n}")
            # The first activation is in place, so that the shortcut is given what it made.
            x = x if n <= 2 else x.relu()
            y = block.rep(x)
            x = y + (block.skipbn(block.skip(x)) if hasattr(block, "skip") else x)
            if n == 1:
                low = x = x.relu()
        x = x.relu()
        for n in (3, 4, 5):
            x = getattr(self, f"bn{n}")(getattr(self, f"conv{n}")(x)).relu()
        return low, x


class SmallDRN(nn.Module):
    """DRN-D of one bottleneck a stage; returns the features at stride 4 and the deepest."""

    def __init__(self, *, channels=3):
        super().__init__()
        self.layer0 = self.plain(channels, 4, 7)
        self.layer1, self.layer2 = self.plain(4, 5, 3), self.plain(5, 6, 3, stride=2)
        into = 6
        for n, (stride, rate) in enumerate(((2, 1), (2, 1), (1, 2), (1, 4)), 3):
            shortcut = nn.Sequential(nn.Conv2d(into, 8, 1, stride, bias=False), nn.BatchNorm2d(8))
            block = Bottleneck(into, 2, stride, shortcut, dilation=rate)
            self.add_module(f"layer{n}", nn.Sequential(block))
            into = 8
        # Where neither size nor width changes there is no shortcut.
        for n in (5, 6):
            getattr(self, f"layer{n}")[0].downsample = None
        self.layer7, self.layer8 = self.plain(8, 9, 3, rate=2), self.plain(9, 10, 3)

    @staticmethod
    def plain(into, out, kernel, stride=1, rate=1):
        padding = kernel // 2 * rate
        convolution = nn.Conv2d(into, out, kernel, stride, padding, rate, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU())

    def forward(self, x):
        found = []
        for n in range(9):
            x = getattr(self, f"layer{n}")(x)
            found.append(x)
        return found[3], x
