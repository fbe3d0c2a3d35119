"""The command that fine-tunes a checkpoint: its options, its progress, its table."""

import argparse
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from segdemo.checkpoints.places import located, own_folder
from segdemo.cli.progress import show_line
from segdemo.engine.devices import device_name
from segdemo.errors import TrainingError
from segdemo.images.notices import Notice
from segdemo.settings import Settings
from segdemo.strings import text
from segdemo.training.finetune import (
    STEPS,
    Beginning,
    Listener,
    Request,
    Result,
    default_out,
    finetune,
)
from segdemo.training.log import TrainingLog

_STOPPED = 130
"""What a shell expects of a program that Ctrl-C ended."""
_LARGEST_SEED = 2**31
_MOST_NAMED = 10

Say = Callable[[str], None]


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("-c", "--checkpoint", type=located, required=True, help=text("cli_file"))
    parser.add_argument("--images", type=Path, required=True, help=text("finetune_images"))
    parser.add_argument("--masks", type=Path, required=True, help=text("finetune_masks"))
    parser.add_argument("--out", type=Path, help=text("finetune_out"))
    parser.add_argument("--steps", type=_steps, default=STEPS, help=text("finetune_steps"))
    parser.add_argument("--minutes", type=_minutes, help=text("finetune_minutes"))
    parser.add_argument("--classes", type=_names, default=(), help=text("finetune_classes"))
    parser.add_argument("--validation-images", type=Path, help=text("finetune_validation_images"))
    parser.add_argument("--validation-masks", type=Path, help=text("finetune_validation_masks"))
    reading = parser.add_mutually_exclusive_group()
    reading.add_argument("--truth-reading", metavar="NAME", help=text("cli_truth_reading"))
    for name, help_key in (("foreground", "finetune_binary"), ("instances", "finetune_instances")):
        flag = "--binary" if name == "foreground" else "--instances"
        reading.add_argument(
            flag, dest="truth_reading", action="store_const", const=name, help=text(help_key)
        )
    parser.add_argument("--device", help=text("finetune_device"))
    parser.add_argument("--seed", type=_seed, default=0, help=text("finetune_seed"))


def run(options: argparse.Namespace, settings: Settings, say: Say) -> int:
    """Trains and tells of it line by line; the exit code. Raises SegdemoError."""
    folder = settings.weights_folders[0] if settings.weights_folders else own_folder()
    request = Request(
        checkpoint=options.checkpoint,
        images=options.images,
        masks=options.masks,
        out=options.out or default_out(options.checkpoint, options.images, folder),
        steps=options.steps,
        minutes=options.minutes,
        classes=options.classes,
        seed=options.seed,
        device=options.device,
        assume=options.assume,
        truth_reading=options.truth_reading,
        validation=_validation(options),
    )
    log = TrainingLog(request.out.with_suffix(".csv"))
    with _asked_to_stop() as asked:
        result = finetune(request, settings, _listener(say, asked, log))
    if not result.finished:
        say(text("finetune_interrupted", step=result.steps))
        return _STOPPED
    for line in _table(result):
        say(line)
    megabytes = f"{request.out.stat().st_size / 1e6:.1f}"
    say(text("finetune_written", path=str(request.out), megabytes=megabytes, step=result.best_step))
    say(text("finetune_log", path=str(log.path)))
    listed = {path.resolve() for path in (own_folder(), *settings.weights_folders)}
    place = request.out.parent.resolve()
    say(
        text("finetune_in_page")
        if place in listed
        else text("finetune_not_in_page", folder=str(place))
    )
    return 0


def _listener(say: Say, asked: Callable[[int], bool], log: TrainingLog) -> Listener:
    measure = "IoU"

    def began(beginning: Beginning) -> None:
        nonlocal measure
        measure = "IoU" if len(beginning.classes) <= 2 else "mIoU"
        _forget_line()
        say(
            text(
                "finetune_began",
                pictures=beginning.pictures,
                aside=beginning.aside,
                classes=", ".join(beginning.classes),
                steps=beginning.steps,
                device=device_name(beginning.device),
            )
        )
        if beginning.new_head:
            say(text("finetune_new_head"))

    def noticed(notices: tuple[Notice, ...]) -> None:
        for notice in notices:
            say(notice.message())

    def skipped(pictures: tuple[str, ...], masks: tuple[str, ...]) -> None:
        _forget_line()
        for key, names in (("pictures", pictures), ("masks", masks)):
            if names:
                some = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
                say(text(f"finetune_skipped_{key}", count=len(names), names=some))

    def stepped(step: int, steps: int, loss: float) -> None:
        log.step(loss)
        show_line(text("finetune_step", step=step, steps=steps, loss=f"{loss:.3f}"))

    def looked(step: int, score: float, best: float) -> None:
        _forget_line()
        log.looked(step, score, best)
        facts = {"score": f"{score:.3f}", "best": f"{best:.3f}"}
        say(text("finetune_looked", step=step, measure=measure, **facts))

    return Listener(
        read=lambda done, count: show_line(text("finetune_reading", done=done, count=count)),
        skipped=skipped,
        noticed=noticed,
        began=began,
        step=stepped,
        looked=looked,
        stops=asked,
    )


def _validation(options: argparse.Namespace) -> tuple[Path, Path] | None:
    """Both folders or none. Raises TrainingError for one alone."""
    images, masks = options.validation_images, options.validation_masks
    if (images is None) != (masks is None):
        raise TrainingError("finetune_validation_both")
    return None if images is None else (images, masks)


def _forget_line() -> None:
    show_line("")


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[int], bool]]:
    """Whether Ctrl-C was pressed; pressed a second time it ends the program at once."""
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda step: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _table(result: Result) -> Iterator[str]:
    """Scores before and after, one a line."""
    before = dict(_rows(result.before or {}))
    after = dict(_rows(result.after))
    head = text("finetune_table_head")
    width = max(len(head), *map(len, after))
    first, second = text("finetune_before"), text("finetune_after")
    yield f"{head:<{width}}  {first:>7}  {second:>7}"
    for name, value in after.items():
        earlier = f"{before[name]:.3f}" if name in before else "–"
        yield f"{name:<{width}}  {earlier:>7}  {value:>7.3f}"
    measure = next(iter(after))
    if measure in before and after[measure] <= before[measure]:
        yield text("finetune_no_better")


def _rows(facts: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from ((f"  {inner}", number) for inner, number in value.items())
        else:
            yield name.replace("_", " "), value


def _steps(raw: str) -> int:
    value = int(raw)
    if value <= 0:
        raise argparse.ArgumentTypeError(text("finetune_positive", value=raw))
    return value


def _minutes(raw: str) -> float:
    value = float(raw)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(text("finetune_positive", value=raw))
    return value


def _seed(raw: str) -> int:
    value = int(raw)
    if not 0 <= value < _LARGEST_SEED:
        raise argparse.ArgumentTypeError(text("finetune_positive", value=raw))
    return value


def _names(raw: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in raw.split(",") if name.strip())
