"""Runs networks over any number of image files and writes what they say, with flat memory."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segdemo.batch.sources import Source
from segdemo.engine.ahead import ahead
from segdemo.engine.free_cores import FreeCores
from segdemo.engine.scheduler import DeviceScheduler
from segdemo.errors import PredictionError, SegdemoError
from segdemo.images.decode import Decoded, decode_plane
from segdemo.images.notices import Notice
from segdemo.inference.maps import LEVELS
from segdemo.inference.prediction import Prediction
from segdemo.inference.segmenter import Segmenter
from segdemo.outputs.files import FileKind, drawing_of, kinds_of, target_of
from segdemo.wording import file_name, one_line


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A network of a run, by the name of its folder and of its records."""

    name: str
    segmenter: Segmenter
    folder: Path
    """Where its files go."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Record:
    """What came of one image and one network."""

    source: Source
    model: str
    prediction: Prediction | None = None
    """None where nothing was run. Its maps are let go: see ``Plan.records``."""
    threshold: float = 0.0
    coverage: float = 0.0
    """The share of the mask."""
    classes: tuple[dict[str, Any], ...] = ()
    """Number, name and share of the classes that win pixels, where there are several."""
    files: dict[FileKind, Path] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    skipped: bool = False
    """Whether all its files were there."""
    failure: SegdemoError | None = None

    def to_json(self) -> dict[str, Any]:
        """One line for programs; the keys are stable."""
        record: dict[str, Any] = {"picture": str(self.source.path), "checkpoint": self.model}
        if self.failure is not None:
            return {**record, "error": self.failure.message()}
        if self.prediction is not None:
            width, height = self.prediction.picture_size
            record |= {
                "width": width,
                "height": height,
                "threshold": self.threshold,
                "coverage": self.coverage,
                "milliseconds": round(self.prediction.milliseconds, 3),
                "device": self.prediction.device_and_precision,
                "network_size": list(self.prediction.network_size),
                "reduced": self.prediction.reduced,
                "parts": self.prediction.parts,
                "notices": [notice.message() for notice in self.notices],
            }
        if self.classes:
            record["classes"] = list(self.classes)
        record["files"] = {kind: str(path) for kind, path in self.files.items()}
        return {**record, "skipped": True} if self.skipped else record


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What is written of each image, and how."""

    models: Sequence[Model]
    max_megapixels: float
    kinds: Collection[FileKind] = ()
    """All that are usual by default."""
    threshold: float | None = None
    """Each checkpoint's own by default."""
    skip_existing: bool = False
    """Whether an image is left alone whose files are there, whatever wrote them."""
    jobs: int = 1
    """How many images are read and written at a time; networks run one at a time."""

    def records(self, sources: Sequence[Source]) -> Iterator[Record]:
        """One for each image and network, in order; a bad image never sinks the rest.

        No more images are in memory than there are jobs, whatever takes the records.
        """
        scheduler = DeviceScheduler(FreeCores())
        for records in ahead(lambda source: self._all_of(source, scheduler), sources, self.jobs):
            yield from records

    def _all_of(self, source: Source, scheduler: DeviceScheduler) -> list[Record]:
        decoded: Decoded | SegdemoError | None = None
        records = []
        for model in self.models:
            there = self._there(source, model)
            if there is not None:
                records.append(Record(source=source, model=model.name, files=there, skipped=True))
                continue
            if decoded is None:
                decoded = self._decoded(source)
            records.append(self._one(source, model, decoded, scheduler))
        return records

    def _there(self, source: Source, model: Model) -> dict[FileKind, Path] | None:
        """The files of an image that needs no run."""
        if not self.skip_existing:
            return None
        kinds = kinds_of(model.segmenter.class_count, self.kinds)
        files = {kind: target_of(model.folder, source.name, kind) for kind in kinds}
        return files if all(path.exists() for path in files.values()) else None

    def _decoded(self, source: Source) -> Decoded | SegdemoError:
        try:
            return decode_plane(source.path, max_megapixels=self.max_megapixels)
        except Exception as error:
            return told(error)

    def _one(
        self,
        source: Source,
        model: Model,
        decoded: Decoded | SegdemoError,
        scheduler: DeviceScheduler,
    ) -> Record:
        try:
            if isinstance(decoded, SegdemoError):
                raise decoded
            picture = decoded.image
            prediction = model.segmenter.predict(decoded.given, scheduler)
            drawing = drawing_of(prediction, picture, self.threshold)
            view = drawing.view
            files = drawing.write(model.folder, source.name, self.kinds)
            return Record(
                source=source,
                model=model.name,
                prediction=prediction.without_maps(),
                threshold=view.threshold / LEVELS,
                coverage=float(view.mask.mean()),
                classes=drawing.shares,
                files=files,
                notices=(*decoded.notices, *prediction.notices),
            )
        except Exception as error:
            return Record(source=source, model=model.name, failure=told(error))


def own_names(stems: Sequence[str]) -> list[str]:
    """File names, each once: what occurs again is counted."""
    names: list[str] = []
    for stem in stems:
        first = file_name(stem, otherwise="checkpoint")
        name, again = first, 1
        while name.casefold() in {other.casefold() for other in names}:
            again += 1
            name = f"{first}_{again}"
        names.append(name)
    return names


def told(error: Exception) -> SegdemoError:
    """The error itself if a person can mend it, or one that says what it was."""
    if isinstance(error, SegdemoError):
        return error
    reason = one_line(f"{type(error).__name__}: {error}", limit=200)
    return PredictionError("predict_unexpected", reason=reason)
