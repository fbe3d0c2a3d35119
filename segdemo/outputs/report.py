"""Writes a comparison as a ZIP file: images, figures, specs, and a page that opens offline."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, get_args
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from PIL import Image

from segdemo.catalog import CatalogEntry
from segdemo.checkpoints.published import Place, sha256_of
from segdemo.images.masks import TruthMask
from segdemo.inference.maps import LEVELS
from segdemo.metrics.confusion import confusion
from segdemo.metrics.curves import curve
from segdemo.metrics.outlines import outlines
from segdemo.metrics.scores import BY_NAME
from segdemo.outputs.render import Kind, View, binary_truth, draw
from segdemo.outputs.report_page import Section, page
from segdemo.spec import Overrides, SegmentationSpec
from segdemo.strings import text
from segdemo.wording import cell

KINDS: tuple[Kind, ...] = get_args(Kind)
LETTERS = "ABCDEFGH"

_PICTURE_SIDE = 2048


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportPanel:
    """What one network said, how it is looked at, and where it comes from."""

    title: str
    network: str
    """Architecture, configuration and size, for people."""
    view: View
    spec: SegmentationSpec
    origin_of: Callable[[str], str]
    """Who decided a field of the spec, such as "preprocessing.mean", for people."""
    provenance: Mapping[str, Any]
    """As ``provenance`` gives it."""
    device: str = ""


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A network that has no answer, and why."""

    title: str
    message: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """An image and what networks say of it; the letters A, B, ... follow their order."""

    picture: Image.Image
    answers: Sequence[ReportPanel | Missing]
    truth: TruthMask | None = None
    """Of the image's size."""

    @property
    def lettered(self) -> list[tuple[str, ReportPanel]]:
        """Those that have an answer, each with its letter."""
        both = zip(LETTERS, self.answers, strict=False)
        return [(letter, answer) for letter, answer in both if isinstance(answer, ReportPanel)]

    @cached_property
    def figures(self) -> list[dict[str, str | float]]:
        """A row for each answer, in the columns of figures.csv."""
        lettered = self.lettered
        return [
            {
                "letter": letter,
                "checkpoint": answer.title,
                **_shown(answer.view),
                **(_scores(answer.view, self.truth) if self.truth else {}),
                **{
                    f"agreement_{name}": _agreement(answer.view, other.view)
                    for name, other in lettered
                },
            }
            for letter, answer in lettered
        ]


def provenance(entry: CatalogEntry, overrides: Overrides) -> dict[str, Any]:
    """Where a checkpoint comes from, what exactly it is, and how it was read.

    What is not known is None, and nothing tells where on this machine it lies. Reads the whole
    file for its SHA-256; raises OSError.
    """
    path, address = entry.path, entry.address
    cached = Place.in_cache(path) if path else None
    repository = address.repo_id if address else None
    return {
        "title": entry.title,
        "id": entry.id,
        "source": entry.source,
        "repository": repository,
        "commit": cached[1] if cached else address.revision if address else None,
        "file": address.filename if address else path.name if path else None,
        "bytes": path.stat().st_size if path else entry.bytes,
        "sha256": sha256_of(path) if path else None,
        "licence": entry.licence or None,
        "commercial_use": entry.commercial,
        "reading": {"assume": overrides.assume, **overrides.spec},
    }


def write_report(file: IO[bytes], comparison: Comparison, *, date: str) -> None:
    """The comparison as a ZIP in an open file; ``date`` is when it was made, for people.

    It holds index.html, figures.csv, checkpoints.json, image.jpg, truth.png where there is
    one, and for each answer, under its letter, the four images and spec.json. Names in it are
    ours alone. One image is in memory at a time, beside what the comparison keeps.
    """
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        width, height = comparison.picture.size
        made = text("report_made", date=date, width=width, height=height)
        archive.writestr("index.html", page(list(_sections(comparison)), comparison.figures, made))
        archive.writestr("figures.csv", figures_csv(comparison.figures))
        checkpoints = {letter: answer.provenance for letter, answer in comparison.lettered}
        archive.writestr("checkpoints.json", _json(checkpoints))
        shown = comparison.picture.copy()
        shown.thumbnail((_PICTURE_SIDE, _PICTURE_SIDE))
        _add(archive, "picture.jpg", shown, format="JPEG", quality=90)
        if comparison.truth is not None:
            _add(archive, "truth.png", Image.fromarray(comparison.truth.labels), format="PNG")
        for letter, answer in comparison.lettered:
            for kind in KINDS:
                drawn = draw(kind, comparison.picture, answer.view)
                _add(archive, f"{letter}/{kind}.png", drawn, format="PNG", compress_level=1)
            spec = {**answer.spec.to_dict(), "origins": dict(answer.spec.origins)}
            archive.writestr(f"{letter}/spec.json", _json(spec))


def figures_csv(rows: Sequence[Mapping[str, str | float]]) -> str:
    """The rows as a table that programs and spreadsheets read; what is not defined is empty."""
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]) if rows else ["letter"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return table.getvalue()


def _shown(view: View) -> dict[str, str | float]:
    foreground = view.prediction.foreground
    return {
        "shown": shown_class(view),
        "threshold": math.nan if view.by_class else view.threshold / LEVELS,
        "foreground": float(view.mask.mean()),
        "p_minimum": float(foreground.min()),
        "p_mean": float(foreground.mean(dtype=np.float64)),
        "p_maximum": float(foreground.max()),
    }


def shown_class(view: View) -> str:
    """Which of its classes a view shows, as a person calls it."""
    if view.by_class:
        return text("report_all_classes")
    number = view.class_number
    return text("report_foreground") if number is None else _class_name(view, number)


def _class_name(view: View, number: int) -> str:
    names = view.class_names
    return names[number] if number < len(names) else text("class_number", number=number)


def _scores(view: View, truth: TruthMask) -> dict[str, float]:
    """Against the truth; a view of all classes has other figures than that of one."""
    scores = dict.fromkeys(BY_NAME, math.nan)
    if view.by_class and not truth.several:
        # A truth of ground and foreground knows nothing of classes: it judges the foreground.
        found = confusion(view.mask.astype(np.uint8), truth.labels, 2)
        return {**scores, "accuracy": found.accuracy, "mean_iou": found.mean_iou}
    if view.by_class:
        found = confusion(view.labels, truth.labels, view.classes)
        return {**scores, "accuracy": found.accuracy, "mean_iou": found.mean_iou}
    wanted = binary_truth(view, truth)
    near = outlines(view.quantised, wanted)
    return {
        **scores,
        **curve(view.quantised, wanted).at(view.threshold),
        "boundary_f": float(near.f_score[view.threshold]),
    }


def _agreement(one: View, other: View) -> float:
    """Intersection over union of two masks; NaN where both are empty."""
    union = int(np.logical_or(one.mask, other.mask).sum())
    shared = int(np.logical_and(one.mask, other.mask).sum())
    return shared / union if union else math.nan


def _sections(comparison: Comparison) -> Iterator[Section]:
    for letter, answer in zip(LETTERS, comparison.answers, strict=False):
        if isinstance(answer, Missing):
            yield Section(letter=letter, title=answer.title, message=answer.message)
            continue
        view, spec = answer.view, answer.spec
        yield Section(
            letter=letter,
            title=answer.title,
            colour=view.colour,
            facts=(answer.network, answer.device),
            shown=shown_class(view),
            threshold=None if view.by_class else view.threshold,
            legend=_legend(view) if view.by_class else (),
            provenance=answer.provenance,
            spec={
                f"{part}.{name}": (value, answer.origin_of(f"{part}.{name}"))
                for part, values in spec.to_dict().items()
                for name, value in values.items()
                if name != "classes"
            },
        )


def _legend(view: View) -> tuple[tuple[str, str, float], ...]:
    """(name, colour, share of the pixels) of the classes that win any, the largest first."""
    shares = np.bincount(view.labels.ravel(), minlength=view.classes) / view.labels.size
    names = (_class_name(view, number) for number in range(view.classes))
    entries = zip(names, view.colours, shares.tolist(), strict=True)
    return tuple(sorted((one for one in entries if one[2] > 0), key=lambda one: -one[2]))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _add(archive: ZipFile, name: str, picture: Image.Image, **options: Any) -> None:
    with io.BytesIO() as buffer:
        picture.save(buffer, **options)
        # Packed already.
        archive.writestr(name, buffer.getbuffer(), ZIP_STORED)
