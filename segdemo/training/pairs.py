"""Pairs images with masks by name and splits them into training and validation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segdemo.errors import TrainingError
from segdemo.wording import printable

_MASK_ENDING = "_mask"
_VALIDATION_SHARE = 5
"""One image in so many is kept aside."""
_MOST_VALIDATION = 50
"""More would only take time."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An image and the mask that a person drew of it."""

    picture: Path
    mask: Path

    @property
    def name(self) -> str:
        """For sentences."""
        return printable(self.picture.name)


def find_pairs(images: Path, masks: Path) -> tuple[Pair, ...]:
    """Files of one name in two folders, whatever their endings; ``a.gif`` or ``a_mask.gif``.

    Files without a partner are left out. Raises TrainingError for a folder that is absent or
    given twice, for two files of one name, and when there are fewer than two pairs.
    """
    if images.resolve() == masks.resolve():
        raise TrainingError("finetune_folders", name=printable(images.name))
    drawn = _by_stem(masks)
    pairs = []
    for stem, picture in sorted(_by_stem(images).items()):
        mask = drawn.get(stem) or drawn.get(stem + _MASK_ENDING)
        if mask is not None:
            pairs.append(Pair(picture=picture, mask=mask))
    if not pairs:
        raise TrainingError(
            "finetune_no_pairs", images=printable(images.name), masks=printable(masks.name)
        )
    if len(pairs) == 1:
        raise TrainingError("finetune_one_pair", name=pairs[0].name)
    return tuple(pairs)


def _by_stem(folder: Path) -> dict[str, Path]:
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise TrainingError("finetune_folder_absent", name=printable(str(folder))) from error
    found: dict[str, Path] = {}
    for path in files:
        if path.name.startswith("."):
            continue
        if path.stem in found:
            first, second = printable(found[path.stem].name), printable(path.name)
            raise TrainingError("finetune_twice", first=first, second=second)
        found[path.stem] = path
    return found


def split(
    labels: Sequence[frozenset[int]], classes: int, seed: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of the images to train on, and of those kept aside: a fifth, at least one.

    ``labels`` holds the labels that occur in each image. Every class is in the first part,
    if it takes an image from the second. Raises TrainingError for a class that is nowhere.
    """
    order = np.random.default_rng([seed, 3]).permutation(len(labels)).tolist()
    count = min(_MOST_VALIDATION, max(1, len(labels) // _VALIDATION_SHARE))
    aside, training = order[:count], order[count:]
    for label in range(classes):
        if any(label in labels[index] for index in training):
            continue
        holders = [index for index in aside if label in labels[index]]
        if not holders:
            raise TrainingError("finetune_class_absent", label=label, highest=classes - 1)
        if len(aside) == 1:
            # One image shows this class, and there is another to judge by.
            aside.append(training.pop())
        aside.remove(holders[0])
        training.append(holders[0])
    return tuple(training), tuple(aside)
