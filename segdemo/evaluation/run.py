"""Evaluates networks on pairs of images and masks, one image after another, and can go on later."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segdemo.batch.predicting import Model, told
from segdemo.engine.ahead import ahead
from segdemo.engine.free_cores import FreeCores
from segdemo.engine.scheduler import DeviceScheduler
from segdemo.errors import ExportError, PictureError, SegdemoError
from segdemo.evaluation.cases import Case, case_picture
from segdemo.evaluation.pairing import FilePair
from segdemo.evaluation.scoring import Scored, Scoring, score
from segdemo.images.decode import Decoded, decode_plane
from segdemo.images.masks import DataSetReading, TruthMask, read_data_set
from segdemo.inference.maps import LEVELS, level_of
from segdemo.inference.segmenter import Segmenter
from segdemo.metrics.calibration import Calibration
from segdemo.wording import printable

JOURNAL = "evaluation.jsonl"
_FORMAT = 1
_LOOKED_AT = 1024


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """What came of one image and one network."""

    picture: str
    network: str
    threshold: float
    scoring: Scoring | None = None
    notices: tuple[str, ...] = ()
    failure: str = ""
    """A sentence, where there are no scores."""
    stamp: str = ""
    """Changes with the files of the image and its mask."""
    case: bytes = b""
    """What was found, wrong and missed over the image, as a small JPEG."""

    def to_json(self) -> dict[str, Any]:
        """For the journal: all but the picture of the case."""
        scoring = self.scoring
        return {
            "picture": self.picture,
            "network": self.network,
            "threshold": self.threshold,
            "notices": list(self.notices),
            "failure": self.failure,
            "stamp": self.stamp,
            "masks": [_mask_json(one) for one in scoring.masks] if scoring else None,
            "levels": scoring.levels.tolist()
            if scoring is not None and scoring.levels is not None
            else None,
        }

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> "Judged":
        """What ``to_json`` wrote."""
        scoring = None
        if line["masks"] is not None:
            levels = None if line["levels"] is None else np.array(line["levels"], np.int64)
            scoring = Scoring(masks=tuple(map(_mask, line["masks"])), levels=levels)
        names = ("picture", "network", "threshold", "failure", "stamp")
        return cls(
            **{name: line[name] for name in names},
            notices=tuple(line["notices"]),
            scoring=scoring,
        )


def _mask_json(one: Scored) -> dict[str, Any]:
    bins = one.bins
    return {
        "class": one.class_name,
        "number": one.number,
        "scores": {
            name: None if math.isnan(value) else value for name, value in one.scores.items()
        },
        "pixels": list(one.pixels),
        "bins": [bins.pixels.tolist(), bins.true.tolist(), bins.said.tolist()] if bins else None,
    }


def plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no NaN."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _mask(line: dict[str, Any]) -> Scored:
    bins = line["bins"]
    rows = [np.array(row, np.float64) for row in bins] if bins else []
    return Scored(
        class_name=line["class"],
        number=line["number"],
        scores={
            name: math.nan if value is None else value for name, value in line["scores"].items()
        },
        pixels=tuple(line["pixels"]),
        bins=Calibration(pixels=rows[0], true=rows[1], said=rows[2]) if rows else None,
    )


class Journal:
    """What is done of an evaluation, a line an image and network, in its folder."""

    def __init__(self, folder: Path, identity: str) -> None:
        """What another evaluation left is begun anew. Raises ExportError."""
        self.path = folder / JOURNAL
        head = {"segdemo_evaluation": _FORMAT, "identity": identity}
        lines = self._lines()
        known = bool(lines) and lines[0] == head
        self.done: dict[tuple[str, str], Judged] = {}
        for line in lines[1:] if known else ():
            judged = Judged.from_json(line)
            self.done[judged.picture, judged.network] = judged
        kept = [head, *(line for line in lines[1:] if known)]
        self._write("".join(f"{json.dumps(line)}\n" for line in kept), "w")

    def add(self, judged: Judged) -> None:
        """One more is done; what failed is tried again by whoever goes on. Raises ExportError."""
        if not judged.failure and (judged.picture, judged.network) not in self.done:
            self._write(f"{json.dumps(judged.to_json())}\n", "a")

    def _write(self, content: str, mode: str) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open(mode, encoding="utf-8") as file:
                file.write(content)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            name = printable(str(self.path))
            raise ExportError("output_unwritable", name=name, reason=reason) from error

    def _lines(self) -> list[dict[str, Any]]:
        """The whole lines; that at which it was interrupted is none."""
        try:
            content = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return []
        lines = []
        for line in content.splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
        return lines


@dataclass(frozen=True, eq=False, kw_only=True)
class Course:
    """Which networks are evaluated on which pairs, and how."""

    models: Sequence[Model]
    pairs: Sequence[FilePair]
    reading: DataSetReading
    """How all masks are read."""
    max_megapixels: float
    threshold: float | None = None
    """Each checkpoint's own by default."""
    jobs: int = 1

    def identity(self) -> str:
        """Changes with whatever decides the figures."""
        networks = [
            [model.name, weights_digest(model.segmenter), model.segmenter.spec.to_json()]
            for model in self.models
        ]
        return json.dumps(
            [networks, self.reading.reading.name, self.threshold, self.max_megapixels]
        )

    def judged(self, done: dict[tuple[str, str], Judged]) -> Iterator[Judged]:
        """Image by image, and of each network by network; what is done is handed over again."""
        scheduler = DeviceScheduler(FreeCores())
        work = partial(self._all_of, done, scheduler)
        for several in ahead(work, self.pairs, self.jobs):
            yield from several

    def _all_of(
        self, done: dict[tuple[str, str], Judged], scheduler: DeviceScheduler, pair: FilePair
    ) -> list[Judged]:
        stamp = _stamp(pair)
        known = [_still(done.get((pair.name, model.name)), stamp) for model in self.models]
        if all(known):
            return [one for one in known if one is not None]
        try:
            decoded = decode_plane(pair.picture, max_megapixels=self.max_megapixels)
            truth = self._truth(pair, decoded)
        except Exception as error:
            failure = told(error)
            return [self._failed(pair, model, failure) for model in self.models]
        return [
            one or self._one(pair, model, decoded, truth, scheduler)
            for one, model in zip(known, self.models, strict=True)
        ]

    def _truth(self, pair: FilePair, decoded: Decoded) -> TruthMask:
        try:
            content = pair.mask.read_bytes()
        except OSError as error:
            raise PictureError("picture_missing", name=pair.mask.name) from error
        beside = decoded.beside(pair.picture.name)
        mask = self.reading.read(content, max_megapixels=self.max_megapixels, beside=beside)
        return mask.fitted(decoded.image.size, decoded.orientation)

    def _one(
        self,
        pair: FilePair,
        model: Model,
        decoded: Decoded,
        truth: TruthMask,
        scheduler: DeviceScheduler,
    ) -> Judged:
        try:
            prediction = model.segmenter.predict(decoded.given, scheduler)
            own = prediction.threshold if self.threshold is None else self.threshold
            level = level_of(own)
            scoring = score(prediction, truth, level, model.segmenter.class_names)
            notices = (*decoded.notices, *truth.notices, *prediction.notices)
            return Judged(
                picture=pair.name,
                network=model.name,
                threshold=level / LEVELS,
                stamp=_stamp(pair),
                scoring=scoring,
                notices=tuple(notice.message() for notice in notices),
                case=case_picture(Case(decoded.image, prediction, truth, level)),
            )
        except Exception as error:
            return self._failed(pair, model, told(error))

    def _failed(self, pair: FilePair, model: Model, failure: SegdemoError) -> Judged:
        return Judged(
            picture=pair.name, network=model.name, threshold=math.nan, failure=failure.message()
        )


def weights_digest(segmenter: Segmenter) -> str:
    """Tells networks apart by the beginnings of all their tensors, wherever they come from."""
    digest = hashlib.sha256()
    for name, tensor in segmenter.network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.flatten()[:_LOOKED_AT].float().cpu().numpy().tobytes())
    return digest.hexdigest()


def _stamp(pair: FilePair) -> str:
    stats = [
        (status.st_size, status.st_mtime_ns) for status in (pair.picture.stat(), pair.mask.stat())
    ]
    return str(stats)


def _still(judged: Judged | None, stamp: str) -> Judged | None:
    return judged if judged is not None and judged.stamp == stamp else None


def read_masks(
    pairs: Sequence[FilePair], *, max_megapixels: float, reading: str | None
) -> DataSetReading:
    """The one reading of all masks; what one holds decides for all. Raises PictureError."""
    return read_data_set(
        (partial(pair.mask.read_bytes) for pair in pairs),
        max_megapixels=max_megapixels,
        reading=reading,
        names=[pair.picture.name for pair in pairs],
    )
