"""The names that code bases give the modules of a U-Net on an encoder, and what tensors hide."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segdemo.architectures.base import KeyMapping
from segdemo.architectures.parts.conv_unit import row_names
from segdemo.architectures.parts.data_sets import IMAGENET
from segdemo.architectures.parts.vgg import vgg16

Renames = dict[str, str | None]

_VGG_11 = (1, 1, 2, 2, 2)
_VGG_16 = tuple(map(len, vgg16()))
_DEEPEST = 5  # how TernausNet numbers its features, from 1 on


def _canonical() -> Renames:
    rows = (
        "encoder.blocks.{n}",
        "bottom",
        "full",
        "steps.{n}.before",
        "steps.{n}.lateral",
        "steps.{n}.after",
    )
    paths = [f"{row}.{{k}}.{part}" for row in rows for part in ("conv", "norm")]
    paths += [f"encoder.stages.{{n}}.{{k}}.{part}{{i}}" for part in ("conv", "norm")]
    paths += ["encoder.stages.{n}.{k}.shortcut.{i}", "encoder.stem_conv", "encoder.stem_norm"]
    paths += ["steps.{n}.up", "steps.{n}.up_norm", "head"]
    return {path: path for path in paths}


def _sequential_places(depths: Sequence[int]) -> list[list[int]]:
    """Where the convolutions of each block stand in torchvision's Sequential, norms left out."""
    places, place = [], 0
    for depth in depths:
        places.append([place + 2 * k for k in range(depth)])
        place += 2 * depth + 1  # a ReLU behind each convolution, a pooling behind the block
    return places


def _vgg(path: str, depths: Sequence[int]) -> Renames:
    """torchvision's features under ``path``."""
    return {
        f"{path}.{place}": f"encoder.blocks.{n}.{k}.conv"
        for n, places in enumerate(_sequential_places(depths))
        for k, place in enumerate(places)
    }


def _resnet(stem: tuple[str, str], stages: Mapping[str, str]) -> Renames:
    """torchvision's ResNet; ``stages`` maps their names of a stage to our number of it."""
    renames: Renames = {stem[0]: "encoder.stem_conv", stem[1]: "encoder.stem_norm"}
    for theirs, number in stages.items():
        ours = f"encoder.stages.{number}.{{k}}"
        renames[f"{theirs}.{{k}}.conv{{i}}"] = f"{ours}.conv{{i}}"
        renames[f"{theirs}.{{k}}.bn{{i}}"] = f"{ours}.norm{{i}}"
        renames[f"{theirs}.{{k}}.downsample.{{i}}"] = f"{ours}.shortcut.{{i}}"
    return renames


def _unused(renames: Renames) -> Renames:
    """The same names explained as no part of the network."""
    return dict.fromkeys(renames, None)


_PLAIN_RESNET = _resnet(("conv1", "bn1"), {"layer{n}": "{n-1}"})


def _under(path: str, renames: Renames) -> Renames:
    return {f"{path}.{theirs}": ours for theirs, ours in renames.items()}


def _joined(theirs: str, ours: str) -> Renames:
    """Two convolutions after a join, called conv1 and conv2."""
    return row_names(f"{ours}.after", (f"{theirs}.conv1", ""), (f"{theirs}.conv2", ""))


_BUBBLIIIING_VGG: Renames = {
    **_vgg("vgg.features", _VGG_16),
    "vgg.classifier.{n}": None,
    **_joined("up_concat{n}", "steps.{~n}"),
    "final": "head",
}

_BUBBLIIIING_RESNET: Renames = {
    **_under("resnet", _PLAIN_RESNET),
    "resnet.fc": None,
    **_joined("up_concat{n}", "steps.{~n}"),
    # One more step, to the image's size: nothing is joined there.
    "up_conv.1": "steps.4.after.0.conv",
    "up_conv.3": "steps.4.after.1.conv",
    "final": "head",
}


def _ternaus_decoder(*, transposed: bool, steps: int) -> Renames:
    """Blocks center, dec5, dec4 and so on; each joins at its start, ours at their end.

    With transposed convolutions a block is a convolution and the way up, without them the
    way up and two convolutions.
    """
    renames: Renames = {"final": "head"}
    last = _DEEPEST - steps + 1
    for n in range(steps):
        block = "center.block" if n == 0 else f"dec{_DEEPEST + 1 - n}.block"
        if transposed:
            renames[f"{block}.0.conv"] = (
                "bottom.0.conv" if n == 0 else f"steps.{n - 1}.after.0.conv"
            )
            renames[f"{block}.1"] = f"steps.{n}.up"
        else:
            renames[f"{block}.1.conv"] = f"steps.{n}.before.0.conv"
            renames[f"{block}.2.conv"] = f"steps.{n}.before.1.conv"
    renames[f"dec{last}.conv"] = f"steps.{steps - 1}.after.0.conv"
    return renames


# Its layers once more, as the encoder from which they were taken.
_UNET11: Renames = {
    **_unused(_vgg("encoder", _VGG_11)),
    "conv1": "encoder.blocks.0.0.conv",
    "conv2": "encoder.blocks.1.0.conv",
    "conv{n}s": "encoder.blocks.{n-1}.0.conv",
    "conv{n}": "encoder.blocks.{n-1}.1.conv",
    **_ternaus_decoder(transposed=True, steps=5),
}


def _sequentials(depths: Sequence[int]) -> Renames:
    """Each block of a VGG as a Sequential: conv1.0, conv1.2 and so on."""
    return {
        f"conv{n + 1}.{2 * k}": f"encoder.blocks.{n}.{k}.conv"
        for n, depth in enumerate(depths)
        for k in range(depth)
    }


def _ternaus_vgg(depths: Sequence[int], *, transposed: bool) -> Renames:
    return {
        **_unused(_vgg("encoder", depths)),
        **_sequentials(depths),
        **_ternaus_decoder(transposed=transposed, steps=5),
    }


def _albunet(*, transposed: bool) -> Renames:
    return {
        **_unused(_under("encoder", _PLAIN_RESNET)),
        "encoder.fc": None,
        **_resnet(("conv1.0", "conv1.1"), {"conv{n}": "{n-2}"}),
        **_ternaus_decoder(transposed=transposed, steps=6),
    }


_USUYAMA_RESNET: Renames = {
    # The network from which the layers were taken, and a list of them.
    **_unused(_under("base_model", _PLAIN_RESNET)),
    "base_model.fc": None,
    **_unused(_resnet(("base_layers.0", "base_layers.1"), {"base_layers.{n}": "0"})),
    "base_layers.9": None,
    **_resnet(("layer0.0", "layer0.1"), {"layer1.1": "0", "layer{n}": "{n-1}"}),
    "layer4_1x1.0": "bottom.0.conv",
    "layer3_1x1.0": "steps.0.lateral.0.conv",
    "layer2_1x1.0": "steps.1.lateral.0.conv",
    "layer1_1x1.0": "steps.2.lateral.0.conv",
    "layer0_1x1.0": "steps.3.lateral.0.conv",
    "conv_up{n}.0": "steps.{~n}.after.0.conv",
    "conv_original_size0.0": "full.0.conv",
    "conv_original_size1.0": "full.1.conv",
    "conv_original_size2.0": "steps.4.after.0.conv",
    "conv_last": "head",
}

_BILINEAR = {"interpolation": "bilinear_aligned"}
_BUBBLIIIING = {**_BILINEAR, "join": "skip_first"}
_ONE_BY_ONE = {"postprocessing": {"activation": "sigmoid"}}
_TERNAUS = {"preprocessing": IMAGENET}


def _is(
    *, encoder: str, joins: int, alone: int = 0, kernel: int | None = None
) -> Callable[[Any], bool]:
    """On this encoder, with so many steps that join and then some that do not.

    Without norms on the way up, with a convolution before a 1x1 head, and with transposed
    convolutions of this kernel, or none.
    """

    def fits(config: Any) -> bool:
        ups = {config.up_kernel if step.up_width else None for step in config.steps}
        return bool(
            hasattr(config.encoder, "stages") == (encoder == "resnet")
            and [step.skip for step in config.steps] == [True] * joins + [False] * alone
            and ups == {kernel}
            and config.steps[-1].after
            and not config.norm
            and config.head_kernel == 1
        )

    return fits


MAPPINGS: tuple[KeyMapping, ...] = (
    KeyMapping(id="encoder_unet", origin="segdemo", renames=_canonical()),
    KeyMapping(
        id="bubbliiiing_unet_vgg",
        origin="bubbliiiing/unet-pytorch",
        renames=_BUBBLIIIING_VGG,
        known=_BUBBLIIIING,
        fits=_is(encoder="vgg", joins=4),
    ),
    KeyMapping(
        id="bubbliiiing_unet_vgg_linear",
        origin="bubbliiiing/unet-pytorch before it had ReLUs on the way up",
        renames=_BUBBLIIIING_VGG,
        known={**_BUBBLIIIING, "relu": False},
        fits=_is(encoder="vgg", joins=4),
    ),
    KeyMapping(
        id="bubbliiiing_unet_resnet",
        origin="bubbliiiing/unet-pytorch",
        renames=_BUBBLIIIING_RESNET,
        known={**_BUBBLIIIING, "stem_pool": "ceil"},
        fits=_is(encoder="resnet", joins=4, alone=1),
    ),
    KeyMapping(
        id="ternausnet_unet11",
        origin="ternaus/TernausNet",
        renames=_UNET11,
        fits=_is(encoder="vgg", joins=5, kernel=3),
        recipe=_TERNAUS,
    ),
    KeyMapping(
        id="ternausnet_unet11_sequential",
        origin="ternaus/robot-surgery-segmentation",
        renames=_ternaus_vgg(_VGG_11, transposed=True),
        fits=_is(encoder="vgg", joins=5, kernel=4),
        recipe=_TERNAUS,
    ),
    KeyMapping(
        id="ternausnet_unet16",
        origin="ternaus/TernausNet",
        renames=_ternaus_vgg(_VGG_16, transposed=False),
        fits=_is(encoder="vgg", joins=5),
        recipe=_TERNAUS,
    ),
    KeyMapping(
        id="ternausnet_unet16_transposed",
        origin="ternaus/TernausNet and ternaus/robot-surgery-segmentation",
        renames=_ternaus_vgg(_VGG_16, transposed=True),
        fits=_is(encoder="vgg", joins=5, kernel=4),
        recipe=_TERNAUS,
    ),
    KeyMapping(
        id="albunet",
        origin="ternaus/robot-surgery-segmentation",
        renames=_albunet(transposed=False),
        known={"stem_pool": "plain"},
        fits=_is(encoder="resnet", joins=4, alone=2),
        recipe=_TERNAUS,
    ),
    KeyMapping(
        id="albunet_transposed",
        origin="ternaus/robot-surgery-segmentation",
        renames=_albunet(transposed=True),
        known={"stem_pool": "plain"},
        fits=_is(encoder="resnet", joins=4, alone=2, kernel=4),
        recipe=_TERNAUS,
    ),
    KeyMapping(
        id="usuyama_resnet_unet",
        origin="usuyama/pytorch-unet",
        renames=_USUYAMA_RESNET,
        known=_BILINEAR,
        fits=_is(encoder="resnet", joins=5),
        # Its classes overlap: one sigmoid each.
        recipe={"preprocessing": IMAGENET, **_ONE_BY_ONE},
    ),
)
