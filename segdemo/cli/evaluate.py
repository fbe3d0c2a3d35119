"""The command that scores checkpoints on images and masks: its options, progress and table."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from segdemo.batch.predicting import own_names
from segdemo.cli.options import (
    add_checkpoints,
    add_overrides,
    overrides_of,
    positive,
    threshold,
)
from segdemo.cli.progress import Progress
from segdemo.evaluation.evaluate import evaluate
from segdemo.evaluation.tables import markdown
from segdemo.evaluation.writing import write
from segdemo.inference.segmenter import load
from segdemo.outputs.files import require_folder
from segdemo.settings import Settings
from segdemo.strings import text

_FAILED = 1
_MOST_JOBS = 4

Say = Callable[[str], None]


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add = parser.add_argument
    add("--images", type=Path, required=True, help=text("evaluate_images"))
    add("--masks", type=Path, required=True, help=text("evaluate_masks"))
    add_checkpoints(parser)
    add("-t", "--threshold", type=threshold, help=text("cli_threshold"))
    add("--truth-reading", metavar="NAME", help=text("cli_truth_reading"))
    add_overrides(parser)
    add("--out", type=Path, help=text("evaluate_out"))
    jobs = max(1, min(_MOST_JOBS, os.cpu_count() or 1))
    add("--jobs", type=positive, default=jobs, metavar="N", help=text("evaluate_jobs"))


def run(options: argparse.Namespace, settings: Settings, complain: Say) -> int:
    """Prints the tables, and writes all of it where a folder is named. The exit code.

    Raises SegdemoError where nothing can be evaluated.
    """
    if options.out is not None:
        require_folder(options.out)
    paths = list(dict.fromkeys(options.checkpoint))
    names = own_names([path.stem for path in paths])
    networks = {
        name: load(path, assume=options.assume, overrides=overrides_of(options), settings=settings)
        for name, path in zip(names, paths, strict=True)
    }
    with Progress(0) as progress:

        def told(done: int, total: int, worked: bool) -> None:
            progress.total = total
            progress.step(worked=worked)

        found = evaluate(
            options.images,
            options.masks,
            networks,
            threshold=options.threshold,
            truth_reading=options.truth_reading,
            out=options.out,
            jobs=options.jobs,
            settings=settings,
            told=told,
        )
    print(markdown(found), end="")
    for one in found.summary.failures:
        complain(f"{one.picture} · {one.network}: {one.failure}")
    if options.out is not None:
        for path in write(found, options.out):
            complain(text("evaluate_written", path=str(path)))
    return _FAILED if found.summary.failures else 0
