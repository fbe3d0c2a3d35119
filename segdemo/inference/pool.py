"""Keeps loaded networks within a memory budget and runs them one at a time."""

import gc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar

from segdemo.engine.devices import (
    device_name,
    free_memory,
    is_out_of_memory,
    number_type,
    select_device,
)
from segdemo.engine.free_cores import FreeCores
from segdemo.engine.scheduler import DeviceScheduler
from segdemo.errors import CheckpointError, PredictionError, SegdemoError
from segdemo.hub.cached import is_cached
from segdemo.images.measured import Given
from segdemo.inference.prediction import Prediction
from segdemo.inference.predictor import Status
from segdemo.inference.segmenter import Segmenter, load
from segdemo.settings import Settings
from segdemo.spec import NO_OVERRIDES, Overrides

_Result = TypeVar("_Result")
_Version = tuple[int, int] | None
_Key = tuple[Path, str | None]
"""The file and what is assumed of it: words beyond that change no weights."""

_MEGABYTE = 1_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class _Kept:
    """A segmenter and the version of the file that it was read from."""

    segmenter: Segmenter
    version: _Version


class Pool:
    """The predictor of this machine: the least recently used networks leave first."""

    def __init__(self, settings: Settings) -> None:
        """Choose the device. Raises SettingsError when it or its precision is not to be had."""
        self._settings = settings
        self._device = select_device(settings.device)
        number_type(self._device, settings.precision)  # now, not at the first image
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        # One may load while another runs, and the status never waits for either.
        self._scheduler = DeviceScheduler(FreeCores())
        self._load_lock = Lock()
        self._kept_lock = Lock()

    def load(self, path: Path, overrides: Overrides = NO_OVERRIDES) -> Segmenter:
        """The network of a checkpoint, from the cache unless the file has changed since.

        Readings that assume the same share one network, whatever else they say.
        """
        key, version = (path, overrides.assume), _version(path)
        segmenter = self._find(key, version)
        if segmenter is None:
            with self._load_lock:
                # Whoever held the lock may have loaded it.
                segmenter = self._find(key, version) or self._load(key, version)
        spec = overrides.spec
        return segmenter.with_overrides(spec) if spec else segmenter

    def predict(
        self, path: Path, picture: Given, overrides: Overrides = NO_OVERRIDES
    ) -> Prediction:
        """Run one network; when memory runs out, drop the others and try once more."""
        segmenter = self.load(path, overrides)
        width, height = picture.size
        return self._with_retreat(
            (path, overrides.assume),
            lambda: segmenter.predict(picture, self._scheduler),
            PredictionError(
                "prediction_out_of_memory",
                width=width,
                height=height,
                device=device_name(self._device),
            ),
        )

    def status(self) -> Status:
        """What is loaded now."""
        with self._kept_lock:
            return Status(
                device=device_name(self._device),
                precision=self._settings.precision,
                loaded=tuple(dict.fromkeys(path for path, _ in self._kept)),
                megabytes=self._bytes / _MEGABYTE,
            )

    def _find(self, key: _Key, version: _Version) -> Segmenter | None:
        with self._kept_lock:
            kept = self._kept.get(key)
            if kept is None or kept.version != version:
                return None
            self._kept.move_to_end(key)
            return kept.segmenter

    def _load(self, key: _Key, version: _Version) -> Segmenter:
        path, assume = key
        device = str(self._device)
        segmenter = self._with_retreat(
            key,
            lambda: load(
                path,
                device=device,
                assume=assume,
                settings=self._settings,
                mmap=is_cached(path),
            ),
            CheckpointError(
                "checkpoint_out_of_memory", name=path.name, device=device_name(self._device)
            ),
        )
        with self._kept_lock:
            self._kept[key] = _Kept(segmenter=segmenter, version=version)
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self._bytes > self._settings.cache_megabytes * _MEGABYTE:
                self._kept.popitem(last=False)
        return segmenter

    @property
    def _bytes(self) -> int:
        return sum(kept.segmenter.byte_size for kept in self._kept.values())

    def _with_retreat(
        self, key: _Key, run: Callable[[], _Result], failure: SegdemoError
    ) -> _Result:
        """Try twice, the second time with no other network in memory; then raise ``failure``."""
        result = _unless_out_of_memory(run)
        if result is None:
            # Outside the failed frame, whose traceback would keep its tensors alive.
            with self._kept_lock:
                for other in [other for other in self._kept if other != key]:
                    del self._kept[other]
            gc.collect()
            free_memory(self._device)
            result = _unless_out_of_memory(run)
        if result is None:
            raise failure
        return result


def _version(path: Path) -> _Version:
    """What changes with the file's content; None when there is no file to ask."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _unless_out_of_memory(run: Callable[[], _Result]) -> _Result | None:
    try:
        return run()
    except Exception as error:
        if is_out_of_memory(error):
            return None
        raise
