"""Expected calibration error: how far probabilities are from how often they come true."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.images.masks import VOID

BINS = 15
"""Of equal width, as ``torchmetrics`` has them by default."""

Sums = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration:
    """By probability, each (BINS,): pixels, how many are true, the sum of what was said."""

    pixels: Sums
    true: Sums
    said: Sums

    @property
    def error(self) -> float:
        """The mean gap between what was said and what is true, by pixels; NaN for no pixel.

        ECE (Naeini et al. 2015) with the norm l1, as ``binary_calibration_error`` of torchmetrics
        1.9, which puts p = 1 into a bin of its own.
        """
        total = self.pixels.sum()
        return float(np.abs(self.said - self.true).sum() / total) if total else float("nan")

    def __add__(self, other: "Calibration") -> "Calibration":
        """Of both sets of pixels together."""
        return Calibration(
            pixels=self.pixels + other.pixels,
            true=self.true + other.true,
            said=self.said + other.said,
        )


def calibration(
    probabilities: npt.NDArray[np.float32], truth: npt.NDArray[np.uint8]
) -> Calibration:
    """Probabilities (H, W) against ``truth``: 1 what they are of, 0 the rest, VOID left out."""
    kept = truth != VOID
    said = probabilities[kept]
    bins = np.minimum((said * np.float32(BINS)).astype(np.intp), BINS - 1)
    return Calibration(
        pixels=np.bincount(bins, minlength=BINS).astype(np.float64),
        true=np.bincount(bins[truth[kept] == 1], minlength=BINS).astype(np.float64),
        said=np.bincount(bins, weights=said, minlength=BINS).astype(np.float64),
    )
