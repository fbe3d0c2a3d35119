"""Names do not matter: random U-Nets under random names are recognised exactly."""

import random
import string
from dataclasses import replace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segdemo.architectures import u_shape
from segdemo.architectures.u_shape.config import (
    BlockConfig,
    ConvConfig,
    LevelConfig,
    UpConfig,
    UShapeConfig,
)
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError

RARE = 0.05
"""The share of networks that may be taken for nothing, never for another."""


@st.composite
def configs(draw):
    """U-Nets of all kinds, small."""
    depth, width = draw(st.integers(1, 5)), draw(st.sampled_from((4, 6, 8)))
    count, kernel = draw(st.integers(1, 3)), draw(st.sampled_from((3, 3, 3, 5, 7)))
    norm, bias = draw(st.booleans()), draw(st.booleans())
    kind = draw(st.sampled_from(("transposed", "transposed", "resize", "resize_conv")))
    up_norm, side = draw(st.booleans()), draw(st.sampled_from((2, 2, 2, 4)))
    conv = ConvConfig(out=0, kernel=kernel, bias=bias or not norm, norm=norm)
    recurrent = count == 2 and kernel == 3 and draw(st.booleans())
    widths = [width * 2**level for level in range(depth + 1)]

    def block(out):
        convs = tuple(replace(conv, out=out) for _ in range(count))
        project = ConvConfig(out=out, kernel=1, norm=False) if recurrent else None
        return BlockConfig(convs=convs, project=project)

    def level(out, above):
        up = ConvConfig(out=out, kernel=side, bias=True, norm=up_norm)
        if kind == "resize_conv":
            up = replace(up, kernel=3)
        return LevelConfig(
            up=UpConfig(kind=kind, conv=None if kind == "resize" else up), block=block(out)
        )

    return UShapeConfig(
        in_channels=draw(st.sampled_from((1, 3))),
        encoder=tuple(map(block, widths)),
        decoder=tuple(level(out, None) for out in widths[-2::-1]),
        head=ConvConfig(out=draw(st.integers(1, 3)), kernel=1, norm=False),
        join="up_first",
    )


def renamed(state_dict, seed, *, whole):
    """The same tensors in the same order; ``whole`` names have no module in them."""
    generator = random.Random(seed)
    names = {}

    def name(path):
        letters = "".join(generator.choices(string.ascii_lowercase, k=8))
        return names.setdefault(path, letters)

    if whole:
        return {name(key): tensor for key, tensor in state_dict.items()}
    return {
        f"{name(key.rpartition('.')[0])}.{key.rpartition('.')[2]}": tensor
        for key, tensor in state_dict.items()
    }


def is_in_place(detection, state_dict):
    """Whether each of our names holds the very tensor that had it before the renaming."""
    return all(
        detection.tensors[name].untyped_storage()._cdata == tensor.untyped_storage()._cdata
        for name, tensor in state_dict.items()
    )


def shown(config):
    """What tensors tell of a configuration."""
    return config.in_channels, config.encoder, config.decoder, config.head


def test_random_names_are_recognised_exactly_or_not_at_all():
    seen = {"exact": 0, "refused": 0, "other": []}

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(configs(), st.integers(0, 2**16), st.booleans())
    def look(config, seed, whole):
        with torch.device("meta"):
            state_dict = u_shape.UShape(config).state_dict()
        try:
            detection = detect(renamed(state_dict, seed, whole=whole))
        except UnknownNetworkError:
            seen["refused"] += 1
            return
        readings = (detection, *detection.alternatives)
        if shown(detection.config) == shown(config) and is_in_place(detection, state_dict):
            seen["exact"] += 1
        elif not any(
            shown(reading.config) == shown(config) and is_in_place(reading, state_dict)
            for reading in readings
        ):
            seen["other"].append((config, detection.config))

    look()
    total = seen["exact"] + seen["refused"] + len(seen["other"])
    assert not seen["other"], seen["other"][0]
    assert seen["exact"] >= (1 - RARE) * total, seen
