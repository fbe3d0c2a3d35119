"""Confusion matrices of several classes, and the scores that follow from them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from segdemo.images.masks import VOID
from segdemo.metrics.curves import Counts, Shares, shares
from segdemo.metrics.scores import BY_NAME


@dataclass(frozen=True, eq=False, kw_only=True)
class Confusion:
    """Pixels by what they are and by the class found; VOID ones not counted."""

    counts: Counts
    """(classes + 1, classes): the last row is of labels that the network has no class for."""

    @cached_property
    def accuracy(self) -> float:
        """The share of pixels whose class is right; NaN where the truth says nothing at all."""
        total = int(self.counts.sum())
        return int(np.trace(self.counts)) / total if total else float("nan")

    @cached_property
    def ious(self) -> Shares:
        """(classes,): intersection over union; NaN for a class that is neither found nor there."""
        right = np.diag(self.counts)
        return shares(right, self.counts.sum(0) + self.counts[:-1].sum(1) - right)

    def score(self, name: str) -> Shares:
        """(classes,): the one of ``PIXEL_SCORES`` of this name, of each class against the rest."""
        parts = BY_NAME[name].parts
        assert parts is not None
        right = np.diag(self.counts)
        wrong = self.counts.sum(0) - right
        missed = self.counts[:-1].sum(1) - right
        return shares(*parts(right, wrong, missed, self.counts.sum() - right - wrong - missed))

    def mean(self, name: str) -> float:
        """The mean of a score over the classes of which it is defined; NaN where there are none."""
        values = self.score(name)
        known = values[~np.isnan(values)]
        return float(known.mean()) if known.size else float("nan")

    @cached_property
    def mean_iou(self) -> float:
        """Over the classes that are found or there; NaN where there are none."""
        known = self.ious[~np.isnan(self.ious)]
        return float(known.mean()) if known.size else float("nan")


def confusion(
    found: npt.NDArray[np.integer], labels: npt.NDArray[np.integer], classes: int
) -> Confusion:
    """Classes 0..classes - 1 that were ``found`` against ``labels``, both (H, W)."""
    if found.shape != labels.shape:
        raise ValueError(f"{found.shape} and {labels.shape} are no two answers for one picture.")
    said = labels != VOID
    rows = np.minimum(labels[said], classes).astype(np.int64)
    counts = np.bincount(rows * classes + found[said], minlength=(classes + 1) * classes)
    return Confusion(counts=counts.reshape(classes + 1, classes))
