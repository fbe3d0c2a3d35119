"""What the files beside a checkpoint say of its images and classes, as far as it is sensible.

They never say which network it is: names and types in them are often wrong, tensors are not.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from segdemo.errors import SpecError
from segdemo.libraries import folders
from segdemo.spec import SegmentationSpec

NAMES = folders.NAMES
"""The files that are read, the most specific first."""

Layer = dict[str, dict[str, Any]]
"""A spec in its JSON form, or a part of one."""

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 16  # several times what these files have; Python tires of more
_MAX_DIGITS = 15  # of a whole number; arithmetic with more may fail
_MAX_NAME = 80
_MOST_OF_UNIT = 2  # the mean of what was divided by 255 is below it
_CLASSES = ("classes", "class_names", "label_names", "labels", "names", "id2label")
_INNER = ("hyper_parameters", "hparams", "config", "args", "meta")
_PLACEHOLDER = re.compile(r"LABEL_\d+")

# Numbers by which Pillow and OpenCV call the filters.
_PILLOW: dict[float, str] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
_OPENCV: dict[float, str] = {0: "nearest", 1: "bilinear", 2: "bicubic", 4: "lanczos"}
# Image processors for which one number is the shorter side.
_BY_SHORTEST = ("Mask", "OneFormer", "Detr", "Eomt", "MobileViT", "MobileNetV2")
_ACTIVATIONS = {"sigmoid": "sigmoid", "softmax": "softmax", "softmax2d": "softmax"}


def neighbours(path: Path, *, in_channels: int, classes: int) -> list[tuple[str, Layer]]:
    """The names of the files beside ``path`` that say something, with what they say.

    A statement that does not fit a network of so many channels and classes is left out, and so
    is whatever cannot be read. Never raises.
    """
    layers = [(name, _layer(path.with_name(name), in_channels, classes)) for name in NAMES]
    return [(name, layer) for name, layer in layers if layer]


def saved_words(
    content: object, metadata: Mapping[str, str], *, in_channels: int, classes: int
) -> Layer:
    """What a checkpoint says of itself under usual names beside its tensors.

    ``content`` is what was saved, where a dictionary may hold names of classes, mean, std,
    threshold and activation beside the state dict, or in its own hyper-parameters; ``metadata``
    is that of a safetensors file, whose values are texts. What is not sensible is left out.
    """
    words: dict[str, Any] = {key: _word(value) for key, value in metadata.items()}
    if isinstance(content, Mapping):
        inner = (content.get(name) for name in _INNER)
        for holder in (*(one for one in inner if isinstance(one, Mapping)), content):
            words.update({key: value for key, value in holder.items() if isinstance(key, str)})
    return _joined(_usual(words), in_channels, classes)


def _word(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_whole) if len(text) <= _MAX_BYTES else None
    except (ValueError, RecursionError):
        return text


def _usual(words: Mapping[str, Any]) -> Iterator[Layer]:
    """The statements under the names that people give them."""
    for name in _CLASSES:
        value = words.get(name)
        if isinstance(value, Mapping):
            value = [value.get(number, value.get(str(number))) for number in range(len(value))]
        if isinstance(value, list | tuple) and value and all(map(_is_name, value)):
            yield {"postprocessing": {"classes": list(value)}}
            break
    activation = words.get("activation")
    if isinstance(activation, str) and activation.lower() in _ACTIVATIONS:
        yield {"postprocessing": {"activation": _ACTIVATIONS[activation.lower()]}}
    threshold = words.get("threshold")
    if _is_number(threshold) and 0 < threshold < 1:
        yield {"postprocessing": {"threshold": threshold}}
    mean, std = (
        list(value) if isinstance(value, tuple) else value
        for value in (words.get("mean"), words.get("std"))
    )
    if _are_numbers(mean) and _are_numbers(std) and mean and std:
        # Numbers of 0..255 are for pixels as they are.
        divisor = 1.0 if max(map(abs, mean)) > _MOST_OF_UNIT else 255.0
        yield {"preprocessing": {"divisor": divisor, "mean": mean, "std": std}}


def description(path: Path) -> Mapping[str, Any]:
    """The config.json beside ``path``; {} where none can be read. Never raises."""
    return _document(path.with_name("config.json"))


def parsed(content: bytes) -> Mapping[str, Any]:
    """The JSON object in the content of such a file; {} for anything else. Never raises."""
    try:
        document = json.loads(content, parse_int=_whole) if len(content) <= _MAX_BYTES else {}
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) and _is_shallow(document) else {}


def _layer(path: Path, in_channels: int, classes: int) -> Layer:
    read = {
        "config.json": _config,
        "preprocessor_config.json": _preprocessor,
        "processor_config.json": _processor,
    }
    statements = read.get(path.name, _albumentations)(_document(path))
    return _joined(statements, in_channels, classes)


def _joined(statements: Iterable[Layer], in_channels: int, classes: int) -> Layer:
    layer: Layer = {}
    for statement in statements:
        if _is_sensible(statement, in_channels, classes):
            for part, values in statement.items():
                layer.setdefault(part, {}).update(values)
    return layer


def _document(path: Path) -> Mapping[str, Any]:
    """The JSON object in a file; {} for anything else."""
    try:
        # A pipe of that name would wait for ever.
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return {}
        with path.open("rb") as file:
            return parsed(file.read(_MAX_BYTES))
    except OSError:
        return {}


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(digits)
    return int(digits)


def _is_shallow(document: Mapping[str, Any]) -> bool:
    level: list[Any] = [document]
    for _ in range(_MAX_DEPTH):
        values = [list(one.values()) if isinstance(one, dict) else one for one in level]
        level = [one for several in values for one in several if isinstance(one, dict | list)]
    return not level


def _is_sensible(statement: Layer, in_channels: int, classes: int) -> bool:
    try:
        SegmentationSpec.resolve([("", statement)])
    except SpecError:
        return False
    values = {**statement.get("preprocessing", {}), **statement.get("postprocessing", {})}
    if classes == 1 and values.get("activation") == "softmax":
        return False  # of one class it is 1 everywhere
    numbers_fit = all(
        len(values[name]) in (1, 3, in_channels) for name in ("mean", "std") if name in values
    )
    return numbers_fit and len(values.get("classes", range(classes))) == classes


def _config(document: Mapping[str, Any]) -> Iterator[Layer]:
    """Of transformers and of segmentation_models.pytorch."""
    labels = document.get("id2label")
    if isinstance(labels, dict):
        names = [labels.get(str(number)) for number in range(len(labels))]
        if all(map(_is_name, names)):
            yield {"postprocessing": {"classes": names}}
    activation = document.get("activation")
    if isinstance(activation, str) and activation in _ACTIVATIONS:
        yield {"postprocessing": {"activation": _ACTIVATIONS[activation]}}


def _is_name(name: object) -> bool:
    """One line that somebody wrote: transformers fills in LABEL_0 where nobody did."""
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _MAX_NAME:
        return False
    return _PLACEHOLDER.fullmatch(name) is None


def _processor(document: Mapping[str, Any]) -> Iterator[Layer]:
    """Of transformers from 5 on, which saves an image processor inside of a processor."""
    inside = document.get("image_processor")
    if isinstance(inside, dict):
        yield from _preprocessor(inside)


def _preprocessor(document: Mapping[str, Any]) -> Iterator[Layer]:
    """Of transformers' image processors."""
    if document.get("do_normalize") is False:
        yield {"preprocessing": {"mean": [0.0], "std": [1.0]}}
    elif "image_mean" in document and "image_std" in document:
        mean, std = document["image_mean"], document["image_std"]
        yield {"preprocessing": {"mean": mean, "std": std}}
    factor = document.get("rescale_factor")
    if document.get("do_rescale") is False:
        yield {"preprocessing": {"divisor": 1.0}}
    elif _is_number(factor) and factor > 0:
        yield {"preprocessing": {"divisor": _rounded(1 / factor)}}
    if document.get("do_resize") is False:
        yield {"preprocessing": {"resize": "none"}}
    else:
        yield from _resizing(document)
    if document.get("do_flip_channel_order") is True:
        yield {"preprocessing": {"channels": "bgr"}}
    divisor = document.get("size_divisor", document.get("pad_size_divisor"))
    if _is_number(divisor) and divisor > 1:
        yield {"preprocessing": {"multiple_of": divisor}}
    resample = document.get("resample")
    if _is_number(resample) and resample in _PILLOW:
        yield {"preprocessing": {"resample": _PILLOW[resample]}}


def _resizing(document: Mapping[str, Any]) -> Iterator[Layer]:
    """The size in the words of every version, and what else decides what is made of it."""
    size, most = document.get("size"), document.get("max_size")
    kind = str(document.get("image_processor_type", document.get("feature_extractor_type")))
    if _is_number(size) and (_is_number(most) or kind.startswith(_BY_SHORTEST)):
        # Once a bare number was the shorter side for some, the side of a square for others.
        size = {"shortest_edge": size, "longest_edge": most or 0}
    if document.get("keep_aspect_ratio") is True and isinstance(size, dict):
        # Of both factors the library takes the one nearer to 1, so that both sides reach it.
        size = {"shortest_edge": min(size.get("height", 0), size.get("width", 0))}
        multiple = document.get("ensure_multiple_of")
        if _is_number(multiple):
            yield {"preprocessing": {"multiple_of": multiple}}
    yield from _size(size)


def _size(size: object) -> Iterator[Layer]:
    """One number and a pair of equal ones make a square, another pair a rectangle."""
    if isinstance(size, dict):
        if {"height", "width"} <= size.keys():
            size = [size["height"], size["width"]]
        elif "shortest_edge" in size:
            shortest = {"resize": "shortest", "side": size["shortest_edge"]}
            yield {"preprocessing": {**shortest, "longest": size.get("longest_edge") or 0}}
        elif "longest_edge" in size:
            yield {"preprocessing": {"resize": "longest", "side": size["longest_edge"]}}
    if isinstance(size, list) and len(size) == 2 and size[0] == size[1]:
        size = size[0]
    if isinstance(size, list) and len(size) == 2:
        yield {"preprocessing": {"resize": "stretch", "side": size[1], "height": size[0]}}
    if _is_number(size):
        yield {"preprocessing": {"resize": "stretch", "side": size}}


def _rounded(divisor: float) -> float:
    """255 where a rounded factor such as 0.0039 means it."""
    return 255.0 if abs(divisor - 255) < 2 else divisor


def _albumentations(document: Mapping[str, Any]) -> Iterator[Layer]:
    """Of albumentations, as segmentation_models.pytorch saves it."""
    pipeline = document.get("transform")
    steps = pipeline.get("transforms") if isinstance(pipeline, dict) else None
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict) and step.get("p", 1) == 1:
            yield from _step(step)


def _step(step: Mapping[str, Any]) -> Iterator[Layer]:
    name = str(step.get("__class_fullname__")).rpartition(".")[2]
    if name == "Normalize" and step.get("normalization", "standard") == "standard":
        yield from _normalisation(step)
    elif name == "Resize":
        yield from _size([step.get("height"), step.get("width")])
    elif name in ("LongestMaxSize", "SmallestMaxSize"):
        rule = "longest" if name == "LongestMaxSize" else "shortest"
        yield {"preprocessing": {"resize": rule, "side": step.get("max_size")}}
    elif name == "PadIfNeeded" and step.get("pad_height_divisor") == step.get("pad_width_divisor"):
        yield {"preprocessing": {"multiple_of": step.get("pad_height_divisor")}}
    interpolation = step.get("interpolation")
    if _is_number(interpolation) and interpolation in _OPENCV:
        yield {"preprocessing": {"resample": _OPENCV[interpolation]}}


def _normalisation(step: Mapping[str, Any]) -> Iterator[Layer]:
    """``(x - mean * most) / (std * most)``: the same numbers are written for 255 and for 1."""
    most = step.get("max_pixel_value", 255.0)
    mean, std = step.get("mean"), step.get("std")
    if _is_number(most) and _are_numbers(mean) and _are_numbers(std):
        scale = most / 255
        yield {
            "preprocessing": {
                "divisor": 255.0,
                "mean": [value * scale for value in mean],
                "std": [value * scale for value in std],
            }
        }


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_numbers(values: object) -> TypeGuard[list[float]]:
    return isinstance(values, list) and all(map(_is_number, values))
