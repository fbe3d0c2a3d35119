"""Small U-Nets with a part that few have: other ways up, side heads, layers held twice or unused.

They are written apart from the package, so that a test which compares both can fail.
"""

import torch
from strangers import POOL, double
from torch import nn
from torch.nn import functional


class Levels(nn.Module):
    """Three levels of two convolutions; what doubles the size is made by ``up``."""

    def __init__(self, up, *, joined=2, block=double, width=4):
        super().__init__()
        w = [width, 2 * width, 4 * width]
        self.e1, self.e2, self.e3 = block(3, w[0]), block(w[0], w[1]), block(w[1], w[2])
        self.t2, self.f2 = up(w[2], w[1]), block(int(joined * w[1]), w[1])
        self.t1, self.f1 = up(w[1], w[0]), block(int(joined * w[0]), w[0])
        self.out = nn.Conv2d(w[0], 1, 1)

    def pooled(self, x):
        return POOL(x)

    def last(self, x):
        return self.out(x)

    def forward(self, x):
        a = self.e1(x)
        b = self.e2(self.pooled(a))
        x = self.e3(self.pooled(b))
        x = self.f2(torch.cat((self.t2(x), b), 1))
        return self.last(self.f1(torch.cat((self.t1(x), a), 1)))


def transposed(into, out):
    return nn.ConvTranspose2d(into, out, 2, 2)


def activated(into, out):
    return nn.Sequential(transposed(into, out), nn.ReLU())


def shuffled(into, out):
    return nn.Sequential(nn.Conv2d(into, 4 * out, 1), nn.PixelShuffle(2))


def only_shuffled(into, out):
    return nn.PixelShuffle(2)


class EvenKernel(nn.Module):
    """Pixels repeated, then a kernel of 2 with the row and column of zeros at the end."""

    def __init__(self, into, out):
        super().__init__()
        self.conv = nn.Conv2d(into, out, 2)

    def forward(self, x):
        x = functional.interpolate(x, scale_factor=2)
        return torch.relu(self.conv(functional.pad(x, (0, 1, 0, 1))))


class Averaging(Levels):
    def pooled(self, x):
        return functional.avg_pool2d(x, 2)


class Descending(nn.Module):
    """Convolutions with a stride between the levels, and a leaky ReLU behind them alone."""

    def __init__(self):
        super().__init__()

        def down(width):
            return nn.Sequential(nn.Conv2d(width, width, 3, 2, 1, bias=False), nn.LeakyReLU(0.2))

        self.e1, self.d1, self.e2, self.d2 = double(3, 4), down(4), double(4, 8), down(8)
        self.e3, self.t2, self.f2 = double(8, 16), transposed(16, 8), double(16, 8)
        self.t1, self.f1, self.out = transposed(8, 4), double(8, 4), nn.Conv2d(4, 1, 1)

    def forward(self, x):
        a = self.e1(x)
        b = self.e2(self.d1(a))
        x = self.f2(torch.cat((self.t2(self.e3(self.d2(b))), b), 1))
        return self.out(self.f1(torch.cat((self.t1(x), a), 1)))


class Shrinking(nn.Module):
    """Convolutions without padding, skips cropped to them: the answer is smaller."""

    def __init__(self):
        super().__init__()

        def block(into, out):
            convs = nn.Conv2d(into, out, 3), nn.ReLU(), nn.Conv2d(out, out, 3), nn.ReLU()
            return nn.Sequential(*convs)

        self.e1, self.e2, self.e3 = block(3, 4), block(4, 8), block(8, 16)
        self.t2, self.f2, self.t1, self.f1 = (
            *(transposed(16, 8), block(16, 8)),
            *(transposed(8, 4), block(8, 4)),
        )
        self.out = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        a = self.e1(x)
        b = self.e2(POOL(a))
        x = self.t2(self.e3(POOL(b)))
        x = self.t1(self.f2(torch.cat((cropped(b, x), x), 1)))
        return self.out(self.f1(torch.cat((cropped(a, x), x), 1)))


def cropped(skip, x):
    """The middle of ``skip``, as large as ``x``."""
    top, left = ((one - other) // 2 for one, other in zip(skip.shape[2:], x.shape[2:], strict=True))
    return skip[:, :, top : top + x.shape[2], left : left + x.shape[3]]


class SideHeads(Levels):
    """Heads that only training needs."""

    def __init__(self):
        super().__init__(transposed)
        self.side3, self.side2 = nn.Conv2d(16, 1, 1), nn.Conv2d(8, 1, 1)


class NeverUsed(Levels):
    def __init__(self):
        super().__init__(transposed)
        self.spare = nn.Conv2d(4, 4, 3, padding=1)


class FirstAdded(nn.Module):
    """One convolution, and around the other two a sum."""

    def __init__(self, into, out):
        super().__init__()
        self.first, self.others = double(into, out, count=1), double(out, out)[:-1]

    def forward(self, x):
        x = self.first(x)
        return torch.relu(self.others(x) + x)


class EncoderTwice(nn.Module):
    """A VGG-16 registered whole and again in pieces; the size doubles before each join."""

    def __init__(self, *, deconvolves, width=4):
        super().__init__()
        layers, into = [], 3
        for depth, factor in ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8)):
            for _ in range(depth):
                layers += [nn.Conv2d(into, factor * width, 3, padding=1), nn.ReLU()]
                into = factor * width
        self.backbone = nn.Sequential(*layers)
        self.stages = nn.ModuleList()
        for start, end in ((0, 4), (4, 8), (8, 14), (14, 20), (20, 26)):
            self.stages.append(nn.Sequential(*layers[start:end]))

        def up(into, middle, out):
            first = [nn.Conv2d(into, middle, 3, padding=1), nn.ReLU()]
            if deconvolves:
                second = nn.ConvTranspose2d(middle, out, 4, 2, 1)
            else:
                first.insert(0, nn.Upsample(scale_factor=2, mode="bilinear"))
                second = nn.Conv2d(middle, out, 3, padding=1)
            return nn.Sequential(*first, second, nn.ReLU())

        self.middle = up(32, 16, 12)
        skips, outs = (32, 32, 16, 8), (12, 12, 8, 4)
        self.ups, into = nn.ModuleList(), 12
        for skip, out in zip(skips, outs, strict=True):
            self.ups.append(up(into + skip, 16, out))
            into = out
        self.end = nn.Sequential(nn.Conv2d(into + width, 4, 3, padding=1), nn.ReLU())
        self.out = nn.Conv2d(4, 1, 1)

    def forward(self, x):
        skips = []
        for stage in self.stages:
            x = stage(POOL(x) if skips else x)
            skips.append(x)
        x = self.middle(POOL(x))
        for up in self.ups:
            x = up(torch.cat((x, skips.pop()), 1))
        return self.out(self.end(torch.cat((x, skips.pop()), 1)))


ODD_STRANGERS = {
    "blocks called f1 and f2": (lambda: Levels(transposed), "up_first"),
    "activated on the way up": (lambda: Levels(activated), "up_first.up_act"),
    "pixel shuffle": (lambda: Levels(shuffled), "up_first"),
    "pixel shuffle alone": (lambda: Levels(only_shuffled, joined=1.5), "up_first"),
    "kernel 2 on the way up": (lambda: Levels(EvenKernel), "up_first.nearest.up_act"),
    "average pooling": (lambda: Averaging(transposed), "up_first.avg_pool"),
    "activated on the way down": (Descending, "up_first.down_leaky_fifth"),
    "answers that are smaller": (Shrinking, "skip_first.unpadded_smaller"),
    "side heads": (SideHeads, "up_first"),
    "a convolution without use": (NeverUsed, "up_first.unused_spare"),
    "a sum behind the first": (lambda: Levels(transposed, block=FirstAdded), "up_first.residual"),
    "VGG held twice": (lambda: EncoderTwice(deconvolves=True), "up_first.up_act"),
    "VGG held twice, resized": (
        lambda: EncoderTwice(deconvolves=False),
        "up_first.bilinear.enlarge_early",
    ),
}
"""Name -> how to build it, and the reading that computes the same."""
