"""Every text that a person reads, by key and language, from one table."""

import json
from functools import cache
from pathlib import Path

DEFAULT_LANGUAGE = "en"

_TABLE_PATH = Path(__file__).with_name("strings.json")


@cache
def table() -> dict[str, dict[str, str]]:
    """Key -> language -> text with ``{placeholders}``, as strings.json holds it."""
    entries: dict[str, dict[str, str]] = json.loads(_TABLE_PATH.read_text(encoding="utf-8"))
    return entries


def text(key: str, language: str = DEFAULT_LANGUAGE, /, **facts: str | float) -> str:
    """The text of ``key`` with its placeholders filled; English where a language lacks it.

    An unknown key or a missing fact is a mistake of ours and raises KeyError.
    """
    entry = table()[key]
    template = entry.get(language, entry[DEFAULT_LANGUAGE])
    return template.format(**facts)


def section(prefix: str, language: str = DEFAULT_LANGUAGE) -> dict[str, str]:
    """All texts whose key begins with ``prefix``, unfilled, the prefix cut off."""
    return {
        key.removeprefix(prefix): entry.get(language, entry[DEFAULT_LANGUAGE])
        for key, entry in table().items()
        if key.startswith(prefix)
    }
