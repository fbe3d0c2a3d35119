"""ESPNet (Mehta et al. 2018, arXiv:1803.06815): spatial pyramids of dilated convolutions.

Features are reduced, convolved at five dilations side by side, and added up from one to the next
before they are joined. ESPNet-C is the encoder alone, whose scores at stride 8 are enlarged.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.architectures.base import (
    Architecture,
    KeyMapping,
    Shapes,
    SizeRequirements,
    count,
)
from segdemo.architectures.parts.data_sets import CITYSCAPES_CLASSES

_DILATIONS = (1, 2, 4, 8, 16)
_EPSILON = 1e-3
"""Of every norm."""
_STRIDE = 8
"""Pixels between the encoder's scores."""


@dataclass(frozen=True, kw_only=True)
class ESPNetConfig:
    """Widths and depths of the encoder, and whether there is a decoder."""

    in_channels: int
    classes: int
    stem: int
    """Channels at stride 2."""
    widths: tuple[int, int]
    """Channels after the modules at strides 4 and 8."""
    depths: tuple[int, int]
    """Modules at these strides, beside the one that halves the size."""
    decoder: bool
    """Whether transposed convolutions lead back to full size, or scores are enlarged."""


class Activated(nn.Module):
    """Batch norm and PReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=_EPSILON)
        self.slope = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        activated: Tensor = self.slope(self.norm(x))
        return activated


class Pyramid(nn.Module):
    """An efficient spatial pyramid (ESP): it halves the size, adds its input, or does neither."""

    def __init__(self, into: int, out: int, *, halves: bool = False, adds: bool = False) -> None:
        super().__init__()
        self.adds = adds
        narrow = out // len(_DILATIONS)
        kernel, stride = (3, 2) if halves else (1, 1)
        self.reduce = nn.Conv2d(into, narrow, kernel, stride, padding=kernel // 2, bias=False)
        self.branches = nn.ModuleList()
        for dilation in _DILATIONS:
            # What does not divide evenly goes to the first.
            width = narrow if self.branches else out - narrow * (len(_DILATIONS) - 1)
            self.branches.append(
                nn.Conv2d(narrow, width, 3, padding=dilation, dilation=dilation, bias=False)
            )
        self.activated = Activated(out)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.reduce(x)
        first, *others = [branch(reduced) for branch in self.branches]
        joined = [first, others[0]]
        for y in others[1:]:
            joined.append(joined[-1] + y)
        y = torch.cat(joined, dim=1)
        merged: Tensor = self.activated(x + y if self.adds else y)
        return merged


class ConvActivated(nn.Module):
    """3x3 convolution, batch norm, PReLU."""

    def __init__(self, into: int, out: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, 3, stride, padding=1, bias=False)
        self.activated = Activated(out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activated(self.conv(x))
        return y


class Level(nn.Module):
    """A module that halves the size and those behind it."""

    def __init__(self, into: int, out: int, depth: int) -> None:
        super().__init__()
        self.halve = Pyramid(into, out, halves=True)
        self.deepen = nn.Sequential(*(Pyramid(out, out, adds=True) for _ in range(depth)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Before and after the modules that keep the size."""
        halved = self.halve(x)
        return halved, self.deepen(halved)


def _halved(image: Tensor) -> Tensor:
    return functional.avg_pool2d(image, 3, stride=2, padding=1)


class Decoder(nn.Module):
    """Doubles the scores and joins finer features, thrice."""

    def __init__(self, config: ESPNetConfig) -> None:
        super().__init__()
        classes = config.classes
        self.norm8 = nn.BatchNorm2d(classes, eps=_EPSILON)
        self.up8 = nn.ConvTranspose2d(classes, classes, 2, stride=2, bias=False)
        middle = 2 * config.widths[0] + config.in_channels
        self.score4 = nn.Conv2d(middle, classes, 1, bias=False)
        self.join4 = Activated(2 * classes)
        self.pyramid4 = Pyramid(2 * classes, classes)
        self.up4 = nn.ConvTranspose2d(classes, classes, 2, stride=2, bias=False)
        self.activated2 = Activated(classes)
        self.join2 = ConvActivated(config.stem + classes, classes)
        self.up2 = nn.ConvTranspose2d(classes, classes, 2, stride=2, bias=False)

    def forward(self, scores: Tensor, at4: Tensor, at2: Tensor) -> Tensor:
        y = self.up8(self.norm8(scores))
        y = self.pyramid4(self.join4(torch.cat((self.score4(at4), y), dim=1)))
        y = self.activated2(self.up4(y))
        logits: Tensor = self.up2(self.join2(torch.cat((y, at2), dim=1)))
        return logits


class ESPNet(nn.Module):
    """Logits (N, classes, H, W) for images (N, in_channels, H, W), sides as `requirements`."""

    def __init__(self, config: ESPNetConfig) -> None:
        super().__init__()
        channels, (width4, width8) = config.in_channels, config.widths
        self.stem = ConvActivated(channels, config.stem, stride=2)
        self.join2 = Activated(config.stem + channels)
        self.level4 = Level(config.stem + channels, width4, config.depths[0])
        self.join4 = Activated(2 * width4 + channels)
        self.level8 = Level(2 * width4 + channels, width8, config.depths[1])
        self.join8 = Activated(2 * width8)
        self.score8 = nn.Conv2d(2 * width8, config.classes, 1, bias=False)
        self.decoder = Decoder(config) if config.decoder else None

    def forward(self, x: Tensor) -> Tensor:
        # The image itself joins the features at strides 2 and 4.
        image2 = _halved(x)
        at2 = self.stem(x)
        before, after = self.level4(self.join2(torch.cat((at2, image2), dim=1)))
        at4 = self.join4(torch.cat((after, before, _halved(image2)), dim=1))
        scores = self.score8(self.join8(torch.cat(self.level8(at4), dim=1)))
        if self.decoder is not None:
            logits: Tensor = self.decoder(scores, at4, at2)
            return logits
        return functional.interpolate(scores, x.shape[2:], mode="bilinear", align_corners=False)


def infer(shapes: Shapes) -> ESPNetConfig:
    """The configuration that has these shapes under the names of ESPNet."""
    stem, in_channels = shapes["stem.conv.weight"][:2]
    levels = ("level4", "level8")
    width4, width8 = (shapes[f"{level}.halve.activated.norm.weight"][0] for level in levels)
    depth4, depth8 = (count(shapes, f"{level}.deepen.{{}}.reduce.weight") for level in levels)
    return ESPNetConfig(
        in_channels=in_channels,
        classes=shapes["score8.weight"][0],
        stem=stem,
        widths=(width4, width8),
        depths=(depth4, depth8),
        decoder="decoder.up2.weight" in shapes,
    )


def with_classes(config: ESPNetConfig, classes: int) -> ESPNetConfig:
    """The configuration with that many classes; with fewer than five the encoder alone.

    The decoder computes in as many channels as there are classes, and each dilation of its
    pyramid needs one. None of its tensors would keep its shape anyhow.
    """
    decoder = config.decoder and classes >= len(_DILATIONS)
    return replace(config, classes=classes, decoder=decoder)


def describe(config: ESPNetConfig) -> str:
    """Its depths, and whether it is the encoder alone: "2 and 3 modules, encoder alone"."""
    near, far = config.depths
    return f"{near} and {far} modules{'' if config.decoder else ', encoder alone'}"


def requirements(config: ESPNetConfig) -> SizeRequirements:
    """A decoder has to meet the sizes of what it joins."""
    side = _STRIDE if config.decoder else 1
    return SizeRequirements(minimum=side, multiple_of=side)


def _activated(theirs: str, ours: str) -> dict[str, str]:
    return {f"{theirs}.bn": f"{ours}.norm", f"{theirs}.act": f"{ours}.slope"}


def _pyramid(theirs: str, ours: str, *, nested: bool) -> dict[str, str]:
    """``nested``: norm and activation lie in a module of their own."""
    return {
        f"{theirs}.c1.conv": f"{ours}.reduce",
        **{
            f"{theirs}.d{dilation}.conv": f"{ours}.branches.{n}"
            for n, dilation in enumerate(_DILATIONS)
        },
        **_activated(f"{theirs}.bn" if nested else theirs, f"{ours}.activated"),
    }


def _encoder(path: str) -> dict[str, str]:
    """The names of the encoder, which begin with ``path``."""
    names = {
        f"{path}level1.conv": "stem.conv",
        **_activated(f"{path}level1", "stem.activated"),
        f"{path}classifier.conv": "score8",
    }
    for their_level, level in ((2, "level4"), (3, "level8")):
        theirs = f"{path}level{their_level}"
        names |= _pyramid(f"{theirs}_0", f"{level}.halve", nested=False)
        names |= _pyramid(f"{theirs}.{{n}}", f"{level}.deepen.{{n}}", nested=True)
    for their_join, join in ((1, "join2"), (2, "join4"), (3, "join8")):
        names |= _activated(f"{path}b{their_join}", join)
    return names


_DECODER = {
    "br": "decoder.norm8",
    "up_l3.0": "decoder.up8",
    "level3_C.conv": "decoder.score4",
    **_activated("combine_l2_l3.0", "decoder.join4"),
    **_pyramid("combine_l2_l3.1", "decoder.pyramid4", nested=True),
    "up_l2.0": "decoder.up4",
    **_activated("up_l2.1", "decoder.activated2"),
    "conv.conv": "decoder.join2.conv",
    **_activated("conv", "decoder.join2.activated"),
    "classifier": "decoder.up2",
}


def _sacmehta(name: str, renames: dict[str, str]) -> KeyMapping:
    return KeyMapping(
        id=name,
        origin="sacmehta/ESPNet",
        renames=renames,
        # VisualizeResults.py: BGR, standardised, and then divided by 255 once more.
        recipe={
            "preprocessing": {
                "channels": "bgr",
                "divisor": 1.0,
                "mean": [72.3923111, 82.90893555, 73.15840149],
                "std": [255 * 45.3192215, 255 * 46.15289307, 255 * 44.91483307],
            },
        },
        trained_classes=(*CITYSCAPES_CLASSES, "background"),
    )


_BOTH = {**_encoder("encoder."), **_DECODER}

ARCHITECTURE = Architecture(
    id="espnet",
    title="ESPNet",
    build=ESPNet,
    infer=infer,
    describe=describe,
    requirements=requirements,
    with_classes=with_classes,
    mappings=(
        KeyMapping(id="espnet", origin="segdemo", renames={ours: ours for ours in _BOTH.values()}),
        _sacmehta("espnet_sacmehta", _BOTH),
        _sacmehta("espnet_c_sacmehta", _encoder("")),
    ),
)
