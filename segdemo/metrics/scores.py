"""The scores of a mask against the ground truth: each one defined once, for all that show it.

What is 0/0 is NaN: there is nothing to find and nothing was found, or, of precision and recall, one
of the two. It is shown as a dash, null in JSON and empty in CSV; means leave it out. The libraries
of this field disagree here: torchmetrics 1.9 gives 0 in ``classification`` and NaN in
``segmentation``; MONAI 1.5 gives NaN wherever the truth is empty (``ignore_empty``), also where
something was found, which scores 0 here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from segdemo.strings import text

Pixels = Any
"""Numbers of pixels: whole numbers, or arrays of them of one shape."""
Parts = Callable[[Pixels, Pixels, Pixels, Pixels], tuple[Pixels, Pixels]]
"""True positives, false positives, false negatives, true negatives -> numerator, denominator."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One score in [0, 1]; the higher, the better."""

    name: str
    """As in JSON, CSV and the API."""
    parts: Parts | None = None
    """The quotient that it is; None for what is no quotient of pixels."""

    @property
    def label(self) -> str:
        """What people call it, in the current language."""
        return text(f"score_{self.name}")


PIXEL_SCORES = (
    Score(name="dice", parts=lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn)),
    Score(name="iou", parts=lambda tp, fp, fn, tn: (tp, tp + fp + fn)),
    Score(name="precision", parts=lambda tp, fp, fn, tn: (tp, tp + fp)),
    Score(name="recall", parts=lambda tp, fp, fn, tn: (tp, tp + fn)),
    Score(name="accuracy", parts=lambda tp, fp, fn, tn: (tp + tn, tp + fp + fn + tn)),
)
"""Of one class against the rest."""
BOUNDARY_F = Score(name="boundary_f")
"""Of one class: see ``metrics.outlines``."""
MEAN_IOU = Score(name="mean_iou")
"""Of several classes: the mean over those that are found or there; see ``metrics.confusion``."""

BY_NAME = {score.name: score for score in (*PIXEL_SCORES, BOUNDARY_F, MEAN_IOU)}
MASK_SCORES = tuple(score.name for score in (*PIXEL_SCORES, BOUNDARY_F))
"""Names of what one class is scored by, in the order in which they are shown."""
CLASS_SCORES = (MEAN_IOU.name, "accuracy")
"""Names of what several classes together are scored by, in the order in which they are shown."""
