"""What a network says of each of its classes, as files for the browser."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segdemo.images.palettes import class_colours, palette_for
from segdemo.inference.ground import is_ground
from segdemo.inference.maps import quantise, winners
from segdemo.inference.prediction import Prediction
from segdemo.strings import text
from segdemo.ui.viewer.map_files import cache_atlas, cache_map
from segdemo.ui.viewer.payload import MAX_CLASSES, ClassMaps
from segdemo.wording import one_line

if TYPE_CHECKING:
    from segdemo.inference.segmenter import Segmenter

_NAME_CHARACTERS = 60
_MAX_CELLS = 64_000_000
"""Of all maps together: a byte each in the browser."""


def class_maps(
    segmenter: "Segmenter", prediction: Prediction, size: tuple[int, int]
) -> ClassMaps | None:
    """Winners and maps of all classes at ``size`` (width, height).

    The maps are smaller where they would take too much memory. None for networks of one or two
    classes, whose one map says everything, and of more than MAX_CLASSES.
    """
    count = len(prediction.probabilities)
    if not 2 < count <= MAX_CLASSES:
        return None
    atlas_size = _atlas_size(size, count)
    atlas = np.empty((count, *atlas_size[::-1]), np.uint8)
    if atlas_size == size:
        labels = winners(_kept(prediction.classes_at(size), atlas), count)
    else:
        labels = prediction.labels_at(size)
        for _ in _kept(prediction.classes_at(atlas_size), atlas):
            pass
    palette = palette_for(segmenter.class_names, count)
    return ClassMaps(
        names=class_names(segmenter),
        colours=class_colours(segmenter.class_names, count, palette),
        palette=palette,
        background=prediction.background,
        hidden=_hidden(segmenter),
        labels=cache_map(labels.astype(np.uint8)),
        atlas=cache_atlas(atlas),
    )


def class_names(segmenter: "Segmenter") -> tuple[str, ...]:
    """What to call each class, in one line; by number where its name is not known."""
    known = segmenter.class_names
    return tuple(
        (one_line(known[number], limit=_NAME_CHARACTERS) or "?")
        if known
        else text("class_number", number=number)
        for number in range(segmenter.class_count)
    )


def _hidden(segmenter: "Segmenter") -> tuple[int, ...]:
    """The background, unless the names say that there is none."""
    names, background = segmenter.class_names, segmenter.background
    is_one = not names or is_ground(names[background])
    return (background,) if is_one else ()


def _kept(
    maps: Iterator[npt.NDArray[np.float32]], atlas: npt.NDArray[np.uint8]
) -> Iterator[npt.NDArray[np.float32]]:
    """The maps, each of which is also put quantised into its place of the atlas."""
    for place, probabilities in zip(atlas, maps, strict=True):
        place[:] = quantise(probabilities)
        yield probabilities


def _atlas_size(size: tuple[int, int], count: int) -> tuple[int, int]:
    width, height = size
    factor = min(1.0, math.sqrt(_MAX_CELLS / (count * width * height)))
    return max(1, math.floor(width * factor)), max(1, math.floor(height * factor))
