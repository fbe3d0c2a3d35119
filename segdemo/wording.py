"""Makes foreign text and figures fit to be shown: on one line, printable, not too long."""

import math
import re
from collections.abc import Iterable

from segdemo.strings import text

_SHOWN_CHARACTERS = 80

_SHOWN_NAMES = 5

_UNITS = (
    (10**12, "amount_terabytes"),
    (10**9, "amount_gigabytes"),
    (10**6, "amount_megabytes"),
    (10**3, "amount_kilobytes"),
    (1, "amount_bytes"),
)


def amount(count: int) -> str:
    """A number of bytes for people: "160 GB", "16 bytes"."""
    unit, key = next(((unit, key) for unit, key in _UNITS if count >= unit), _UNITS[-1])
    whole = min(count // unit, 10**6)
    return text(key, count=f"{count / unit:.1f}" if unit > 1 and whole < 10 else whole)


def shown(name: str) -> str:
    """A name from a file as it may stand in a sentence: one line, and not long."""
    return re.sub(r"[^\x20-\x7e]", "?", name[:_SHOWN_CHARACTERS])


def printable(name: str) -> str:
    """The name of a person's own file or folder, in any script: one line, and not long."""
    return "".join(sign if sign.isprintable() else "?" for sign in name[:_SHOWN_CHARACTERS])


def first_of(names: Iterable[str]) -> str:
    """The first few names, as they may stand in a sentence."""
    several = [shown(name) for name in names]
    return ", ".join(several[:_SHOWN_NAMES] + ["…"] * (len(several) > _SHOWN_NAMES))


# Before these a spreadsheet takes a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: str | float) -> str:
    """Anybody's text as no formula, a figure with all its digits, nothing for NaN."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if math.isnan(value) else repr(float(value))
