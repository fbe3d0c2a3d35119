"""The command that runs checkpoints on images: its options, its lines, its progress."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from segdemo.batch.predicting import Model, Plan, Record, own_names
from segdemo.batch.sources import Source, find_sources, listed
from segdemo.cli.options import (
    add_checkpoints,
    add_overrides,
    overrides_of,
    positive,
    threshold,
)
from segdemo.cli.progress import Progress
from segdemo.errors import PictureError
from segdemo.inference.segmenter import load
from segdemo.outputs.files import FILE_KINDS, FileKind, require_folder
from segdemo.settings import Settings
from segdemo.strings import text
from segdemo.wording import printable

_FAILED = 1
_MOST_JOBS = 4
_FEW = 2
"""Of so many pictures nobody needs a summary."""

Say = Callable[[str], None]


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add = parser.add_argument
    add("image", nargs="*", help=text("cli_image"))
    add("--list", type=Path, metavar="FILE", help=text("cli_list"))
    add_checkpoints(parser)
    add("-t", "--threshold", type=threshold, help=text("cli_threshold"))
    add_overrides(parser)
    add("--out", type=Path, default=Path(), help=text("cli_out"))
    add("--only", type=_kinds, default=(), metavar="KINDS", help=text("cli_only"))
    add("--skip-existing", action="store_true", help=text("cli_skip_existing"))
    add("--jobs", type=positive, default=_usual_jobs(), metavar="N", help=text("cli_jobs"))
    add("--shard", type=_shard, default=(1, 1), metavar="I/N", help=text("cli_shard"))
    add("--jsonl", action="store_true", help=text("cli_jsonl"))


def run(options: argparse.Namespace, settings: Settings, complain: Say) -> int:
    """Writes the files of each picture; a bad one is told and the rest go on. The exit code.

    Raises SegdemoError where nothing can be done at all.
    """
    found = find_sources([*options.image, *_lines_of(options.list)])
    if found.own:
        complain(text("cli_own_left_out", count=len(found.own)))
    part, parts = options.shard
    sources = found.sources[part - 1 :: parts]
    require_folder(options.out)
    plan = Plan(
        models=_models(options, settings),
        max_megapixels=settings.max_megapixels,
        kinds=options.only,
        threshold=options.threshold,
        skip_existing=options.skip_existing,
        jobs=options.jobs,
    )
    return _follow(plan, sources, options.jsonl, complain)


def _follow(plan: Plan, sources: Sequence[Source], as_json: bool, complain: Say) -> int:
    total = len(sources) * len(plan.models)
    failed: list[str] = []
    with Progress(total) as progress:
        for record in plan.records(sources):
            progress.forget()
            if record.failure is not None:
                name = printable(str(record.source.name)) + record.source.path.suffix
                failed.append(name)
                complain(f"{name}: {record.failure}")
            if as_json:
                print(json.dumps(record.to_json(), ensure_ascii=False), flush=True)
            elif record.failure is None:
                print(_line(record, several=len(plan.models) > 1))
                for notice in record.notices:
                    complain(f"{record.source.path.name}: {notice.message()}")
            progress.step(worked=not record.skipped)
    if failed and total > _FEW:
        complain(text("cli_summary", failed=len(failed), total=total, name=failed[0]))
    return _FAILED if failed else 0


def _line(record: Record, *, several: bool) -> str:
    """What a person reads of one picture."""
    name = record.source.path.name
    if record.prediction is None:
        return text("cli_skipped", name=name)
    facts = {
        "name": name,
        "percent": f"{100 * record.coverage:.2f}",
        "threshold": f"{record.threshold:g}",
        "milliseconds": f"{record.prediction.milliseconds:.0f}",
        "device": record.prediction.device_and_precision,
    }
    if several:
        return text("cli_predicted_as", checkpoint=record.model, **facts)
    return text("cli_predicted", **facts)


def _models(options: argparse.Namespace, settings: Settings) -> list[Model]:
    """Every checkpoint; of several each has a folder of its own. Raises SegdemoError."""
    paths: list[Path] = list(dict.fromkeys(options.checkpoint))
    names = own_names([path.stem for path in paths])
    return [
        Model(
            name=name,
            segmenter=load(
                path,
                assume=options.assume,
                names=options.names,
                overrides=overrides_of(options),
                settings=settings,
            ),
            folder=options.out / name if len(paths) > 1 else options.out,
        )
        for path, name in zip(paths, names, strict=True)
    ]


def _lines_of(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        if str(path) == "-":
            return listed(sys.stdin)
        return listed(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise PictureError("predict_list", name=printable(path.name)) from error


def _usual_jobs() -> int:
    return max(1, min(_MOST_JOBS, os.cpu_count() or 1))


def _kinds(raw: str) -> tuple[FileKind, ...]:
    known: dict[str, FileKind] = {kind: kind for kind in FILE_KINDS}
    words = [word.strip() for word in raw.split(",") if word.strip()]
    strange = next((word for word in words if word not in known), None)
    if strange is not None or not words:
        facts = {"value": strange or raw, "known": ", ".join(FILE_KINDS)}
        raise argparse.ArgumentTypeError(text("cli_only_unknown", **facts))
    return tuple(known[word] for word in words)


def _shard(raw: str) -> tuple[int, int]:
    part, _, parts = raw.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(text("cli_shard_range", value=raw))
    return int(part), int(parts)
