"""Exports a batch run: its figures as CSV, its masks as a ZIP archive."""

import csv
import io
import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from segdemo.batch.run import Outcome, Run
from segdemo.inference.maps import LEVELS
from segdemo.metrics.scores import PIXEL_SCORES
from segdemo.outputs.render import mask_picture
from segdemo.wording import cell, file_name

TABLE_NAME = "figures.csv"

_COLUMNS = (
    *("picture", "width", "height", "disagreement", "network", "threshold", "coverage"),
    *(score.name for score in PIXEL_SCORES),
    "message",
)


def table(run: Run, outcomes: Sequence[Outcome], k: int) -> str:
    """CSV: a line for each image and network, at the threshold k."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for outcome in outcomes:
        writer.writerows(_lines(run, outcome, k))
    return buffer.getvalue()


def _lines(run: Run, outcome: Outcome, k: int) -> Iterator[list[str]]:
    name = cell(outcome.pair.picture.name)
    blank = [""] * (len(_COLUMNS) - 2)
    if outcome.failure is not None:
        yield [name, *blank, cell(outcome.failure.message())]
        return
    tables = outcome.tables
    disagreement = cell(tables.disagreement(k)) if tables else ""
    head = [name, *map(str, outcome.size), disagreement]
    for number, network in enumerate(run.networks):
        line = [*head, cell(network.title), f"{k / LEVELS:g}"]
        if tables is None or number not in tables.networks:
            failed = cell(outcome.failures[number].message())
            yield [*line, *[""] * (1 + len(PIXEL_SCORES)), failed]
            continue
        place = tables.networks.index(number)
        scores = tables.curves[place].at(k) if tables.curves else {}
        yield [
            *line,
            cell(tables.coverage(place, k)),
            *(cell(scores.get(score.name, math.nan)) for score in PIXEL_SCORES),
            cell(_remarks(outcome)),
        ]


def _remarks(outcome: Outcome) -> str:
    """Why the mask does not count, or what was decided about it."""
    if outcome.truth_failure is not None:
        return outcome.truth_failure.message()
    return " ".join(notice.message() for notice in outcome.truth_notices)


def write_table(run: Run, outcomes: Sequence[Outcome], k: int, target: Path) -> None:
    """The table as a file that spreadsheets take for UTF-8."""
    target.write_text(table(run, outcomes, k), encoding="utf-8-sig", newline="")


def write_archive(run: Run, outcomes: Sequence[Outcome], k: int, target: Path) -> None:
    """A ZIP with the table and the masks of all networks at the images' own sizes."""
    # The masks are compressed already.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(TABLE_NAME, "\ufeff" + table(run, outcomes, k), zipfile.ZIP_DEFLATED)
        for outcome in outcomes:
            for number in outcome.tables.networks if outcome.tables else ():
                with Image.open(run.map_path(outcome.number, number)) as kept:
                    mask = mask_picture(np.asarray(kept) >= k)
                buffer = io.BytesIO()
                mask.convert("1").save(buffer, format="PNG")
                archive.writestr(_mask_name(run, outcome, number), buffer.getvalue())


def _mask_name(run: Run, outcome: Outcome, number: int) -> str:
    """Where the mask lies in the archive: a folder for each network, a name that is no path."""
    # Two networks may have one title, two images one name.
    folder = f"{'ABCD'[number]} {file_name(run.networks[number].title)}"
    return f"{folder}/{outcome.number + 1:03d} {file_name(outcome.pair.picture.stem)}.png"
