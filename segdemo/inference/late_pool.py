"""The predictor of this machine, for which PyTorch is imported once a network is needed."""

import sys
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from segdemo import inference
from segdemo.images.measured import Given
from segdemo.inference.prediction import Prediction
from segdemo.inference.predictor import Predictor, Status
from segdemo.settings import Settings
from segdemo.spec import NO_OVERRIDES, Overrides
from segdemo.strings import text

if TYPE_CHECKING:
    from segdemo.inference.segmenter import Segmenter

_GPUS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""What drivers of GPUs open on Linux: NVIDIA's, the same under Windows (WSL), AMD's."""


def local_predictor(settings: Settings) -> Predictor:
    """The pool of this machine; PyTorch is imported for it when a network is first needed.

    At once where there may be a GPU or a setting chooses the device, so that the page can name it.
    Raises SettingsError when that is not to be had.
    """
    on_cpu = settings.device == "cpu" or (settings.device is None and not _may_have_gpu())
    if on_cpu and settings.precision == Settings.precision:
        return LatePool(settings)
    return inference.Pool(settings)


def _may_have_gpu() -> bool:
    return sys.platform != "linux" or any(Path(device).exists() for device in _GPUS)


class LatePool:
    """A pool on the CPU that is made when it is first asked for a network."""

    def __init__(self, settings: Settings) -> None:
        """Imports nothing yet."""
        self._settings = settings
        self._lock = Lock()
        self._pool: Predictor | None = None

    def load(self, path: Path, overrides: Overrides = NO_OVERRIDES) -> "Segmenter":
        """As ``Pool.load``."""
        return self.made().load(path, overrides)

    def predict(
        self, path: Path, picture: Given, overrides: Overrides = NO_OVERRIDES
    ) -> Prediction:
        """As ``Pool.predict``."""
        return self.made().predict(path, picture, overrides)

    def status(self) -> Status:
        """What is loaded now; before the first network how many threads there are is not known."""
        if self._pool is not None:
            return self._pool.status()
        precision = self._settings.precision
        return Status(device=text("device_cpu_later"), precision=precision, loaded=(), megabytes=0)

    def made(self) -> Predictor:
        """The pool, made by whoever comes first."""
        with self._lock:
            if self._pool is None:
                self._pool = inference.Pool(self._settings)
            return self._pool
