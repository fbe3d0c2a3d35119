"""Pairs images with masks by name and splits them into training and validation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segdemo.errors import TrainingError
from segdemo.images.formats import PICTURE_ENDINGS
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


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """All pairs of a training, and what has no partner."""

    pairs: tuple[Pair, ...]
    """Those to judge by come last."""
    judging: int
    """How many these are, where they lie in folders of their own."""
    pictures_alone: tuple[str, ...]
    masks_alone: tuple[str, ...]


def gather(images: Path, masks: Path, validation: tuple[Path, Path] | None) -> Gathered:
    """The pairs of the folders to train on and of those to judge by. Raises TrainingError."""
    pairs = find_pairs(images, masks)
    alone = [left_out(images, masks, pairs)]
    judging: tuple[Pair, ...] = ()
    if validation is not None:
        judging = find_pairs(*validation, fewest=1)
        alone.append(left_out(*validation, judging))
    return Gathered(
        pairs=(*pairs, *judging),
        judging=len(judging),
        pictures_alone=tuple(name for both in alone for name in both[0]),
        masks_alone=tuple(name for both in alone for name in both[1]),
    )


def find_pairs(images: Path, masks: Path, *, fewest: int = 2) -> tuple[Pair, ...]:
    """Files of one name in two folders, whatever their endings; ``a.gif`` or ``a_mask.gif``.

    Files without a partner are left out. Raises TrainingError for a folder that is absent or
    given twice, for two files of one name, and when there are fewer than ``fewest`` pairs.
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
    if len(pairs) < fewest:
        raise TrainingError("finetune_one_pair", name=pairs[0].name)
    return tuple(pairs)


def left_out(
    images: Path, masks: Path, pairs: Sequence[Pair]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the images without a mask, and of the masks without an image."""
    taken = {path for pair in pairs for path in (pair.picture, pair.mask)}

    def alone(folder: Path) -> tuple[str, ...]:
        return tuple(
            printable(path.name)
            for path in _by_stem(folder).values()
            if path not in taken and path.suffix.lower() in PICTURE_ENDINGS
        )

    return alone(images), alone(masks)


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


def require_classes(labels: Sequence[frozenset[int]], classes: int) -> None:
    """Raises TrainingError for a class that is in no image of a training set."""
    for label in range(classes):
        if not any(label in here for here in labels):
            raise TrainingError("finetune_class_absent", label=label, highest=classes - 1)


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
