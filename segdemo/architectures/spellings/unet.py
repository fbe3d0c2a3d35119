"""The names that code bases give the modules of a U-Net, and what their tensors do not tell."""

from collections.abc import Callable
from typing import Any

from segdemo.architectures.base import KeyMapping
from segdemo.architectures.parts.data_sets import IMAGENET


def _block(theirs: str, ours: str, *, members: tuple[str, str, str, str]) -> dict[str, str]:
    """The names of a double convolution; ``members`` are conv, norm, conv, norm."""
    names = ("conv1", "norm1", "conv2", "norm2")
    return {
        f"{theirs}{member}": f"{ours}.{name}" for member, name in zip(members, names, strict=True)
    }


def _sequential(theirs: str, ours: str) -> dict[str, str]:
    """A double convolution that is one Sequential with its ReLUs."""
    return _block(theirs, ours, members=(".0", ".1", ".3", ".4"))


def _plain(theirs: str, ours: str, *, members: tuple[str, str]) -> dict[str, str]:
    """The names of a double convolution without norms."""
    return {
        f"{theirs}{member}": f"{ours}.{name}"
        for member, name in zip(members, ("conv1", "conv2"), strict=True)
    }


def _own(path: str) -> dict[str, str]:
    return _block(path, path, members=(".conv1", ".norm1", ".conv2", ".norm2"))


_CANONICAL = {
    **_own("encoder.{n}"),
    "decoder.{n}.up": "decoder.{n}.up",
    "decoder.{n}.up_norm": "decoder.{n}.up_norm",
    **_own("decoder.{n}.conv"),
    "head": "head",
}

_MILESIAL = {
    **_sequential("inc.double_conv", "encoder.0"),
    **_sequential("down{n}.maxpool_conv.1.double_conv", "encoder.{n}"),
    "up{n}.up": "decoder.{n-1}.up",
    **_sequential("up{n}.conv.double_conv", "decoder.{n-1}.conv"),
    "outc.conv": "head",
}

_MILESIAL_2018 = {
    **_sequential("inc.conv.conv", "encoder.0"),
    **_sequential("down{n}.mpconv.1.conv", "encoder.{n}"),
    "up{n}.up": "decoder.{n-1}.up",
    **_sequential("up{n}.conv.conv", "decoder.{n-1}.conv"),
    "outc.conv": "head",
}

_LABML = {
    "down_conv.{n}.first": "encoder.{n}.conv1",
    "down_conv.{n}.second": "encoder.{n}.conv2",
    "middle_conv.first": "encoder.{*}.conv1",
    "middle_conv.second": "encoder.{*}.conv2",
    "up_sample.{n}.up": "decoder.{n}.up",
    "up_conv.{n}.first": "decoder.{n}.conv.conv1",
    "up_conv.{n}.second": "decoder.{n}.conv.conv2",
    "final_conv": "head",
}


def _lab(*members: str) -> dict[str, str]:
    """The Carvana lab; ``members`` are the places in the Sequentials that it leaves to fill in."""
    names = ("conv1", "conv2") if len(members) == 2 else ("conv1", "norm1", "conv2", "norm2")
    renames = {"up_sample{n}": "decoder.{n-1}.up", "final_conv": "head"}
    for place, name in zip(members, names, strict=True):
        renames[f"down_conv{{n}}.{place}"] = f"encoder.{{n-1}}.{name}"
        renames[f"middle_conv.{place}"] = f"encoder.{{*}}.{name}"
        renames[f"mid_conv.{place}"] = f"encoder.{{*}}.{name}"  # as the lab's prose calls it
        renames[f"up_conv{{n}}.{place}"] = f"decoder.{{n-1}}.conv.{name}"
    return renames


def _zoo32(depth: int) -> dict[str, str]:
    """UNET-ZOO counts its blocks and its head through: conv1 to conv10 at depth 4."""
    renames = {f"conv{2 * depth + 2}": "head"}
    for level in range(depth + 1):
        renames |= _sequential(f"conv{level + 1}.conv", f"encoder.{level}")
    for level in range(depth):
        place = depth + 2 + level
        renames[f"up{place}"] = f"decoder.{level}.up"
        renames |= _sequential(f"conv{place}.conv", f"decoder.{level}.conv")
    return renames


def _tiny8(depth: int) -> dict[str, str]:
    """Counted through likewise, but for the transposed convolutions, which have a norm."""
    members = (".conv1", ".bn1", ".conv2", ".bn2")
    renames = {
        "deconv{n}.conv1": "decoder.{n-1}.up",
        "deconv{n}.bn1": "decoder.{n-1}.up_norm",
        f"layer{2 * depth + 2}_conv": "head",
    }
    for level in range(depth + 1):
        renames |= _block(f"layer{level + 1}_conv", f"encoder.{level}", members=members)
    for level in range(depth):
        place = depth + 2 + level
        renames |= _block(f"layer{place}_conv", f"decoder.{level}.conv", members=members)
    return renames


_BRAIN = {
    **_block(
        "encoder{n}.enc{n}",
        "encoder.{n-1}",
        members=("conv1", "norm1", "conv2", "norm2"),
    ),
    **_block(
        "bottleneck.bottleneck",
        "encoder.{*}",
        members=("conv1", "norm1", "conv2", "norm2"),
    ),
    "upconv{n}": "decoder.{~n}.up",
    **_block(
        "decoder{n}.dec{n}",
        "decoder.{~n}.conv",
        members=("conv1", "norm1", "conv2", "norm2"),
    ),
    "conv": "head",
}

# Levels and columns of UNet++, of which a U-Net is the first column and the last diagonal.
_NESTED = {
    **_block("conv{n}_0.", "encoder.{n}", members=("conv1", "bn1", "conv2", "bn2")),
    **_block("conv{n}_{k}.", "decoder.{k-1}.conv", members=("conv1", "bn1", "conv2", "bn2")),
    "final": "head",
}

_JAXONY = {
    **_plain("down_convs.{n}", "encoder.{n}", members=(".conv1", ".conv2")),
    "up_convs.{n}.upconv": "decoder.{n}.up",
    **_plain("up_convs.{n}", "decoder.{n}.conv", members=(".conv1", ".conv2")),
    "conv_final": "head",
}

_NIKHIL = {
    **_block("e{n}.conv.", "encoder.{n-1}", members=("conv1", "bn1", "conv2", "bn2")),
    **_block("b.", "encoder.{*}", members=("conv1", "bn1", "conv2", "bn2")),
    "d{n}.up": "decoder.{n-1}.up",
    **_block("d{n}.conv.", "decoder.{n-1}.conv", members=("conv1", "bn1", "conv2", "bn2")),
    "outputs": "head",
}

_USUYAMA = {
    **_plain("dconv_down{n}", "encoder.{n-1}", members=(".0", ".2")),
    **_plain("dconv_up{n}", "decoder.{~n}.conv", members=(".0", ".2")),
    "conv_last": "head",
}

# predict.py of milesial/Pytorch-UNet: half size, bicubic, divided by 255, no mean or deviation.
_CARVANA_SCALED = {"preprocessing": {"resize": "scale", "scale": 0.5, "resample": "bicubic"}}
# Resize(572) and ToTensor of torchvision.
_CARVANA_SHORTEST = {"preprocessing": {"resize": "shortest", "side": 572}}
# The retina's images as OpenCV reads them.
_RETINA = {"preprocessing": {"resize": "stretch", "side": 512, "channels": "bgr"}}
# Whoever has a sigmoid inside means one for each class, never a softmax.
_SIGMOID = {"postprocessing": {"activation": "sigmoid"}}
# main.py of UNET-ZOO: from -1 to 1.
_ZOO = {"preprocessing": {"mean": [0.5], "std": [0.5]}, **_SIGMOID}
# The volumes were standardised one by one; these are the average and deviation of them all.
_BRAIN_MRI = {
    "preprocessing": {
        "resize": "stretch",
        "side": 256,
        "mean": [0.09189, 0.0833, 0.08749],
        "std": [0.13539, 0.1238, 0.12927],
    },
    **_SIGMOID,
}

# The expanding path first; a skip that is larger is cropped about its centre.
_CROPPED = {"join": "up_first", "fit": "crop"}
# The encoder's map first; sizes have to fit.
_EXACT_SKIP = {"fit": "exact"}
# The expanding path first; sizes have to fit.
_EXACT = {"join": "up_first", "fit": "exact"}


def _is_classic(config: Any) -> bool:
    """The first version: bilinear or transposed, it never widens in the bottleneck."""
    if config.up == "transposed":
        return bool(config.widths[-1] == config.widths[-2])
    return bool(config.decoder_inner_widths == config.decoder_widths)


def _is_usual(config: Any) -> bool:
    """Batch norm in every block, a 1x1 head, plain upsampling.

    A norm without parameters leaves no tensors, so a file without any is not taken for a
    network without norms; of a larger head it is unknown how it pads.
    """
    return bool(config.norm and not config.up_norm and config.head_kernel == 1)


def _is_plain(config: Any) -> bool:
    """No norm anywhere, and a 1x1 head."""
    return bool(not config.norm and not config.up_norm and config.head_kernel == 1)


def _is_usual_and(condition: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda config: _is_usual(config) and condition(config)


def _of_depth(name: str, depth: int) -> str:
    """The first is the one that their code has; people deepen and flatten it."""
    return name if depth == 4 else f"{name}_depth{depth}"


MAPPINGS: tuple[KeyMapping, ...] = (
    KeyMapping(id="unet", origin="segdemo", renames=_CANONICAL),
    KeyMapping(
        id="unet_milesial",
        origin="milesial/Pytorch-UNet since 2021-12 (v3.0, v4.0)",
        renames=_MILESIAL,
        fits=_is_usual_and(lambda config: not config.bias),
        recipe=_CARVANA_SCALED,
    ),
    KeyMapping(
        id="unet_milesial_bias",
        origin="milesial/Pytorch-UNet 2020-05 to 2021-12 (v1.0, v2.0)",
        renames=_MILESIAL,
        fits=_is_usual_and(lambda config: config.bias and not _is_classic(config)),
        recipe=_CARVANA_SCALED,
    ),
    KeyMapping(
        id="unet_classic",
        origin="milesial/Pytorch-UNet before 2020-05 and tutorials after it",
        renames=_MILESIAL,
        fits=_is_usual_and(lambda config: config.bias and _is_classic(config)),
        recipe=_CARVANA_SCALED,
    ),
    KeyMapping(
        id="unet_milesial_2018",
        origin="milesial/Pytorch-UNet 2017-11 to 2019-10",
        renames=_MILESIAL_2018,
        fits=_is_usual,
        # From 2018-11 on the sigmoid stood inside the network, before that in predict.py. The
        # tensors do not tell, and need not: our network returns logits, the recipe the sigmoid.
        recipe={**_CARVANA_SCALED, **_SIGMOID},
    ),
    KeyMapping(
        id="unet_unpadded",
        origin="tutorials with the paper's unpadded convolutions",
        renames=_MILESIAL,
        known={"padding": 0},
        fits=_is_usual_and(
            lambda config: config.bias and config.up == "transposed" and not _is_classic(config)
        ),
    ),
    KeyMapping(
        id="unet_labml",
        origin="labmlai/annotated_deep_learning_paper_implementations",
        renames=_LABML,
        known=_CROPPED,
        fits=_is_plain,
        recipe=_CARVANA_SHORTEST,
    ),
    KeyMapping(
        id="unet_lab",
        origin="the Carvana lab of ZhouTimeMachine/2023_CV",
        renames=_lab("0", "2"),
        known=_CROPPED,
        fits=_is_plain,
        recipe=_CARVANA_SHORTEST,
    ),
    KeyMapping(
        id="unet_lab_norm",
        origin="the Carvana lab of ZhouTimeMachine/2023_CV, solved with batch norm",
        renames=_lab("0", "1", "3", "4"),
        known=_CROPPED,
        fits=_is_usual,
        recipe=_CARVANA_SHORTEST,
    ),
    *(
        KeyMapping(
            id=_of_depth("unet_zoo32", depth),
            origin="Andy-zhujunwen/UNET-ZOO",
            renames=_zoo32(depth),
            known=_EXACT,
            fits=_is_usual,
            recipe=_ZOO,
        )
        for depth in (4, 2, 3, 5)
    ),
    *(
        KeyMapping(
            id=_of_depth("unet_tiny8", depth),
            origin="the small grey U-Net of tutorials",
            renames=_tiny8(depth),
            known=_EXACT,
            # Its head is 3x3; a norm follows every convolution, the transposed ones included.
            fits=lambda config: config.norm and config.up_norm and config.head_kernel == 3,
            recipe=_SIGMOID,
        )
        for depth in (4, 2, 3, 5)
    ),
    KeyMapping(
        id="unet_brain",
        origin="mateuszbuda/brain-segmentation-pytorch",
        renames=_BRAIN,
        known=_EXACT,
        fits=_is_usual,
        recipe=_BRAIN_MRI,
    ),
    KeyMapping(
        id="unet_4uiiurz1",
        origin="4uiiurz1/pytorch-nested-unet",
        renames=_NESTED,
        known=_EXACT_SKIP,
        fits=_is_usual,
        # val.py: one sigmoid for each class.
        recipe=_SIGMOID,
    ),
    KeyMapping(
        id="unet_jaxony",
        origin="jaxony/unet-pytorch",
        renames=_JAXONY,
        known=_EXACT,
        fits=_is_plain,
    ),
    KeyMapping(
        id="unet_nikhil",
        origin="nikhilroxtomar/Retina-Blood-Vessel-Segmentation-in-PyTorch",
        renames=_NIKHIL,
        known=_EXACT,
        fits=_is_usual,
        recipe={**_RETINA, **_SIGMOID},
    ),
    KeyMapping(
        id="unet_usuyama",
        origin="usuyama/pytorch-unet",
        renames=_USUYAMA,
        known=_EXACT,
        fits=_is_plain,
        # Its classes overlap: one sigmoid each.
        recipe={"preprocessing": IMAGENET, **_SIGMOID},
    ),
)
