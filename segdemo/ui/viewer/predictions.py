"""Caches the latest predictions, so that files made of one need no second run."""

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from segdemo.images.measured import Given
from segdemo.inference.prediction import Prediction
from segdemo.inference.predictor import Predictor
from segdemo.spec import Overrides

if TYPE_CHECKING:
    from segdemo.inference.segmenter import Segmenter

MAX_BYTES = 512_000_000

Key = tuple[str, Path, int, Overrides]
"""The digest of an image, a file and when it changed, and how it is read."""


class Predictions:
    """Kept by bytes, the least recently used leave first; safe to ask from several threads."""

    def __init__(self, predictor: Predictor, max_bytes: int = MAX_BYTES) -> None:
        """``predictor`` runs the networks."""
        self._predictor = predictor
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Key, Prediction] = OrderedDict()
        self._lock = Lock()

    def of(
        self, picture: Given, digest: str, path: Path, overrides: Overrides
    ) -> "tuple[Segmenter, Prediction]":
        """What a checkpoint says of an image, run only where that is not known.

        ``digest`` identifies the image. Raises CheckpointError or PredictionError.
        """
        key = key_of(digest, path, overrides)
        with self._lock:
            prediction = self._kept.get(key)
        if prediction is None:
            prediction = self._predictor.predict(path, picture, overrides)
        self._keep(key, prediction)
        return self._predictor.load(path, overrides), prediction

    def kept(self, digest: str, path: Path, overrides: Overrides) -> Prediction | None:
        """What is known already of an image; None where the network would have to run."""
        with self._lock:
            return self._kept.get(key_of(digest, path, overrides))

    def _keep(self, key: Key, prediction: Prediction) -> None:
        with self._lock:
            self._kept[key] = prediction
            self._kept.move_to_end(key)
            while sum(kept.probabilities.nbytes for kept in self._kept.values()) > self._max_bytes:
                self._kept.popitem(last=False)


def key_of(digest: str, path: Path, overrides: Overrides) -> Key:
    """What two answers have in common that are the same."""
    return digest, path, path.stat().st_mtime_ns if path.exists() else 0, overrides
