"""How images were scaled for training, told by the mean and deviation of a network's inputs.

Undone by each usual scaling, mean and deviation become those of the 8-bit images themselves,
divided by 255; and images are alike: a mean in (0, 1), and a deviation of about half of what
sqrt(mean (1 - mean)) allows, whatever they show. So most scalings would need impossible images,
and the others are weighed by how usual theirs are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from segdemo.architectures.parts.data_sets import IMAGENET
from segdemo.checkpoints.evidence.first_layer import TrainingInputs
from segdemo.spec import Preprocessing

Scale = Literal["raw", "raw_centred", "unit", "unit_centred", "signed", "standardised"]
"""0..255; that less the mean of many images; 0..1; that less 0.5; -1..1; ImageNet's or the
image's own mean and deviation, which these two numbers do not tell apart."""

LEAST_R_SQUARED = 0.9
"""Below it the norm does not follow the convolution, or its inputs had no mean: nothing is said.

With the norm right behind the convolution it was 1.00 in eleven shipped checkpoints and 0.95 to
1.00 in eight networks trained for a minute; of images less their own mean 0.12 and 0.88."""
LEAST_PROBABILITY = 0.65
"""Below it the scale is not told; of 20 networks, all told rightly, the least sure has 0.82."""

CONTRADICTION = 20.0
"""So many times likelier another scaling has to be before one is spoken against."""

_MEAN, _MEAN_SPREAD = 0.45, 0.2
_RATIO, _RATIO_SPREAD = math.log(0.5), 0.35
_TOLERANCE = 0.05  # of a mean, in parts of the whole range: it is solved, not measured


@dataclass(frozen=True, kw_only=True)
class _Scaling:
    """Images in [0, 1], less ``mean``, divided by ``std``."""

    scale: Scale
    mean: tuple[float, ...]
    std: tuple[float, ...]
    share: float
    """How usual it is."""
    words: Mapping[str, Any]
    """It in the spec's JSON form."""


def _words(divisor: float, mean: Sequence[float], std: Sequence[float]) -> dict[str, Any]:
    return {"divisor": divisor, "mean": list(mean), "std": list(std)}


_IMAGENET_MEAN, _IMAGENET_STD = tuple(IMAGENET["mean"]), tuple(IMAGENET["std"])
_IMAGENET_BYTES = tuple(255 * value for value in _IMAGENET_MEAN)

_SCALINGS = (
    _Scaling(
        scale="raw",
        mean=(0.0,),
        std=(1 / 255,),
        share=0.15,
        words=_words(1.0, [0.0], [1.0]),
    ),
    _Scaling(
        scale="raw_centred",
        mean=_IMAGENET_MEAN,
        std=(1 / 255,),
        share=0.05,
        words=_words(1.0, _IMAGENET_BYTES, [1.0]),
    ),
    _Scaling(scale="unit", mean=(0.0,), std=(1.0,), share=0.27, words=_words(255.0, [0.0], [1.0])),
    _Scaling(
        scale="unit_centred",
        mean=(0.5,),
        std=(1.0,),
        share=0.08,
        words=_words(255.0, [0.5], [1.0]),
    ),
    _Scaling(
        scale="signed", mean=(0.5,), std=(0.5,), share=0.15, words=_words(255.0, [0.5], [0.5])
    ),
    _Scaling(
        scale="standardised",
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
        share=0.3,
        words=_words(255.0, _IMAGENET_MEAN, _IMAGENET_STD),
    ),
)


@dataclass(frozen=True, kw_only=True)
class ToldScale:
    """A scale, and how sure it is."""

    scale: Scale
    probability: float
    """Among the usual scales; at most 1."""
    words: Mapping[str, Any]
    """``divisor``, ``mean`` and ``std`` in the spec's JSON form."""


def scale_of(inputs: TrainingInputs) -> ToldScale | None:
    """How the images behind ``inputs`` were scaled; None where that is not told."""
    if inputs.r_squared < LEAST_R_SQUARED:
        return None
    likelihoods = [scaling.share * math.exp(_fit(inputs, scaling)) for scaling in _SCALINGS]
    total = sum(likelihoods)
    best = max(range(len(_SCALINGS)), key=likelihoods.__getitem__)
    if not total or likelihoods[best] < LEAST_PROBABILITY * total:
        return None
    scaling = _SCALINGS[best]
    return ToldScale(
        scale=scaling.scale, probability=likelihoods[best] / total, words=scaling.words
    )


def speaks_against(inputs: TrainingInputs, preprocessing: Preprocessing) -> bool:
    """Whether images that are prepared so are far from what the network was trained on."""
    return doubt(inputs, preprocessing) > math.log(CONTRADICTION)


def doubt(inputs: TrainingInputs, preprocessing: Preprocessing) -> float:
    """How much likelier the likeliest of the usual scalings is, as a natural logarithm.

    At least 0; infinite where images prepared so are impossible, and 0 where nothing is told.
    """
    if inputs.r_squared < LEAST_R_SQUARED or preprocessing.standardise != "none":
        return 0.0
    divisor = 255.0 if preprocessing.divisor == "maximum" else preprocessing.divisor
    factor = divisor / 255  # from the values that are divided to images in [0, 1]
    ours = _Scaling(
        scale="unit",
        mean=tuple(value * factor for value in preprocessing.mean),
        std=tuple(value * factor for value in preprocessing.std),
        share=1.0,
        words={},
    )
    best = max(_fit(inputs, scaling) for scaling in _SCALINGS)
    return max(0.0, best - _fit(inputs, ours)) if best > -math.inf else 0.0


def _fit(inputs: TrainingInputs, scaling: _Scaling) -> float:
    """Logarithm of the density of such a mean and deviation, were the images scaled so."""
    channels = len(inputs.mean)
    total, means = 0.0, []
    for channel, (mean, deviation) in enumerate(zip(inputs.mean, inputs.deviation, strict=True)):
        std = _of(scaling.std, channel, channels)
        image_mean = mean * std + _of(scaling.mean, channel, channels)
        if not -_TOLERANCE < image_mean < 1 + _TOLERANCE:
            return -math.inf
        image_mean = min(max(image_mean, _TOLERANCE / 2), 1 - _TOLERANCE / 2)
        ratio = deviation * std / math.sqrt(image_mean * (1 - image_mean))
        total -= ((math.log(ratio) - _RATIO) / _RATIO_SPREAD) ** 2 / 2 / channels
        total += math.log(std) / channels
        means.append(image_mean)
    return total - ((sum(means) / channels - _MEAN) / _MEAN_SPREAD) ** 2 / 2


def _of(values: Sequence[float], channel: int, channels: int) -> float:
    """Of a channel; one number is that of all, and three are averaged for any other count."""
    if len(values) == channels:
        return values[channel]
    return sum(values) / len(values)
