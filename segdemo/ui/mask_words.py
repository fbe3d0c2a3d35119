"""The readings of masks and what is said of them, in words for people."""

from dataclasses import replace
from functools import reduce

from segdemo.errors import PictureError
from segdemo.images.colour_tables import COLOUR_TABLES
from segdemo.images.mask_choices import words_of
from segdemo.images.notices import Notice
from segdemo.strings import text

_READINGS = ("reading", "other")
"""Facts of notices that are names of readings."""


def said(notice: Notice) -> str:
    """A notice with the readings that it names in words; programs get their names."""
    facts = notice.all_facts
    words = {key: _or_itself(str(facts[key])) for key in _READINGS if facts.get(key)}
    return replace(notice, facts={**facts, **words}).message()


def _or_itself(name: str) -> str:
    try:
        return in_words(name)
    except PictureError:
        return name


def in_words(name: str) -> str:
    """The name of a reading for people."""
    first, *others = (_word(word, value) for word, value in words_of(name))
    return reduce(lambda said, word: text("reading_and", words=said, word=word), others, first)


def _word(word: str, value: str) -> str:
    if word in COLOUR_TABLES:
        return text("reading_table", table=word)
    if value:
        return text(f"reading_{word}", value=value)
    return text(f"reading_{word}")
