"""Values that several commands take, each refused with a sentence."""

import argparse
import json
from typing import Any

from segdemo.checkpoints.places import located
from segdemo.errors import SpecError
from segdemo.spec import NO_OVERRIDES, require_known
from segdemo.strings import text


def threshold(raw: str) -> float:
    """A number between 0 and 1, both excluded."""
    try:
        value = float(raw)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(text("cli_threshold_range", value=raw))
    return value


def positive(raw: str) -> int:
    """A whole number from 1 on."""
    if not (raw.isdecimal() and int(raw)):
        raise argparse.ArgumentTypeError(text("cli_positive", value=raw))
    return int(raw)


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """``--set``, once for each field of the spec that the caller decides."""
    parser.add_argument(
        "--set",
        type=_assignment,
        action="append",
        default=[],
        dest="overrides",
        metavar="FIELD=VALUE",
        help=text("cli_set"),
    )


def overrides_of(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--set`` decided, as ``load(overrides=...)`` takes it."""
    chosen = NO_OVERRIDES
    for name, value in options.overrides:
        chosen = chosen.with_override(name, value)
    return chosen.spec


def _assignment(raw: str) -> tuple[str, Any]:
    """ "preprocessing.side=512": a field and a value, which is JSON, a word, or "0.5, 0.5, 0.5"."""
    name, equals, value = raw.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not name or not value:
        raise argparse.ArgumentTypeError(text("cli_set_form", value=raw))
    part, dot, field = name.partition(".")
    try:
        require_known({part: {field: None}} if dot else {name: None})
    except SpecError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return name, _value(value)


def _value(raw: str) -> Any:
    for written in (raw, f"[{raw}]") if "," in raw else (raw,):
        try:
            return json.loads(written)
        except ValueError:
            continue
    return [word.strip() for word in raw.split(",")] if "," in raw else raw


def add_checkpoints(parser: argparse.ArgumentParser) -> None:
    """``-c``, once for each checkpoint."""
    parser.add_argument(
        *("-c", "--checkpoint"),
        type=located,
        action="append",
        required=True,
        help=text("cli_checkpoints"),
    )
