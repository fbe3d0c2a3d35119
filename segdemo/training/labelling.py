"""How the masks of a training set are labels: one reading for all of them, by the one reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from segdemo.errors import PictureError, TrainingError
from segdemo.images.annotations.beside import Beside
from segdemo.images.masks import VOID, DataSetReading, Labels, Notice, TruthMask, read_data_set
from segdemo.wording import printable

MOST_CLASSES = 64
"""Of a training set, that of the ground included."""
_MANY = 8


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """What the values of all masks of a training set stand for."""

    data_set: DataSetReading
    classes: int
    """How many labels there are, that of the ground included."""
    thing: int | None
    """The label of the one thing beside the ground; None where there are several."""
    max_megapixels: float

    @classmethod
    def of(
        cls, masks: Sequence[Path], *, max_megapixels: float, reading: str | None = None
    ) -> "Labelling":
        """What the masks, taken together, can only mean; or the ``reading`` of this name.

        Raises TrainingError when one cannot be read, when all pixels are alike, and when they
        hold more classes than anybody trains on.
        """

        def fail(number: int, error: PictureError) -> None:
            raise _refused(masks[number], error) from error

        try:
            data_set = read_data_set(
                (partial(_content, path) for path in masks),
                max_megapixels=max_megapixels,
                reading=reading,
                failed=fail,
            )
        except PictureError as error:
            raise TrainingError("finetune_masks_unclear", reason=str(error)) from error
        census = data_set.census
        labels = {data_set.reading.label_of(value) for value in census.values}
        labels.update({0, 1} if data_set.reading.cut is not None else set())
        said = sorted(labels - {VOID})
        if len(said) < 2:
            value = ", ".join(f"{value:g}" for value in census.values[:2])
            raise TrainingError("finetune_masks_empty", value=value)
        if len(said) == 2:
            return cls(data_set=data_set, classes=2, thing=said[1], max_megapixels=max_megapixels)
        if said[-1] >= MOST_CLASSES:
            raise TrainingError(
                "finetune_mask_values", count=len(said), highest=said[-1], limit=MOST_CLASSES - 1
            )
        return cls(
            data_set=data_set, classes=said[-1] + 1, thing=None, max_megapixels=max_megapixels
        )

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was decided about all masks."""
        return self.data_set.reading.notices

    @property
    def told(self) -> tuple[Notice, ...]:
        """The same, with a doubt where many classes that nobody has named may be one, counted."""
        if self.classes <= _MANY:
            return self.notices
        doubt = Notice(key="finetune_many_classes", facts={"count": self.classes})
        return (*self.notices, doubt)

    def mask(self, path: Path, beside: Beside | None = None) -> TruthMask:
        """A mask as all are read; ``beside`` is its image. Raises TrainingError."""
        try:
            return self.data_set.read(
                _content(path), max_megapixels=self.max_megapixels, beside=beside
            )
        except PictureError as error:
            raise _refused(path, error) from error

    def labels(self, mask: TruthMask) -> Labels:
        """(H, W): 0 for the ground, 1 for a single thing, VOID where the mask says nothing."""
        return mask.labels if self.thing is None else mask.of_class(self.thing)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PictureError("picture_missing", name=printable(path.name)) from error


def _refused(path: Path, error: PictureError) -> TrainingError:
    return TrainingError("finetune_mask", name=printable(path.name), reason=str(error))
