"""Evaluates checkpoints on a folder of images and a folder of masks, in one call."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from segdemo.batch.predicting import Model, own_names
from segdemo.errors import PictureError
from segdemo.evaluation.pairing import Pairing, pair_folders
from segdemo.evaluation.run import Course, Journal, Judged, plain, read_masks
from segdemo.evaluation.scoring import SCORES
from segdemo.evaluation.summary import Summary, main_score
from segdemo.inference.segmenter import Segmenter, load
from segdemo.outputs.files import write_whole
from segdemo.settings import Settings
from segdemo.wording import file_name

Checkpoint = str | Path | Segmenter
"""A file, the name of a shipped one, or a network that is loaded."""

_CASES = 6
"""Images that are shown of each network, those on which it does worst."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """All that came of it."""

    pairing: Pairing
    reading: str
    """How the masks were read."""
    judged: tuple[Judged, ...]
    cases: Mapping[tuple[str, str], bytes]
    """(network, image) -> a JPEG of where the network is wrong, of the worst images."""
    notices: tuple[str, ...] = ()

    @cached_property
    def summary(self) -> Summary:
        """Means, thresholds, tests."""
        return Summary(judged=self.judged)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One for each image, network and class, in the columns of scores.csv; NaN for 0/0."""
        return [
            {
                "picture": one.picture,
                "checkpoint": one.network,
                "class": mask.class_name if mask else "",
                "threshold": one.threshold,
                **(mask.scores if mask else dict.fromkeys(SCORES, math.nan)),
                "message": one.failure or " ".join(one.notices),
            }
            for one in self.judged
            for mask in (one.scoring.masks if one.scoring else (None,))
        ]

    def worst(self, network: str) -> list[Judged]:
        """The images on which a network does worst, the worst first."""
        return self.summary.worst(network, _CASES)

    def to_dict(self) -> dict[str, Any]:
        """All figures as JSON has them: null for what is not defined."""
        summary = self.summary
        return {
            "networks": list(summary.networks),
            "pairs": len(self.pairing.pairs),
            "pictures_alone": list(self.pairing.pictures_alone),
            "masks_alone": list(self.pairing.masks_alone),
            "reading": self.reading,
            "notices": list(self.notices),
            "figures": [
                {
                    "checkpoint": one.network,
                    "class": one.class_name,
                    "score": one.score,
                    "count": one.count,
                    **plain(
                        {
                            "mean": one.mean,
                            "sd": one.sd,
                            "median": one.median,
                            "pooled": one.pooled,
                        }
                    ),
                }
                for one in summary.figures
            ],
            "common_threshold": summary.common,
            "thresholds": [
                {
                    "checkpoint": one.network,
                    "used": one.used,
                    "best": one.best,
                    **plain(
                        {
                            "dice_at_used": one.at_used,
                            "dice_at_best": one.at_best,
                            "dice_at_common": one.at_common,
                        }
                    ),
                    "dice": [None if math.isnan(value) else value for value in one.curve.tolist()],
                }
                for one in summary.thresholds
            ],
            "comparisons": [
                {
                    "first": one.first,
                    "second": one.second,
                    "score": one.score,
                    "count": one.difference.count,
                    **plain(
                        {
                            "difference": one.difference.mean,
                            "low": one.difference.low,
                            "high": one.difference.high,
                            "p": one.difference.p,
                        }
                    ),
                }
                for one in summary.comparisons
            ],
            "failures": [
                {"picture": one.picture, "checkpoint": one.network, "error": one.failure}
                for one in summary.failures
            ],
            "scores": [
                {
                    **{key: row[key] for key in ("picture", "checkpoint", "class", "message")},
                    **plain({key: row[key] for key in ("threshold", *SCORES)}),
                }
                for row in self.rows
            ],
        }


def evaluate(
    images: str | Path,
    masks: str | Path,
    checkpoints: Sequence[Checkpoint] | Mapping[str, Checkpoint],
    *,
    threshold: float | None = None,
    truth_reading: str | None = None,
    out: str | Path | None = None,
    jobs: int = 2,
    settings: Settings | None = None,
    told: Callable[[int, int, bool], None] = lambda done, total, worked: None,
) -> Evaluation:
    """Scores of each checkpoint on every image that has a mask of its name.

    ``images`` and ``masks`` are folders; see ``pairing.pair_folders`` for who belongs together, and
    ``evaluation.scoring`` for what is scored. ``checkpoints`` are files, names of shipped ones
    or segmenters, or any of these by the names that they are to have. ``threshold`` is each
    checkpoint's own by default; ``truth_reading`` names how all masks are read. With ``out``, a
    folder, an interrupted evaluation goes on where it stopped; ``writing.write`` writes there what
    people read. ``told`` hears how many of how many images and networks are done, and whether the
    last one took work. Raises PictureError, CheckpointError, SettingsError, ExportError.
    """
    settings = settings or Settings.from_environment()
    pairing = pair_folders(Path(images), Path(masks))
    reading = read_masks(
        pairing.pairs, max_megapixels=settings.max_megapixels, reading=truth_reading
    )
    course = Course(
        models=models_of(checkpoints, settings),
        pairs=pairing.pairs,
        reading=reading,
        max_megapixels=settings.max_megapixels,
        threshold=threshold,
        jobs=jobs,
    )
    folder = None if out is None else Path(out)
    journal = None if folder is None else Journal(folder, course.identity())
    done = journal.done if journal else {}
    worst = _Worst(folder)
    judged: list[Judged] = []
    total = len(pairing.pairs) * len(course.models)
    for one in course.judged(done):
        worst.see(one)
        if journal is not None:
            journal.add(one)
        judged.append(replace(one, case=b""))
        told(len(judged), total, bool(one.case))
    return Evaluation(
        pairing=pairing,
        reading=reading.reading.name,
        judged=tuple(judged),
        cases=worst.cases(),
        notices=tuple(notice.message() for notice in reading.reading.notices),
    )


def models_of(
    checkpoints: Sequence[Checkpoint] | Mapping[str, Checkpoint], settings: Settings
) -> list[Model]:
    """The networks, each under a name of its own. Raises CheckpointError and PictureError."""
    if isinstance(checkpoints, str | Path | Segmenter):
        checkpoints = [checkpoints]
    if not checkpoints:
        raise PictureError("evaluate_no_checkpoint")
    if isinstance(checkpoints, Mapping):
        named = list(checkpoints.items())
    else:
        names = own_names([_name_of(one) for one in checkpoints])
        named = list(zip(names, checkpoints, strict=True))
    return [
        Model(
            name=name,
            segmenter=one if isinstance(one, Segmenter) else load(one, settings=settings),
            folder=Path(name),
        )
        for name, one in named
    ]


def _name_of(checkpoint: Checkpoint) -> str:
    if isinstance(checkpoint, Segmenter):
        return checkpoint.detection.architecture.id
    return Path(checkpoint).stem


class _Worst:
    """Keeps the pictures of the worst images of each network, in a folder or in memory.

    Whoever is among the worst of all was among the worst of those before it, so that an
    interrupted evaluation finds each of them in its folder.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder / "cases"
        self._kept: dict[str, list[tuple[float, str]]] = {}
        self._cases: dict[tuple[str, str], bytes] = {}

    def see(self, judged: Judged) -> None:
        """One more image of a network."""
        value = main_score(judged)
        if math.isnan(value):
            return
        kept = sorted([*self._kept.get(judged.network, []), (value, judged.picture)])
        self._kept[judged.network] = kept[:_CASES]
        key = judged.network, judged.picture
        if (value, judged.picture) in kept[:_CASES]:
            self._keep(key, judged.case)
        for _, picture in kept[_CASES:]:
            self._forget((judged.network, picture))

    def cases(self) -> dict[tuple[str, str], bytes]:
        """All that are kept."""
        found = {}
        for network, kept in self._kept.items():
            for _, picture in kept:
                content = self._read((network, picture))
                if content:
                    found[network, picture] = content
        return found

    def _keep(self, key: tuple[str, str], content: bytes) -> None:
        if not content:
            return
        self._cases[key] = content
        if self._folder is not None:
            write_whole(self._path(key), content)

    def _read(self, key: tuple[str, str]) -> bytes:
        if key not in self._cases and self._folder is not None and self._path(key).is_file():
            return self._path(key).read_bytes()
        return self._cases.get(key, b"")

    def _forget(self, key: tuple[str, str]) -> None:
        self._cases.pop(key, None)
        if self._folder is not None:
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: tuple[str, str]) -> Path:
        assert self._folder is not None
        network, picture = key
        return self._folder / file_name(network) / f"{picture}.jpg"
