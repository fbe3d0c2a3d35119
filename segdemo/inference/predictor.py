"""What the page and the command line need of whoever runs the networks."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from segdemo.images.measured import Given
from segdemo.inference.prediction import Prediction
from segdemo.spec import NO_OVERRIDES, Overrides

if TYPE_CHECKING:
    from segdemo.inference.segmenter import Segmenter


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a predictor runs on and what it holds."""

    device: str
    precision: str
    loaded: tuple[Path, ...]
    megabytes: float


class Predictor(Protocol):
    """What the page and the command line need of whoever runs the networks."""

    def load(self, path: Path, overrides: Overrides = NO_OVERRIDES) -> "Segmenter":
        """The network of a checkpoint read in a way, ready to run. Raises CheckpointError."""

    def predict(
        self, path: Path, picture: Given, overrides: Overrides = NO_OVERRIDES
    ) -> Prediction:
        """Run a checkpoint's network on an image. Raises CheckpointError or PredictionError."""

    def status(self) -> Status:
        """Device, precision and memory."""
