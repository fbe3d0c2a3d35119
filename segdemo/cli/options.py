"""Values that several commands take, each refused with a sentence."""

import argparse

from segdemo.checkpoints.places import located
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


def add_checkpoints(parser: argparse.ArgumentParser) -> None:
    """``-c``, once for each checkpoint."""
    parser.add_argument(
        *("-c", "--checkpoint"),
        type=located,
        action="append",
        required=True,
        help=text("cli_checkpoints"),
    )
