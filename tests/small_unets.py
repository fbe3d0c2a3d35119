"""Small U-Nets as other code bases spell and compute them, in the words of their papers.

They are written apart from the package, so that a test which compares both can fail.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.transforms.functional import center_crop


def put(root, path, module):
    """Makes the module reachable under a dotted path, and returns it."""
    *parents, last = path.split(".")
    for name in parents:
        if name not in dict(root.named_children()):
            root.add_module(name, nn.Module())
        root = getattr(root, name)
    root.add_module(last, module)
    return module


@dataclass(frozen=True, kw_only=True)
class Names:
    """Where a code base keeps the blocks of a U-Net; levels count from 0, up from the deepest."""

    down: list
    join: list
    up: list
    head: str
    members: list
    """Of a block: convolution, norm, convolution, norm, or two convolutions alone."""
    up_norms: tuple = ()
    bias: bool = True
    kernel: int = 1
    crops: bool = False


def labml(depth):
    return Names(
        down=[f"down_conv.{n}." for n in range(depth)] + ["middle_conv."],
        join=[f"up_conv.{n}." for n in range(depth)],
        up=[f"up_sample.{n}.up" for n in range(depth)],
        head="final_conv",
        members=["first", "second"],
        crops=True,
    )


def lab(depth, members=("0", "2"), middle="middle_conv."):
    return Names(
        down=[f"down_conv{n + 1}." for n in range(depth)] + [middle],
        join=[f"up_conv{n + 1}." for n in range(depth)],
        up=[f"up_sample{n + 1}" for n in range(depth)],
        head="final_conv",
        members=list(members),
        crops=True,
    )


def lab_prose(depth):
    return lab(depth, middle="mid_conv.")


def lab_norm(depth):
    return lab(depth, members=("0", "1", "3", "4"))


def zoo32(depth):
    return Names(
        down=[f"conv{n}.conv." for n in range(1, depth + 2)],
        join=[f"conv{n}.conv." for n in range(depth + 2, 2 * depth + 2)],
        up=[f"up{n}" for n in range(depth + 2, 2 * depth + 2)],
        head=f"conv{2 * depth + 2}",
        members=["0", "1", "3", "4"],
    )


def tiny8(depth):
    return Names(
        down=[f"layer{n}_conv." for n in range(1, depth + 2)],
        join=[f"layer{n}_conv." for n in range(depth + 2, 2 * depth + 2)],
        up=[f"deconv{n + 1}.conv1" for n in range(depth)],
        up_norms=tuple(f"deconv{n + 1}.bn1" for n in range(depth)),
        head=f"layer{2 * depth + 2}_conv",
        members=["conv1", "bn1", "conv2", "bn2"],
        kernel=3,
    )


def brain(depth):
    return Names(
        down=[f"encoder{n}.enc{n}" for n in range(1, depth + 1)] + ["bottleneck.bottleneck"],
        join=[f"decoder{n}.dec{n}" for n in range(depth, 0, -1)],
        up=[f"upconv{n}" for n in range(depth, 0, -1)],
        head="conv",
        members=["conv1", "norm1", "conv2", "norm2"],
        bias=False,
    )


class SpelledUNet(nn.Module):
    """A transposed U-Net, the expanding path first in every join; it returns logits."""

    def __init__(self, names, *, channels=3, classes=1, width=4):
        super().__init__()
        self.names = names

        def block(path, into, out):
            layers = []
            for n, member in enumerate(names.members):
                if len(names.members) == 4 and n % 2:
                    layers.append(put(self, path + member, nn.BatchNorm2d(out)))
                else:
                    convolution = nn.Conv2d(into, out, 3, padding=1, bias=names.bias)
                    layers.append(put(self, path + member, convolution))
                    into = out
            return layers

        widths = [width * 2**n for n in range(len(names.down))]
        self.down_layers = [
            block(path, into, out)
            for path, into, out in zip(names.down, [channels, *widths], widths, strict=False)
        ]
        self.up_layers = []
        for n, (up, join) in enumerate(zip(names.up, names.join, strict=True)):
            out = widths[-2 - n]
            lift = [put(self, up, nn.ConvTranspose2d(2 * out, out, 2, stride=2))]
            if names.up_norms:
                lift.append(put(self, names.up_norms[n], nn.BatchNorm2d(out)))
            self.up_layers.append((lift, block(join, 2 * out, out)))
        put(self, names.head, nn.Conv2d(width, classes, names.kernel, padding=names.kernel // 2))

    def block(self, layers, x):
        step = len(layers) // 2
        for n in range(0, len(layers), step):
            for layer in layers[n : n + step]:
                x = layer(x)
            x = torch.relu(x)
        return x

    def forward(self, x):
        skips = []
        for n, layers in enumerate(self.down_layers):
            x = self.block(layers, functional.max_pool2d(x, 2) if n else x)
            skips.append(x)
        skips.pop()
        for lift, join in self.up_layers:
            for layer in lift:
                x = layer(x)
            if len(lift) == 2:
                x = torch.relu(x)
            skip = skips.pop()
            if self.names.crops:
                skip = center_crop(skip, [x.shape[2], x.shape[3]])
            x = self.block(join, torch.cat([x, skip], 1))
        return self.get_submodule(self.names.head)(x)


class TutorialResNetUNet(nn.Module):
    """resnet34_unet with torchvision's blocks; it returns logits."""

    def __init__(
        self,
        *,
        channels=3,
        classes=1,
        width=4,
        depths=(1, 2, 1, 1),
        block=BasicBlock,
        tail_kernel=4,
        **options,
    ):
        super().__init__()
        self.stages = len(depths)
        self.firstconv = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.firstbn = nn.BatchNorm2d(width)
        into, outs = width, []
        for n, depth in enumerate(depths):
            planes = width * 2**n
            out = planes * block.expansion
            stride = 2 if n else 1
            shortcut = None
            if stride > 1 or into != out:
                shortcut = nn.Sequential(
                    nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out)
                )
            first = block(into, planes, stride, shortcut, **options)
            others = [block(out, planes, **options) for _ in range(depth - 1)]
            self.add_module(f"encoder{n + 1}", nn.Sequential(first, *others))
            into = out
            outs.append(out)
        for n in range(self.stages, 0, -1):
            into, out = outs[n - 1], outs[max(0, n - 2)]
            inner = into // 4
            step = nn.Module()
            step.conv1, step.norm1 = nn.Conv2d(into, inner, 1), nn.BatchNorm2d(inner)
            step.deconv2 = nn.ConvTranspose2d(inner, inner, 3, 2, 1, 1)
            step.norm2 = nn.BatchNorm2d(inner)
            step.conv3, step.norm3 = nn.Conv2d(inner, out, 1), nn.BatchNorm2d(out)
            self.add_module(f"decoder{n}", step)
        self.finaldeconv1 = nn.ConvTranspose2d(outs[0], 6, tail_kernel, 2, 1)
        self.finalconv2 = nn.Conv2d(6, 5, 3, 1, 1)
        self.finalconv3 = nn.Conv2d(5, classes, 3, 1, 1)

    def forward(self, x):
        x = torch.relu(self.firstbn(self.firstconv(x)))
        x = functional.max_pool2d(x, 3, 2, 1)
        features = {}
        for n in range(1, self.stages + 1):
            features[n] = x = getattr(self, f"encoder{n}")(x)
        for n in range(self.stages, 0, -1):
            step = getattr(self, f"decoder{n}")
            x = torch.relu(step.norm1(step.conv1(x)))
            x = torch.relu(step.norm2(step.deconv2(x)))
            x = torch.relu(step.norm3(step.conv3(x)))
            if n > 1:
                x = x + features[n - 1]
        x = torch.relu(self.finalconv2(torch.relu(self.finaldeconv1(x))))
        return self.finalconv3(x)


class TutorialResNeXtUNet(TutorialResNetUNet):
    """The same around grouped bottlenecks."""

    def __init__(self, **options):
        super().__init__(block=Bottleneck, groups=2, base_width=32, **options)
