"""Which reading of a checkpoint brings an image nearest to what its batch norms remember.

One image orders readings and decides nothing. Measured on shipped checkpoints with eight images of
their task and eight others each, and on small networks that were trained for it: 0..255 instead of
normalised values, or the other way round, is farther in the first norms on every image; values
divided by 255 alone instead of ImageNet's nearly always; -1..1 instead of these only in two of
three; BGR, twice or half the size, and each image's own mean and deviation are as often nearer as
farther. So what the first layer tells of the scale comes first, which does tell -1..1 from
ImageNet's, and the image after it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image
from torch import Tensor, nn

from segdemo.architectures.parts.data_sets import IMAGENET
from segdemo.checkpoints.evidence.divergence import divergences
from segdemo.checkpoints.evidence.scales import CONTRADICTION, doubt
from segdemo.engine.devices import upload
from segdemo.engine.foreign import ForeignNetwork
from segdemo.images.decode import decode
from segdemo.inference.processing import prepare
from segdemo.inference.segmenter import Segmenter
from segdemo.spec import Preprocessing

SIDE = 256
"""Pixels of the part of an image that is looked at, its middle."""
FIRST_NORMS = 3
"""So many norms see the image itself, before it is turned into what the task is about."""
UNLIKE = 2.75
"""So far from the first norms under every reading, an image is unlike those of the training.
None of 64 images of the shipped checkpoints' tasks is (2.57 at most), 5 of 64 others are."""

CLOSE = 1.1
"""Distances of a smaller ratio tell nothing: interpolation and activations differ by as little."""

_DOUBTS = (math.log(3), math.log(CONTRADICTION))
"""Beyond the first, other values are likelier; beyond the second, these are spoken against."""

_PLAIN = {"mean": [0.0], "std": [1.0], "channels": "rgb", "standardise": "none"}
USUAL_VALUES: Mapping[str, Mapping[str, Any]] = {
    "unit": {**_PLAIN, "divisor": 255.0},
    "imagenet": {**_PLAIN, **IMAGENET, "divisor": 255.0},
    "signed": {**_PLAIN, "mean": [0.5], "std": [0.5], "divisor": 255.0},
    "maximum": {**_PLAIN, "divisor": "maximum"},
    "raw": {**_PLAIN, "divisor": 1.0},
    "imagenet_undivided": {**_PLAIN, **IMAGENET, "divisor": 1.0},
    "zscore": {**_PLAIN, "divisor": 255.0, "standardise": "image"},
}
"""What is commonly done with the values of an image, in the spec's JSON form."""


@dataclass(frozen=True, kw_only=True)
class Nearness:
    """How far an image's features are from what the norms remember, read in one way."""

    distance: float
    """Mean divergence over all norms: 0 where they agree, about 1 is far."""
    first: float
    """The same over the first ones."""
    doubt: float
    """By how much the first layer finds other values likelier, see ``scales.doubt``; infinite for
    a network that the norms have ruled out."""

    @property
    def order(self) -> tuple[int, float]:
        """The smaller, the likelier the reading: what the first layer tells comes first."""
        return sum(self.doubt > level for level in _DOUBTS), self.distance


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A reading and how near it comes."""

    name: str
    """"now", a key of ``USUAL_VALUES``, "bgr", or the id of another reading of the tensors."""
    nearness: Nearness


def nearness(segmenter: Segmenter, image: Image.Image) -> Nearness | None:
    """How near an RGB image comes, read as ``segmenter`` does; one small forward.

    None for a network without batch norms, and one that does not take the image.
    """
    return _nearness(segmenter, _twin(segmenter, segmenter.network), image)


def standings(segmenter: Segmenter, image: Image.Image) -> tuple[Standing, ...]:
    """The usual readings of values and order, and other networks, the likeliest first.

    The one that holds now is among them as "now". Empty where there is no evidence.
    """
    if image.mode != "RGB" or image.info:
        image = decode(image, max_megapixels=math.inf)
    found = [
        Standing(name=name, nearness=near)
        for name, near in _standings(segmenter, image)
        if near is not None
    ]
    return tuple(sorted(found, key=lambda standing: standing.nearness.order))


def is_unlike(found: Sequence[Standing]) -> bool:
    """Whether no reading brings the image near to what the network was trained on."""
    return bool(found) and all(one.nearness.first > UNLIKE for one in found)


def _standings(segmenter: Segmenter, image: Image.Image) -> Iterator[tuple[str, Nearness | None]]:
    network = _twin(segmenter, segmenter.network)
    yield "now", _nearness(segmenter, network, image)
    now = segmenter.spec.preprocessing
    values = {
        **USUAL_VALUES,
        "bgr": {"channels": "rgb" if now.channels == "bgr" else "bgr"},
    }
    if segmenter.detection.config.in_channels == 1:
        del values["bgr"]  # It sees every image in grey.
    for name, words in values.items():
        other = segmenter.with_overrides({"preprocessing": words})
        if _same_values(other.spec.preprocessing, now):
            continue
        yield name, _nearness(other, network, image)
    for detection in segmenter.detection.alternatives:
        other = _reading_as(segmenter, detection.id)
        twin = _twin(other, segmenter.network)
        near = _nearness(other, twin, image)
        if near is not None and segmenter.evidence.against_reading(detection):
            near = replace(near, doubt=math.inf)
        yield detection.id, near


def _same_values(one: Preprocessing, other: Preprocessing) -> bool:
    def values(words: Preprocessing) -> tuple[Any, ...]:
        mean, std = (set(numbers) for numbers in (words.mean, words.std))
        same = len(mean) == len(std) == 1
        numbers = (words.mean[0], words.std[0]) if same else (words.mean, words.std)
        return (words.channels, words.standardise, words.divisor, *numbers)

    return values(one) == values(other)


def _reading_as(segmenter: Segmenter, name: str) -> Segmenter:
    """The segmenter with the detection of that name."""
    others = {other.id: other for other in segmenter.detection.alternatives}
    twin = segmenter.with_overrides({})
    twin.detection = replace(others[name], alternatives=())
    return twin


def _twin(segmenter: Segmenter, weights: nn.Module) -> nn.Module | None:
    """A network of its own with the weights of another, so that nobody else runs into hooks.

    None where those are not all that it needs, and for what another runtime computes.
    """
    if isinstance(weights, ForeignNetwork):
        return None
    network = segmenter.detection.without_weights().build()
    try:
        network.load_state_dict(weights.state_dict(), strict=True, assign=True)
    except RuntimeError:
        return None
    return network.eval().requires_grad_(False)


def _nearness(
    segmenter: Segmenter, network: nn.Module | None, image: Image.Image
) -> Nearness | None:
    config, architecture = segmenter.detection.config, segmenter.detection.architecture
    if network is None or config.in_channels not in (1, 3):
        return None
    prepared = prepare(
        image,
        segmenter.spec.preprocessing,
        in_channels=config.in_channels,
        requirements=architecture.requirements(config),
        max_side=segmenter.max_side,
    )
    found = divergences(
        network, upload(_middle(segmenter, prepared.tensor), segmenter.device), restored=False
    )
    if not found:
        return None
    first, inputs = found[:FIRST_NORMS], segmenter.evidence.inputs
    return Nearness(
        distance=sum(found) / len(found),
        first=sum(first) / len(first),
        doubt=doubt(inputs, segmenter.spec.preprocessing) if inputs else 0.0,
    )


def _middle(segmenter: Segmenter, images: Tensor) -> Tensor:
    """The part of (1, C, H, W) that is looked at, of a size that the network takes."""
    needs = segmenter.detection.architecture.requirements(segmenter.detection.config)
    side = needs.side(SIDE)
    height, width = images.shape[2:]
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    return images[:, :, top : top + side, left : left + side]
