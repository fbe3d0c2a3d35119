"""Makes foreign text and figures fit to be shown: printable, on one line, not too long."""

import math
import re
from collections.abc import Iterable

from segdemo.strings import text

_MAX_CHARACTERS = 80
_MAX_NAMES = 5
_MAX_FILE_NAME = 60
_UNITS = (
    (10**12, "amount_terabytes"),
    (10**9, "amount_gigabytes"),
    (10**6, "amount_megabytes"),
    (10**3, "amount_kilobytes"),
    (1, "amount_bytes"),
)
# A spreadsheet takes a text that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def amount(count: int) -> str:
    """Formats a number of bytes in decimal units: "160 GB", "1.5 MB", "16 bytes"."""
    unit, key = next(((unit, key) for unit, key in _UNITS if count >= unit), _UNITS[-1])
    whole = min(count // unit, 10**6)
    return text(key, count=f"{count / unit:.1f}" if unit > 1 and whole < 10 else whole)


def millions(count: int) -> str:
    """Formats a count in millions: "31.0", "1.9", and "0.03" where one decimal would say 0.0."""
    share = count / 10**6
    return f"{share:.1f}" if not count or share >= 0.05 else f"{share:.1g}"


def shown(name: str) -> str:
    """Replaces all but printable ASCII by "?", for names from inside a checkpoint file."""
    return re.sub(r"[^\x20-\x7e]", "?", name[:_MAX_CHARACTERS])


def printable(name: str) -> str:
    """Replaces unprintable characters by "?", for a user's own file names in any script."""
    return "".join(sign if sign.isprintable() else "?" for sign in name[:_MAX_CHARACTERS])


def first_of(names: Iterable[str]) -> str:
    """Joins the first five names by commas, with "…" where there are more."""
    several = [shown(name) for name in names]
    return ", ".join(several[:_MAX_NAMES] + ["…"] * (len(several) > _MAX_NAMES))


def one_line(foreign: object, *, limit: int = _MAX_CHARACTERS) -> str:
    """Collapses any text to one printable line of at most ``limit`` characters."""
    spaced = "".join(sign if sign.isprintable() else " " for sign in str(foreign)[: 8 * limit])
    line = " ".join(spaced.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def file_name(foreign: str, *, otherwise: str = "-", ascii_only: bool = False) -> str:
    """Turns any text into a part of a file name that is valid on every system.

    It has at most 60 letters, digits, ``_``, ``-``, ``.``, spaces and parentheses; with
    ``ascii_only``, as an HTTP header needs it, no other letters than ASCII's and no spaces. What is
    empty then becomes ``otherwise``.
    """
    allowed, strip = (r"[^A-Za-z0-9.]+", "-.") if ascii_only else (r"[^\w.() -]", " .")
    name = re.sub(allowed, "-", foreign).strip(strip)
    return name[:_MAX_FILE_NAME].strip(strip) or otherwise


def cell(value: str | float) -> str:
    """Formats a CSV cell: text escaped against formula injection, figures exact, NaN empty."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if math.isnan(value) else repr(float(value))
