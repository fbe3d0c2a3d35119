"""Other readings of a mask, by name: what a person or a program may choose instead.

A name is made of words with commas between them: what the values are (``labels``,
``foreground``, ``instances``, ``probabilities``, ``greys``, ``colours``, ``trimap``, or a data
set such as ``voc``), then what is different from there: ``ground=255``, ``void=250``,
``count_from_1``, ``inverse``, ``rotated_90``, ``transposed``. What is not said is as it would be
read anyway. ``plane=2`` chooses a page or channel of the file.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from segdemo.errors import PictureError
from segdemo.images.colour_tables import CITYSCAPES_IDS, COLOUR_TABLES, GREY_TABLES
from segdemo.images.labels import VOID
from segdemo.images.mask_census import Census
from segdemo.images.mask_reading import TURNS, Kind, MaskReading, shown
from segdemo.images.mask_readings import (
    ground_colour,
    has_void,
    likeliest,
    spread,
    top_of,
    trimap,
)

_WORD = re.compile(r"(?P<name>[a-z0-9_]+)(=(?P<value>-?[0-9.]+|#[0-9a-f]{6}))?")
KIND_NAMES = (
    *("labels", "foreground", "instances", "probabilities", "greys", "colours", "trimap"),
    *(*COLOUR_TABLES, "cityscapes_ids"),
)
_WHOLE = (*KIND_NAMES, "count_from_1")
"""Words that say by themselves what all values are."""
_MOST_CHIPS = 8
"""Of more values none is offered as ground or void by itself."""
_MANY = 16
"""So many values may be shades of probabilities."""
_MOST_LABEL = 254


def plane_named(name: str) -> int | None:
    """The page or channel that a reading asks for."""
    for word in _words(name):
        if word["name"] == "plane":
            return int(float(word["value"] or 0))
    return None


def reading_named(name: str, census: Census) -> MaskReading:
    """The reading of this name for masks with these values. Raises PictureError for no name."""
    kinds = [word["name"] for word in _words(name) if word["name"] in KIND_NAMES]
    if len(kinds) > 1:
        raise _unknown(name)
    reading = _of_kind(kinds[0], census) if kinds else likeliest(census)
    for word in _words(name):
        reading = _changed(reading, word, census, name)
    return replace(reading, name=name, notices=() if kinds else reading.notices)


def _words(name: str) -> list[dict[str, str]]:
    words = []
    for part in name.split(","):
        found = _WORD.fullmatch(part.strip())
        if found is None:
            raise _unknown(name)
        words.append(found.groupdict())
    return words


def words_of(name: str) -> list[tuple[str, str]]:
    """Each word of a name and its value: [("labels", ""), ("void", "250")]. Raises PictureError."""
    return [(word["name"], word["value"] or "") for word in _words(name)]


def combined(chosen: str, added: str) -> str:
    """The name of the reading ``chosen`` with the word ``added``, which replaces its like.

    What the values are replaces all that was said of them; turns and planes stay. "" is the
    likeliest. Raises PictureError for no name.
    """
    (name, value), *_ = words_of(added)
    kept = [
        word for word in (words_of(chosen) if chosen else []) if not _replaces(name, value, word)
    ]
    kept.append((name, value))
    kept.sort(key=lambda word: _order(word[0]))
    return ",".join(f"{word}={said}" if said else word for word, said in kept)


def _replaces(name: str, value: str, word: tuple[str, str]) -> bool:
    """Whether a word of a name makes no sense any more beside one that is added."""
    other, said = word
    if name == "plane":
        return True
    if name in TURNS:
        return other in TURNS
    if name in _WHOLE:
        return other not in TURNS and other != "plane"
    if name == "void":
        return other in ("ground", "void") and said == value
    if name == "ground":
        return other in ("ground", "inverse") or (other == "void" and said == value)
    return other == name


def _order(name: str) -> int:
    """Words are heard one after the other: what the values are first, where they lie last."""
    if name in _WHOLE:
        return 0
    if name in TURNS:
        return 4
    return {"inverse": 1, "ground": 2, "void": 3}.get(name, 5)


def _unknown(name: str) -> PictureError:
    return PictureError("truth_reading", name=name[:80], choices=", ".join(KIND_NAMES))


def _value(word: Mapping[str, str], census: Census, name: str) -> float:
    """The value that a word speaks of, which has to occur."""
    said = word["value"] or ""
    try:
        value = int(said[1:], 16) if said.startswith("#") else float(said)
    except ValueError as error:
        raise _unknown(name) from error
    if value not in census.counts:
        found = ", ".join(named(value, census) for value in census.values[:_MANY])
        raise PictureError("truth_no_value", value=said, values=found)
    return value


def named(value: float, census: Census) -> str:
    """A value as a name holds it: "250", or "#ff0000" for a colour."""
    return f"#{int(value):06x}" if census.coloured else shown(value)


# --- What values are --------------------------------------------------------------------------


def _of_kind(kind: str, census: Census) -> MaskReading:
    values = census.values
    if kind == "trimap":
        return trimap() if not {1, 2, 3}.isdisjoint(values) else _trimap_of_greys(values)
    if kind == "cityscapes_ids":
        places = {number: place for place, number in enumerate(CITYSCAPES_IDS)}
        labels = {value: places.get(int(value), VOID) for value in values}
        return MaskReading(name=kind, kind="labels", labels=labels)
    if kind in COLOUR_TABLES:
        table = COLOUR_TABLES[kind] if census.coloured else GREY_TABLES.get(kind, {})
        labels = {value: table.get(int(value), VOID) for value in values}
        return MaskReading(name=kind, kind="colours", labels=labels)
    if kind in ("colours", "greys") or (kind == "labels" and census.coloured):
        return _in_order(census, kind)
    if kind == "labels":
        labels = {value: int(value) if 0 <= value <= _MOST_LABEL else VOID for value in values}
        if len(values) > 2 and has_void(values):
            labels[values[-1]] = VOID
        return MaskReading(name=kind, kind="labels", labels=labels)
    top = top_of(values[-1])
    white = values[-1] >= top - 1 and len(values) > 2
    if kind == "probabilities" or (kind == "foreground" and white and not census.coloured):
        half = (top + 1) // 2
        cut: Kind = "probabilities" if kind == "probabilities" else "foreground"
        return MaskReading(name=kind, kind=cut, labels={}, cut=half)
    ground = ground_colour(census.counts) if census.coloured else 0
    labels = {value: int(value != ground) for value in values}
    return MaskReading(
        name=kind,
        kind="instances" if kind == "instances" else "foreground",
        labels=labels,
        otherwise=1,
    )


def _trimap_of_greys(values: list[float]) -> MaskReading:
    """The lowest is the ground, the highest the thing; nothing is sure of those between."""
    labels = {**dict.fromkeys(values, VOID), values[0]: 0, values[-1]: 1}
    return MaskReading(name="trimap", kind="foreground", labels=labels)


def _in_order(census: Census, kind: str) -> MaskReading:
    """Each value is a class of its own, the lowest 0, unless they are spread in equal steps."""
    values = census.values
    steps = None if census.coloured or not values else spread(values, top_of(values[-1]))
    labels = steps or {value: min(place, _MOST_LABEL) for place, value in enumerate(values)}
    return MaskReading(name=kind, kind="colours" if census.coloured else "labels", labels=labels)


# --- What is different ------------------------------------------------------------------------


def _changed(
    reading: MaskReading, word: Mapping[str, str], census: Census, name: str
) -> MaskReading:
    kind = word["name"]
    if kind in TURNS:
        return replace(reading, turn=kind)
    if kind == "void":
        value = _value(word, census, name)
        return replace(reading, labels={**reading.labels, value: VOID})
    if kind == "ground":
        return _with_ground(reading, _value(word, census, name), census)
    if kind == "inverse":
        labels = {
            value: label if label == VOID else int(label == 0)
            for value, label in reading.labels.items()
        }
        return replace(reading, labels=labels, inverted=not reading.inverted)
    if kind == "count_from_1":
        labels = {
            value: label if label == VOID else (label - 1 if label else VOID)
            for value, label in _of_kind("labels", census).labels.items()
        }
        return replace(reading, labels=labels, cut=None, kind="labels")
    if kind in KIND_NAMES or kind == "plane":
        return reading
    raise _unknown(name)


def _with_ground(reading: MaskReading, value: float, census: Census) -> MaskReading:
    """Other values keep their labels; what was the ground gets the number that is free now."""
    labels = {found: reading.label_of(found) for found in census.values}
    said = sorted({label for label in labels.values() if label != VOID})
    free = labels[value]
    if free == VOID:
        free = 1
    if len(said) <= 2:
        changed = {
            found: label if label == VOID else int(found != value)
            for found, label in labels.items()
        }
    elif free == said[-1]:
        # The highest is the ground: classes count down from it.
        changed = {
            found: label if label == VOID else free - label for found, label in labels.items()
        }
    else:
        changed = {found: free if label == 0 else label for found, label in labels.items()}
    return replace(reading, labels={**changed, value: 0}, cut=None, inverted=False)


# --- What there is to choose from -------------------------------------------------------------


def other_readings(census: Census, reading: MaskReading) -> tuple[str, ...]:
    """The names of readings that give these masks other labels, the likelier first."""
    told = {outcome_of(reading, census)}
    names = []
    for name in _candidates(census, reading):
        try:
            outcome = outcome_of(reading_named(name, census), census)
        except PictureError:
            continue
        if outcome not in told:
            told.add(outcome)
            names.append(name)
    return tuple(names)


def outcome_of(reading: MaskReading, census: Census) -> tuple[object, ...]:
    """What a reading makes of masks with these values; equal where all labels are."""
    return (reading.turn, *(reading.label_of(value) for value in census.values))


def _candidates(census: Census, reading: MaskReading) -> Iterator[str]:
    values = census.values
    yield "inverse"
    if census.coloured:
        yield from ("colours", "foreground")
        yield from (
            name for name, table in COLOUR_TABLES.items() if all(v in table for v in values)
        )
    else:
        yield from ("labels", "foreground", "instances")
        if 2 < len(values) <= _MANY:
            yield from ("greys", "trimap") if len(values) == 3 else ("greys",)
        if values[0] >= 0 and values[-1] <= _MOST_LABEL + 1 and len(values) > 1:
            yield "count_from_1"
        if CITYSCAPES_IDS[0] <= values[-1] <= VOID and {0, *values} <= {*range(34), VOID}:
            yield "cityscapes_ids"
        if all(value in GREY_TABLES["voc"] for value in values):
            yield "voc"
        if len(values) > _MANY:
            yield "probabilities"
    if len(values) <= _MOST_CHIPS:
        yield from (f"ground={named(value, census)}" for value in values)
        if len(values) > 2:
            yield from (f"void={named(value, census)}" for value in values)
    yield from TURNS
