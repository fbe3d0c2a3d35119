"""Graphs in every form in which people publish them give what their source network gives."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

import segdemo
from segdemo.architectures import ARCHITECTURES
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.inference.processing import resized
from tests.code_bases import randomised
from tests.graphs.graph_files import MEAN, STD, Wrapped, scores_of, write
from tests.small_configs import CONFIGS

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

VALUES = {"divisor": 255.0, "mean": MEAN, "std": STD}
ODD = (99, 70)
"""Width and height of the image: no multiple of anything."""


def _unet(classes: int = 1, channels: int = 3) -> nn.Module:
    return UNet(UNetConfig.standard(width=4, depth=2, classes=classes, in_channels=channels))


def _ours(family: str) -> nn.Module:
    build = next(one.build for one in ARCHITECTURES if one.id == family)
    return build(CONFIGS[family])


def _smp(decoder: str) -> nn.Module:
    smp = pytest.importorskip("segmentation_models_pytorch")
    encoder = "mobilenet_v2"
    return smp.create_model(decoder, encoder, encoder_weights=None, classes=2)


def _segformer() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.SegformerConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16, num_labels=5, attn_implementation="eager",
    )  # fmt: skip
    return transformers.SegformerForSemanticSegmentation(config)


@dataclass(frozen=True, kw_only=True)
class Form:
    """A network as somebody exported it."""

    source: Callable[[], nn.Module]
    around: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    """Height and width that the export fixed."""
    activation: str = "sigmoid"
    told: tuple[str, ...] = ()
    """Fields that the graph itself decides."""
    outputs: tuple[str, ...] = ("mask",)
    tolerance: float = 1e-4
    known: bool = False
    """Whether it is a network whose authors prepare images otherwise than is usual."""


ACTIVATION, DIVISOR, SIDE = (
    "postprocessing.activation",
    "preprocessing.divisor",
    ("preprocessing.side"),
)
FORMS = {
    "free": Form(source=_unet),
    "fixed": Form(source=_unet, size=(64, 64), told=(SIDE,)),
    "fixed, no square": Form(source=_unet, size=(48, 80), told=(SIDE,)),
    "grey": Form(source=partial(_unet, channels=1)),
    "channels last": Form(source=_unet, around=("nhwc",)),
    "channels last, fixed, answer too": Form(
        source=partial(_unet, classes=3), around=("nhwc", "last"), size=(64, 64),
        activation="softmax",
    ),
    "bytes, channels last": Form(
        source=_unet, around=("nhwc", "uint8", "divides", "normalises"), told=(DIVISOR,),
        tolerance=4e-3,
    ),
    "bytes, fixed": Form(
        source=_unet, around=("uint8", "divides", "normalises"), size=(64, 64), told=(DIVISOR,),
        tolerance=4e-3,
    ),
    "divides by 255": Form(source=_unet, around=("divides", "normalises"), told=(DIVISOR,)),
    "normalises": Form(source=_unet, around=("normalises",), told=(DIVISOR,)),
    "half precision": Form(source=_unet, around=("fp16",), tolerance=2e-2),
    "probabilities": Form(source=_unet, around=("sigmoid",), told=(ACTIVATION,)),
    "probabilities of classes": Form(
        source=partial(_unet, classes=3), around=("softmax", "last"), activation="softmax",
        told=(ACTIVATION,),
    ),
    "without channels": Form(source=_unet, around=("sigmoid", "squeezed"), told=(ACTIVATION,)),
    "a quarter of the size": Form(
        source=partial(_unet, classes=3), around=("quarter",), activation="softmax",
    ),
    "labels": Form(
        source=partial(_unet, classes=3), around=("argmax",), activation="labels",
        told=(ACTIVATION,),
    ),
    "labels with a channel, fixed": Form(
        source=partial(_unet, classes=3), around=("argmax", "keepdim"), activation="labels",
        size=(64, 64), told=(ACTIVATION,),
    ),
    "whether a threshold is reached": Form(
        source=_unet, around=("threshold", "squeezed"), activation="threshold", told=(ACTIVATION,)
    ),
    "several outputs": Form(
        source=partial(_unet, classes=3), around=("several",), activation="softmax",
        outputs=("aux", "logits", "labels"),
    ),
    "u2net": Form(source=partial(_ours, "u2net"), size=(64, 64), known=True),
    "isnet": Form(source=partial(_ours, "isnet"), size=(64, 64), known=True),
    "torchvision": Form(source=partial(_ours, "torchvision"), size=(64, 64), activation="softmax"),
    "deeplab": Form(source=partial(_ours, "deeplab"), activation="softmax"),
    "smp unet": Form(source=partial(_smp, "unet"), activation="softmax"),
    "smp fpn": Form(source=partial(_smp, "fpn"), size=(64, 64), activation="softmax"),
    "segformer": Form(source=_segformer, size=(64, 64), activation="softmax"),
}  # fmt: skip


def picture() -> Image.Image:
    """Smooth, so that two ways to resize differ by little."""
    rng = np.random.default_rng(3)
    small = Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8))
    return small.resize(ODD, Image.Resampling.BICUBIC)


def expected(form: Form, network: nn.Module, channels: int) -> Tensor:
    """By the source network and PyTorch alone: (K, H, W) at the size that the network sees."""
    image, size = picture(), form.size
    if size is not None:
        image = Image.fromarray(resized(image, (max(size),) * 2, "bilinear"))
    if channels == 1:
        image = image.convert("L")
    x = torch.from_numpy(np.array(image)).float().reshape(1, image.height, image.width, channels)
    mean, std = (torch.tensor(v) if channels == 3 else v[:1][0] for v in (MEAN, STD))
    x = x / 255 if channels == 1 else (x / 255 - mean) / std
    x = x.permute(0, 3, 1, 2)
    height, width = image.height, image.width
    if size is not None and size[0] != size[1]:
        x = functional.interpolate(x, size, mode="bilinear", antialias=True)
    padded = x if size else functional.pad(x, (0, -width % 32, 0, -height % 32), mode="reflect")
    with torch.inference_mode():
        y = network(padded)
    y = scores_of(y)
    if "quarter" in form.around:
        y = functional.avg_pool2d(y, 4)
    if y.shape[2:] != padded.shape[2:]:
        y = functional.interpolate(y, padded.shape[2:], mode="bilinear")
    if size is not None and size[0] != size[1]:
        y = functional.interpolate(y, (max(size),) * 2, mode="bilinear")
    y = y[:, :, :height, :width]
    if form.activation == "labels":
        return functional.one_hot(y.argmax(1), y.shape[1])[0].permute(2, 0, 1)
    if form.activation == "threshold":
        return (y.sigmoid() >= 0.5)[0]
    return (y.sigmoid() if y.shape[1] == 1 else y.softmax(1))[0]


def exported(form: Form, network: nn.Module, path, channels: int):
    height, width = form.size or (64, 96)
    example = torch.rand(1, channels, height, width)
    if "nhwc" in form.around:
        example = example.permute(0, 2, 3, 1)
    if "uint8" in form.around:
        example = (example * 255).to(torch.uint8)
    free = () if form.size else (0, 1, 2) if "nhwc" in form.around else (0, 2, 3)
    inner = network.half() if "fp16" in form.around else network
    wrapped = Wrapped(inner, *form.around)
    return write(wrapped, path, example, free=free, outputs=form.outputs)


def test_every_form_gives_what_its_source_network_gives(tmp_path):
    wrong = {}
    for name, form in FORMS.items():
        torch.manual_seed(0)
        network = randomised(form.source())
        channels = 1 if name == "grey" else 3
        truth = expected(form, network, channels).float()
        path = exported(form, network, tmp_path / f"{len(wrong)}{name}.onnx", channels)
        overrides = {"preprocessing": VALUES} if form.known else {}
        segmenter = segdemo.load(path, device="cpu", overrides=overrides)
        found = torch.from_numpy(segmenter.predict(picture()).probabilities)
        if found.shape != truth.shape:
            wrong[name] = f"{tuple(found.shape)} where {tuple(truth.shape)} was expected"
            continue
        if form.activation in ("labels", "threshold"):
            share = (found != truth).float().mean().item()
            difference = 0.0 if share < 0.01 else share
        else:
            difference = (found - truth).abs().max().item()
        if not difference <= form.tolerance:
            wrong[name] = f"differs by {difference:.2g}"
        origins = segmenter.spec.origins
        untold = [field for field in form.told if origins[field] != "graph"]
        if untold:
            wrong[name] = f"the graph does not tell {untold}: {dict(origins)}"
    assert not wrong
    assert len(FORMS) >= 20
