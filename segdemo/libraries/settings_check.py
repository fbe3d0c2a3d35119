"""Checks the settings of a foreign config.json one by one against what is allowed."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from segdemo.errors import UnknownNetworkError
from segdemo.wording import one_line

Check = Callable[[Any], bool]

MOST_CHANNELS = 16384
MOST_CLASSES = 4096
_MOST_ENTRIES = 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}")


def checked(library: str, settings: Mapping[str, Any], allowed: Mapping[str, Check]) -> None:
    """Raise UnknownNetworkError for the first setting whose value is not allowed."""
    for name, value in settings.items():
        if name not in allowed or not allowed[name](value):
            refuse(library, name, value)


def refuse(library: str, name: str, value: object) -> NoReturn:
    """Raise UnknownNetworkError that names a setting and its value."""
    raise UnknownNetworkError(
        "library_setting",
        library=library,
        setting=one_line(name, limit=40),
        value=one_line(repr(value), limit=60),
    )


def is_name(value: Any) -> bool:
    """A plain word: no path, no repository, no address."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None and ".." not in value


def whole(low: int, high: int) -> Check:
    """Check for a whole number from ``low`` to ``high``."""
    return lambda value: type(value) is int and low <= value <= high


def wholes(low: int, high: int) -> Check:
    """Check for a short list of whole numbers from ``low`` to ``high``."""
    one = whole(low, high)
    return lambda value: (
        isinstance(value, list | tuple) and 0 < len(value) <= _MOST_ENTRIES and all(map(one, value))
    )


def one_of(*values: Any) -> Check:
    """Check for one of a few values; 1 is not True."""
    return lambda value: any(value == one and type(value) is type(one) for one in values)


def either(*checks: Check) -> Check:
    """Check that holds where one of several does."""
    return lambda value: any(check(value) for check in checks)


def is_share(value: Any) -> bool:
    """A number from 0 up to and without 1, as dropout has."""
    return isinstance(value, int | float) and type(value) is not bool and 0 <= value < 1


def is_flag(value: Any) -> bool:
    """True or False."""
    return isinstance(value, bool)


def known_among(names: Collection[str]) -> Check:
    """Check for one of many names."""
    return lambda value: isinstance(value, str) and value in names
