"""Small networks as other code bases spell and compute them, in the words of their papers.

They are written apart from the package, so that a test which compares both can fail.
"""

import re
from functools import cache
from pathlib import Path

import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from vectors import rule

from segdemo.inference.segmenter import Segmenter
from segdemo.spec import Postprocessing, Preprocessing, SegmentationSpec

VECTORS = Path(rule.__file__).with_name("public")


@cache
def vector(name):
    """The fixture of a network: keys, shapes, sampled outputs. All tests share it as it is."""
    return rule.load(VECTORS / f"{name}.json")


def header(fixture):
    """A state dict without numbers, such as a file's header gives it."""
    return {
        key: torch.empty(
            shape,
            dtype=torch.int64 if key.endswith("num_batches_tracked") else torch.float32,
            device="meta",
        )
        for key, shape, *_ in fixture["state_dict"]
    }


def numbers(fixture, known=None, unused="-"):
    """The fixture's state dict, in which what begins with ``unused`` is zero.

    ``known`` keeps its arrays for fixtures that have the same: those of one code base share nearly
    all, and making half a gigabyte of them takes seconds.
    """
    known = {} if known is None else known
    salt, gains = fixture.get("salt", ""), fixture.get("gains", [])
    state_dict = {}
    for key, shape, *_ in fixture["state_dict"]:
        if key.startswith(unused):
            state_dict[key] = torch.zeros(shape)
            continue
        mine = [(pattern, factor) for pattern, factor in gains if re.search(pattern, key)]
        identity = (salt, key, *shape, *mine)
        if identity not in known:
            known[identity] = torch.from_numpy(rule.weights_for(key, shape, salt, mine))
        state_dict[key] = known[identity]
    return state_dict


def randomised(network, seed=0):
    """The network in eval mode; every weight, bias and statistic differs from its default."""
    generator = torch.Generator().manual_seed(seed)
    for key, tensor in network.state_dict().items():
        if not tensor.is_floating_point():
            continue
        spread = (24 / tensor[0].numel()) ** 0.5 if tensor.dim() > 1 else 0.4
        centre = 1.0 if key.endswith(("running_var", "weight")) and tensor.dim() == 1 else 0.0
        tensor.copy_(centre + spread * (torch.rand(tensor.shape, generator=generator) - 0.5))
    return network.eval()


def picture(channels=3, height=32, width=32, seed=1):
    """(1, C, H, W) in [0, 1)."""
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed))


class Holder(nn.Module):
    """A module around another one, which lends it a name."""

    def __init__(self, name, inner):
        super().__init__()
        self.add_module(name, inner)

    def forward(self, x):
        (inner,) = self.children()
        return inner(x)


class TutorialUNet(nn.Module):
    """The U-Net of the many tutorials; ``era`` names whose widths and names it has.

    "2018" and "classic" keep the width in the bottleneck, "bias" and "master" double it (but
    for bilinear upsampling, where they have a middle width instead).
    """

    def __init__(
        self, *, channels=3, classes=1, width=8, depth=4, up="transposed", era="master", padding=1
    ):
        super().__init__()
        self.up_kind, self.depth = up, depth
        old = era in ("2018", "classic")
        conv_name, down_name = (
            ("conv", "mpconv") if era == "2018" else ("double_conv", "maxpool_conv")
        )

        def block(into, middle, out):
            convolutions = []
            for a, b in ((into, middle), (middle, out)):
                convolutions += [
                    nn.Conv2d(a, b, 3, padding=padding, bias=era != "master"),
                    nn.BatchNorm2d(b),
                    nn.ReLU(),
                ]
            return Holder(conv_name, nn.Sequential(*convolutions))

        widths = [width * 2**level for level in range(depth + 1)]
        if old or up == "bilinear":
            widths[-1] = widths[-2]
        first = block(channels, width, width)
        self.inc = Holder("conv", first) if era == "2018" else first
        for level in range(1, depth + 1):
            down = nn.Sequential(nn.MaxPool2d(2), block(widths[level - 1], *[widths[level]] * 2))
            self.add_module(f"down{level}", Holder(down_name, down))
        deep = widths[-1]
        for level in range(1, depth + 1):
            skip = widths[depth - level]
            out = skip
            if old or up == "bilinear":
                out = widths[max(0, depth - level - 1)]
            step = nn.Module()
            lifted = deep
            if up == "transposed":
                lifted = deep if old else deep // 2
                step.up = nn.ConvTranspose2d(deep, lifted, 2, stride=2)
            middle = (lifted + skip) // 2 if up == "bilinear" and not old else out
            step.conv = block(lifted + skip, middle, out)
            self.add_module(f"up{level}", step)
            deep = out
        self.outc = Holder("conv", nn.Conv2d(deep, classes, 1))

    def forward(self, x):
        skips = [self.inc(x)]
        for level in range(1, self.depth + 1):
            skips.append(getattr(self, f"down{level}")(skips[-1]))
        x = skips.pop()
        for level in range(1, self.depth + 1):
            step, skip = getattr(self, f"up{level}"), skips.pop()
            if self.up_kind == "transposed":
                x = step.up(x)
            else:
                size = [2 * side for side in x.shape[2:]]
                x = functional.interpolate(x, size, mode="bilinear", align_corners=True)
            framed = torch.zeros(*x.shape[:2], *skip.shape[2:])
            top, left = ((a - b) // 2 for a, b in zip(skip.shape[2:], x.shape[2:], strict=True))
            framed[:, :, top : top + x.shape[2], left : left + x.shape[3]] = x
            x = step.conv(torch.cat([skip, framed], 1))
        return self.outc(x)


class Unit(nn.Module):
    """Convolution, norm, ReLU under the names that a code base gives them."""

    def __init__(self, into, out, dilation, *, conv, norm, bias):
        super().__init__()
        self.names = conv, norm
        convolution = nn.Conv2d(into, out, 3, padding=dilation, dilation=dilation, bias=bias)
        self.add_module(conv, convolution)
        self.add_module(norm, nn.BatchNorm2d(out))

    def forward(self, x):
        conv, norm = self.names
        return torch.relu(getattr(self, norm)(getattr(self, conv)(x)))


class Block(nn.Module):
    """RSU-L(into, mid, out), or RSU-4F when dilated, in the names of "xq" or "wz"."""

    def __init__(self, height, into, mid, out, dilated, *, names, bias):
        super().__init__()
        conv, norm = ("conv_s1", "bn_s1") if names == "xq" else ("conv", "bn")
        options = {"conv": conv, "norm": norm, "bias": bias}
        dilations = [1, 2, 4, 8] if dilated else [1] * (height - 1) + [2]
        entry = Unit(into, out, 1, **options)
        down = [Unit(out if n == 0 else mid, mid, dilations[n], **options) for n in range(height)]
        up = [
            Unit(2 * mid, mid if n else out, dilations[n], **options)
            for n in reversed(range(height - 1))
        ]
        self.units, self.dilated = (entry, down, up), dilated
        if names == "xq":
            self.rebnconvin = entry
            for k, unit in enumerate(down, 1):
                self.add_module(f"rebnconv{k}", unit)
            for k, unit in zip(range(height - 1, 0, -1), up, strict=True):
                self.add_module(f"rebnconv{k}d", unit)
        else:
            self.conv_in = entry
            self.encode_modules = nn.ModuleList(down)
            self.decode_modules = nn.ModuleList(up)

    def forward(self, x):
        entry, down, up = self.units
        start = entry(x)
        levels = [down[0](start)]
        for unit in down[1:-1]:
            pooled = levels[-1]
            if not self.dilated:
                pooled = functional.max_pool2d(pooled, 2, stride=2, ceil_mode=True)
            levels.append(unit(pooled))
        x = down[-1](levels[-1])
        for unit in up:
            skip = levels.pop()
            x = unit(torch.cat([sized_like(x, skip), skip], 1))
        return start + x


def sized_like(x, other):
    return functional.interpolate(x, other.shape[2:], mode="bilinear", align_corners=False)


class DeepU2Net(nn.Module):
    """A U²-Net of any stages (height, into, mid, out, dilated), in the names of "xq" or "wz"."""

    def __init__(self, encoder, decoder, *, classes=1, names="xq", bias=True):
        super().__init__()
        down = [Block(*stage, names=names, bias=bias) for stage in encoder]
        up = [Block(*stage, names=names, bias=bias) for stage in decoder]
        side = [nn.Conv2d(stage[3], classes, 3, padding=1) for stage in (encoder[-1], *decoder)]
        fuse = nn.Conv2d(classes * len(side), classes, 1)
        self.parts = down, up, side, fuse
        if names == "xq":
            for n, stage in enumerate(down, 1):
                self.add_module(f"stage{n}", stage)
            for n, stage in enumerate(reversed(up), 1):
                self.add_module(f"stage{n}d", stage)
            for n, convolution in enumerate(reversed(side), 1):
                self.add_module(f"side{n}", convolution)
            self.outconv = fuse
        else:
            self.encode_modules = nn.ModuleList(down)
            self.decode_modules = nn.ModuleList(up)
            self.side_modules = nn.ModuleList(side)
            self.out_conv = fuse

    def forward(self, x):
        """Logits: the fused map, then the sides, the finest first."""
        down, up, side, fuse = self.parts
        features, y = [], x
        for n, stage in enumerate(down):
            if n:
                y = functional.max_pool2d(y, 2, stride=2, ceil_mode=True)
            y = stage(y)
            features.append(y)
        maps = [sized_like(side[0](y), x)]
        features.pop()
        for stage, convolution in zip(up, side[1:], strict=True):
            skip = features.pop()
            y = stage(torch.cat([sized_like(y, skip), skip], 1))
            maps.insert(0, sized_like(convolution(y), x))
        return [fuse(torch.cat(maps, 1)), *maps]


# Small, of odd widths, and with heights of its own: six stages down as in the paper.
SMALL_ENCODER = (
    (5, 3, 3, 6, False),
    (4, 6, 4, 7, False),
    (3, 7, 3, 8, False),
    (4, 8, 2, 9, False),
    (4, 9, 3, 10, True),
    (4, 10, 4, 11, True),
)
SMALL_DECODER = (
    (4, 21, 3, 9, True),
    (4, 18, 2, 8, False),
    (3, 16, 3, 7, False),
    (4, 14, 4, 6, False),
    (5, 12, 3, 5, False),
)


def predicted(detection, size):
    """What a network says of a picture of ``size`` (width, height) that is given as it is."""
    activation = "softmax" if detection.config.classes > 1 else "sigmoid"
    segmenter = Segmenter(
        network=detection.build(),
        spec=SegmentationSpec(
            preprocessing=Preprocessing(resize="none"),
            postprocessing=Postprocessing(activation=activation),
        ),
        detection=detection,
        device=torch.device("cpu"),
        max_side=512,
        memory_megabytes=4096,
    )
    return segmenter.predict(Image.linear_gradient("L").convert("RGB").resize(size))


def reshaped(header, changes):
    """The header with other sizes: ``changes`` maps names to {dimension: size}."""
    changed = dict(header)
    for name, sizes in changes.items():
        shape = list(header[name].shape)
        for dimension, size in sizes.items():
            shape[dimension] = size
        changed[name] = torch.empty(shape, device="meta")
    return changed
