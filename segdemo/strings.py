"""Looks up every text that a person reads, by key and language, in one table."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

DEFAULT_LANGUAGE = "en"
LANGUAGES = {"en": "English", "zh": "中文"}
"""What a language is called by those who speak it."""

_TABLE_PATH = Path(__file__).with_name("strings.json")
_CURRENT = ContextVar("language", default=DEFAULT_LANGUAGE)


@cache
def table() -> dict[str, dict[str, str]]:
    """Key -> language -> text with ``{placeholders}``, as strings.json holds it."""
    entries: dict[str, dict[str, str]] = json.loads(_TABLE_PATH.read_text(encoding="utf-8"))
    return entries


def language() -> str:
    """The language that texts are in where none is asked for."""
    return _CURRENT.get()


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Within it texts are in that language; another thread goes on in its own."""
    token = _CURRENT.set(name)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def nearest(tags: Iterable[str]) -> str:
    """The first of the tags (BCP 47 or POSIX) that is of a language here, else English.

    Every Chinese one is taken for Simplified Chinese: "zh", "zh-TW", "zh_CN.UTF-8".
    """
    names = (tag.strip().lower().replace("_", "-").split("-")[0] for tag in tags)
    return next((name for name in names if name in LANGUAGES), DEFAULT_LANGUAGE)


def text(key: str, name: str | None = None, /, **facts: str | float) -> str:
    """The text of ``key`` with its placeholders filled, in the current language or ``name``.

    English where that language lacks it. An unknown key or a missing fact is a mistake of
    ours and raises KeyError.
    """
    entry = table()[key]
    return entry.get(name or language(), entry[DEFAULT_LANGUAGE]).format(**facts)


def section(prefix: str, name: str | None = None) -> dict[str, str]:
    """All texts whose key begins with ``prefix``, unfilled, the prefix cut off."""
    return {
        key.removeprefix(prefix): entry.get(name or language(), entry[DEFAULT_LANGUAGE])
        for key, entry in table().items()
        if key.startswith(prefix)
    }


def sections(prefix: str) -> dict[str, dict[str, str]]:
    """The same in all languages, by language: what switches in the browser needs them all."""
    return {name: section(prefix, name) for name in LANGUAGES}
