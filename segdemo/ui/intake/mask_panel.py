"""How a mask was read, and how else it may be, in the words of the page."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from segdemo.errors import PictureError
from segdemo.images.mask_census import Census
from segdemo.images.mask_choices import combined, outcome_of, reading_named, words_of
from segdemo.images.mask_reading import MaskReading
from segdemo.images.mask_readings import likeliest
from segdemo.images.masks import MaskValue, TruthMask, alike
from segdemo.inference.maps import level_of
from segdemo.inference.prediction import Prediction
from segdemo.outputs.render import View
from segdemo.outputs.truth_hints import truth_hints
from segdemo.strings import text
from segdemo.ui.intake.label_colours import colour_of
from segdemo.ui.mask_words import in_words, said
from segdemo.ui.viewer.payload import TruthHint

_MOST_CHIPS = 12
_DOUBT_SIDE = 512
"""Pixels of the longest side at which doubts are looked for."""
_LYING = ("rotated_90", "rotated_270", "transposed", "transversed")
"""Turns that exchange width and height."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Another reading, as a button."""

    name: str
    """As ``Handlers.truth`` takes it."""
    label: str
    said: str
    """The label for whoever does not see what it stands beside."""


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A value of the mask, what it stands for, and what it may be instead."""

    value: str
    means: str
    pixels: str
    colour: str
    """That of its label in the thumbnail: "#rrggbb"."""
    choices: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True)
class Hint:
    """A doubt about a reading, and the reading that mends it."""

    sentence: str
    choice: Choice


@dataclass(frozen=True, kw_only=True)
class MaskPanel:
    """What the page says of the reading of a mask."""

    said: str
    chips: tuple[Chip, ...]
    more: str
    """How many values are not told; "" where all are."""
    choices: tuple[Choice, ...]
    hints: tuple[Hint, ...]
    chosen: bool
    """Whether the visitor decided it."""


def panel_of(mask: TruthMask, chosen: str = "") -> MaskPanel | None:
    """How ``mask`` was read; ``chosen`` is the name of the reading that the visitor wanted.

    None where there is no file.
    """
    reading, census = mask.reading, mask.census
    if reading is None or census is None or mask.source is None:
        return None
    offered = dict(_offered(mask, census, chosen))
    told = mask.values[:_MOST_CHIPS]
    by_value = {f"{word}={one.value}" for one in told for word in ("ground", "void")}
    more = len(mask.source.counts) - len(told)
    return MaskPanel(
        said=text("reading_said", words=in_words(_whole_name(reading, census, chosen))),
        chips=tuple(_chip(one, mask, offered) for one in told),
        more=text("reading_more", count=more) if more > 0 else "",
        choices=tuple(
            Choice(name=name, label=in_words(word), said=in_words(word))
            for word, name in offered.items()
            if word not in by_value
        ),
        hints=tuple(_hints(mask, census, chosen)),
        chosen=bool(chosen),
    )


def hints_beside(
    prediction: Prediction, class_names: tuple[str, ...], mask: TruthMask
) -> Iterator[TruthHint]:
    """Doubts about a mask beside a network's answer, each with the button that mends it.

    They are looked for at a small size: of 150 classes the winners of a photo take seconds.
    """
    factor = min(1.0, _DOUBT_SIDE / max(mask.size))
    width, height = (max(1, round(side * factor)) for side in mask.size)
    view = View(
        prediction=replace(prediction, picture_size=(width, height)),
        threshold=level_of(prediction.threshold),
        class_names=class_names,
    )
    for notice in truth_hints(view, mask.at((width, height))):
        name = notice.reading
        label = text("reading_mend", words=in_words(name)) if name else ""
        yield TruthHint(sentence=said(notice), reading=name, label=label)


def _whole_name(reading: MaskReading, census: Census, chosen: str) -> str:
    """The name of a reading with what it does not say, because it is as it would be anyway."""
    try:
        name = likeliest(census).name
    except PictureError:
        # It was read only because somebody said how.
        name = reading.kind
    for word, value in words_of(chosen) if chosen else ():
        name = combined(name, f"{word}={value}" if value else word)
    return combined(name, reading.turn) if reading.turn else name


def _offered(mask: TruthMask, census: Census, chosen: str) -> Iterator[tuple[str, str]]:
    """Each word that makes other labels of the mask, and the reading's name with it."""
    assert mask.reading is not None
    assert mask.source is not None
    told = {outcome_of(mask.reading, census)}
    for word in mask.other_readings:
        if word in _LYING and not alike(mask.source.size[::-1], mask.size):
            continue
        name = combined(chosen, word)
        if word.startswith("plane="):
            yield word, name
            continue
        try:
            outcome = outcome_of(reading_named(name, census), census)
        except PictureError:
            continue
        if outcome not in told:
            told.add(outcome)
            yield word, name


def _chip(value: MaskValue, mask: TruthMask, offered: dict[str, str]) -> Chip:
    words = ((f"{word}={value.value}", f"reading_is_{word}") for word in ("ground", "void"))
    return Chip(
        value=value.value,
        means=_meaning(value, several=mask.several),
        pixels=text("reading_pixels", count=f"{value.pixels:,}"),
        colour=colour_of(value.label),
        choices=tuple(
            Choice(name=offered[word], label=text(key), said=in_words(word))
            for word, key in words
            if word in offered
        ),
    )


def _meaning(value: MaskValue, *, several: bool) -> str:
    if value.void:
        return text("reading_as_void")
    if value.label == 0:
        return text("reading_as_ground")
    return text("reading_as_class", label=value.label) if several else text("reading_as_thing")


def _hints(mask: TruthMask, census: Census, chosen: str) -> Iterator[Hint]:
    """Those notices that a choice mends; what was turned already needs none."""
    assert mask.reading is not None
    now = outcome_of(mask.reading, census)
    for notice in mask.notices:
        if not notice.reading:
            continue
        try:
            outcome = outcome_of(reading_named(notice.reading, census), census)
        except PictureError:
            continue
        if outcome != now:
            words = in_words(notice.reading)
            label = text("reading_mend", words=words)
            choice = Choice(name=notice.reading, label=label, said=label)
            yield Hint(sentence=said(notice), choice=choice)
