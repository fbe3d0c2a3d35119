"""Loaded networks on their device: kept by bytes, one run at a time, memory given back in need."""

import gc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from typing import Protocol, TypeVar

import torch
from PIL import Image

from segdemo.devices import device_name, free_memory, select_device
from segdemo.errors import PredictionError
from segdemo.segmenter import Prediction, Segmenter, load
from segdemo.settings import Settings

_Result = TypeVar("_Result")
_MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a predictor runs on and what it holds."""

    device: str
    precision: str
    loaded: tuple[Path, ...]
    megabytes: float


class Predictor(Protocol):
    """What the page and the command line need of whoever runs the networks."""

    def load(self, path: Path) -> Segmenter:
        """The network of a checkpoint, ready to run. Raises CheckpointError."""

    def predict(self, path: Path, picture: Image.Image) -> Prediction:
        """Run a checkpoint's network on a picture. Raises CheckpointError or PredictionError."""

    def status(self) -> Status:
        """Device, precision and memory."""


class Pool:
    """The predictor of this machine: the least recently used networks leave first."""

    def __init__(self, settings: Settings) -> None:
        """Choose the device. Raises SettingsError when the one asked for is absent."""
        self._settings = settings
        self._device = select_device(settings.device)
        self._segmenters: OrderedDict[tuple[Path, int], Segmenter] = OrderedDict()
        # Two networks at once would share the same cores or memory and only be slower.
        self._device_lock = Lock()
        self._cache_lock = RLock()

    def load(self, path: Path) -> Segmenter:
        """The network of a checkpoint, from the cache unless the file has changed since."""
        key = (path, path.stat().st_mtime_ns if path.exists() else 0)
        with self._cache_lock:
            if key not in self._segmenters:
                self._segmenters[key] = load(
                    path, device=str(self._device), settings=self._settings
                )
                self._evict_beyond(self._settings.cache_megabytes * _MEGABYTE)
            self._segmenters.move_to_end(key)
            return self._segmenters[key]

    def predict(self, path: Path, picture: Image.Image) -> Prediction:
        """Run one network; when memory runs out, drop the others and try once more."""
        with self._device_lock:
            segmenter = self.load(path)
            done, prediction = _unless_out_of_memory(lambda: segmenter.predict(picture))
            if not done:
                # Outside the failed frame, whose traceback would keep its tensors alive.
                self._evict_beyond(segmenter.byte_size)
                gc.collect()
                free_memory(self._device)
                done, prediction = _unless_out_of_memory(lambda: segmenter.predict(picture))
            if not done or prediction is None:
                width, height = picture.size
                raise PredictionError(
                    "prediction_out_of_memory",
                    width=width,
                    height=height,
                    device=device_name(self._device),
                )
            return prediction

    def status(self) -> Status:
        """What is loaded now."""
        with self._cache_lock:
            return Status(
                device=device_name(self._device),
                precision="fp32",
                loaded=tuple(path for path, _ in self._segmenters),
                megabytes=self._bytes / _MEGABYTE,
            )

    @property
    def _bytes(self) -> int:
        return sum(segmenter.byte_size for segmenter in self._segmenters.values())

    def _evict_beyond(self, limit: int) -> None:
        """Forget networks, the least recently used first, but never the newest."""
        with self._cache_lock:
            while len(self._segmenters) > 1 and self._bytes > limit:
                self._segmenters.popitem(last=False)


def _unless_out_of_memory(run: Callable[[], _Result]) -> tuple[bool, _Result | None]:
    try:
        return True, run()
    except torch.OutOfMemoryError:
        return False, None
    except RuntimeError as error:
        # The CPU's allocator has no exception class of its own.
        if "can't allocate memory" in str(error) or "not enough memory" in str(error):
            return False, None
        raise
