"""What the values of masks most probably mean, of one mask or of a whole data set."""

import math
from collections.abc import Mapping
from dataclasses import replace

from segdemo.errors import PictureError
from segdemo.images.colour_tables import (
    CITYSCAPES_IDS,
    COLOUR_TABLES,
    GREY_TABLES,
    SATURATED,
    SATURATED_GREYS,
)
from segdemo.images.labels import VOID
from segdemo.images.mask_census import SURE_LABEL, SURE_LABELS, Census
from segdemo.images.mask_reading import Kind, MaskReading, shown
from segdemo.images.mask_values import MOST_COLOURS, WHITE
from segdemo.images.notices import Notice

_HALF = 128
_MOST_LABEL = 181
"""The highest class number in use (COCO-Stuff); values above are shades or objects."""
_MOST_CLASSES = 64
"""More values in one mask number objects."""
_LOWEST_SHADE = 100
"""Beside 0 alone, a value from here on is a shade and no label."""
_VOIDS = (255, 65535, 2**31 - 1, 2**32 - 1)
_FAR, _TIMES = _MOST_LABEL + 1, 10
"""A lone value so high, and so many times higher than all labels, is none of them."""
_MOST_VOIDED = 63
_SOFT_SHARE, _SOFTER_SHARE = 0.5, 0.75
"""Edges take less of a mask than this, and of one with much white less than that."""
_MUCH_WHITE = 0.1
_MOST_FROM_1 = 8
_FEW_GREYS = 16
"""So many different greys of 8 bits are classes in this order, more of them are objects."""
_ODDS = 20
"""Labels by chance are multiples of one step less often than once in so many times."""
_LEAST_STEP = 10
_NEAR = 1.5
"""How far evenly spread greys may be rounded."""
_LIGHTER = 64
"""Of 255: by so much the ground of two colours has to be darker to be known."""
_NEARLY_ALL = 5
"""Colours of a small table."""
_FEWEST_IDS = 3
_BLACK, _BRIGHT = 0, 0xFFFFFF


# --- The likeliest ----------------------------------------------------------------------------


def likeliest(census: Census) -> MaskReading:
    """What the masks of a data set, taken together, most probably mean.

    Raises PictureError when they look like no masks.
    """
    if census.labelled:
        # Those of a class that only shapes under others have, too.
        labels = {float(label): label for label in range(VOID)}
        return MaskReading(name="labels", kind="labels", labels=labels)
    if census.coloured:
        return _of_colours(census)
    if census.smeared:
        if census.values[-1] < _HALF:
            raise PictureError("truth_smeared")
        return _cut(_HALF, WHITE, "foreground")
    return _of_numbers(census)


def _of_numbers(census: Census) -> MaskReading:
    values = census.values
    void: list[float] = []
    negative = [value for value in values if value < 0]
    if negative and len(values) > 2:
        if len(negative) > 1:
            raise PictureError("truth_values", value=f"{values[0]:g}")
        void, values = negative, values[1:]
    if len(values) <= 2:
        return _voided(_of_two(values), void)
    top = top_of(values[-1])
    if census.soft:
        unknown = _unknown(census, top)
        if unknown is not None:
            return unknown
    named = None if census.soft else _of_grey_table(census)
    if named is not None:
        return named
    steps = None if census.soft else spread(values, top) or _of_saturated(values)
    if steps is not None:
        return _voided(_of_steps(steps), void)
    labels = values[:-1] if has_void(values) else values
    sure = len(labels) <= SURE_LABELS and labels[-1] <= SURE_LABEL
    few = not census.soft and census.most <= _MOST_CLASSES
    if sure or (few and labels[-1] <= _MOST_LABEL):
        return _voided(_of_labels(census, labels), [*void, *values[len(labels) :]])
    if not census.soft:
        if values[-1] <= WHITE and len(values) <= _FEW_GREYS:
            steps = {value: place for place, value in enumerate(values)}
            return _voided(_of_steps(steps), void)
        return _voided(_objects(values), void)
    if _is_photograph(census, top):
        raise PictureError("truth_photograph")
    return _cut((top + 1) // 2, top, "probabilities" if census.shares else "foreground")


def _is_photograph(census: Census, top: int) -> bool:
    white = sum(count for value, count in census.counts.items() if value >= 0.98 * top)
    much = white > _MUCH_WHITE * census.pixels
    return census.inner > (_SOFTER_SHARE if much else _SOFT_SHARE) * census.pixels


def top_of(highest: float) -> int:
    """What stands for white beside this value: all ones in as few bits as a file may have."""
    return next((2**bits - 1 for bits in (8, 10, 12, 14, 16) if highest < 2**bits), int(highest))


def has_void(values: list[float]) -> bool:
    """Whether the highest value lies apart from labels, as what nothing is said of."""
    second, highest = values[-2], values[-1]
    usual = highest in _VOIDS and 0 <= second <= _MOST_LABEL
    return usual or (second <= _MOST_VOIDED and highest >= max(_FAR, _TIMES * second))


def _of_two(values: list[float]) -> MaskReading:
    """One value or two: ground and thing, or one label."""
    highest = values[-1]
    if len(values) == 1:
        label = int(highest) if 0 <= highest < _LOWEST_SHADE else 1
        kind: Kind = "foreground" if highest >= _LOWEST_SHADE else "labels"
        return _covered(MaskReading(name=kind, kind=kind, labels={highest: label}))
    lowest = values[0]
    if lowest < 0 and highest <= 0:
        raise PictureError("truth_values", value=shown(lowest))
    if lowest == 0 and 0 < highest < _LOWEST_SHADE:
        return MaskReading(name="labels", kind="labels", labels={0: 0, highest: int(highest)})
    if (lowest, highest) == (1, 2):
        return _from_1([1, 2])
    if 0 < lowest <= _MOST_VOIDED and highest in _VOIDS:
        reading = MaskReading(name="labels", kind="labels", labels={lowest: int(lowest)})
        return _covered(_voided(reading, [highest]))
    if lowest > 0 and highest < _LOWEST_SHADE:
        labels = {lowest: int(lowest), highest: int(highest)}
        return _covered(MaskReading(name="labels", kind="labels", labels=labels))
    notices = (
        (Notice(key="truth_ground", facts={"value": shown(lowest)}, reading="inverse"),)
        if lowest > 0
        else ()
    )
    return MaskReading(
        name="foreground", kind="foreground", labels={lowest: 0, highest: 1}, notices=notices
    )


def _unknown(census: Census, top: int) -> MaskReading | None:
    """A trimap of ground, thing and a thin band of which nothing is sure between them."""
    values = census.values
    if len(values) != 3 or values[0] != 0 or values[2] < top - 1:
        return None
    if abs(values[1] - top / 2) > _NEAR * top / WHITE:
        return None
    notice = Notice(key="truth_void", facts={"value": shown(values[1])}, reading="greys")
    return MaskReading(
        name=f"foreground,void={shown(values[1])}",
        kind="foreground",
        labels={values[0]: 0, values[1]: VOID, values[2]: 1},
        notices=(notice,),
    )


def _of_grey_table(census: Census) -> MaskReading | None:
    """Colours of a data set that somebody made grey; low greys may as well be labels."""
    values = census.values
    for name, table in GREY_TABLES.items():
        high = [value for value in values if value > len(table)]
        if len(high) >= 2 and all(value in table for value in values):
            notice = Notice(key="truth_table", facts={"table": name}, reading="labels")
            labels = {value: table[int(value)] for value in values}
            return MaskReading(name=name, kind="colours", labels=labels, notices=(notice,))
    return None


def spread(values: list[float], top: int) -> dict[float, int] | None:
    """Value -> class, for classes that are spread over all greys so that people see them.

    They are k / n of white, or multiples of one step.
    """
    positive = [value for value in values if value > 0]
    if len(positive) < 2 or values[0] < 0:
        return None
    inner = len(positive) - 1
    if positive[-1] >= top - 1:
        for parts in range(2, 9):
            step = positive[-1] / parts
            found = {value: round(value / step) for value in positive}
            near = all(abs(value - step * n) <= _NEAR for value, n in found.items())
            enough = inner >= (1 if parts <= 3 else 2 if parts <= 5 else parts - 1)
            if near and enough and _are_classes(found):
                return {**({0: 0} if 0 in values else {}), **found}
    step = math.gcd(*(int(value) for value in positive))
    found = {value: int(value // step) for value in positive}
    if step >= _LEAST_STEP and step**inner >= _ODDS and _are_classes(found):
        return {**({0: 0} if 0 in values else {}), **found}
    return None


def _are_classes(found: Mapping[float, int]) -> bool:
    numbers = set(found.values())
    return len(numbers) == len(found) and min(numbers) > 0 and max(numbers) <= _MOST_LABEL


def _of_saturated(values: list[float]) -> dict[float, int] | None:
    """Value -> class in ascending order, for the greys of red, green, blue and their mixtures."""
    positive = [value for value in values if value > 0]
    if len(positive) < 2 or not all(value in SATURATED_GREYS for value in positive):
        return None
    return {value: place for place, value in enumerate([0, *positive])}


def _of_steps(steps: dict[float, int]) -> MaskReading:
    told = ", ".join(shown(value) for value in steps)
    facts: dict[str, str | float] = {"greys": told, "highest": max(steps.values())}
    notice = Notice(key="truth_greys", facts=facts, reading="foreground")
    return _covered(MaskReading(name="greys", kind="labels", labels=steps, notices=(notice,)))


def _of_labels(census: Census, labels: list[float]) -> MaskReading:
    if labels == [1, 2, 3] and _is_trimap(census):
        return trimap()
    if labels[0] == 1 and labels == list(range(1, len(labels) + 1)) and len(labels) <= _MOST_FROM_1:
        return _from_1(labels)
    numbers = {value: int(value) for value in labels}
    notices = (Notice(key="truth_ids", reading="cityscapes_ids"),) if _are_ids(labels) else ()
    return _covered(MaskReading(name="labels", kind="labels", labels=numbers, notices=notices))


def _are_ids(labels: list[float]) -> bool:
    """Whether labels may be those that Cityscapes annotates, instead of its 19 classes."""
    named = [label for label in labels if label]
    return (
        len(named) >= _FEWEST_IDS
        and named[-1] >= len(CITYSCAPES_IDS)
        and all(label in CITYSCAPES_IDS for label in named)
    )


def _is_trimap(census: Census) -> bool:
    """Whether 3 lies between 1 and 2, which hardly touch: thing, ground, and the border."""
    apart, first, second = (census.beside.get(pair, 0) for pair in ((1, 2), (1, 3), (2, 3)))
    return min(first, second) > _TIMES * apart


def trimap() -> MaskReading:
    """1 is the thing, 2 the ground, and 3 the border between them, as Oxford's pets have it."""
    notice = Notice(key="truth_trimap", reading="count_from_1")
    return MaskReading(
        name="trimap", kind="labels", labels={1: 1, 2: 0, 3: VOID}, notices=(notice,)
    )


def _from_1(labels: list[float]) -> MaskReading:
    notice = Notice(key="truth_from_1", facts={"highest": shown(labels[-1])}, reading="labels")
    return MaskReading(
        name="count_from_1",
        kind="labels",
        labels={value: int(value) - 1 for value in labels},
        notices=(notice,),
    )


def _objects(values: list[float]) -> MaskReading:
    notice = Notice(key="truth_objects", facts={"highest": shown(values[-1])}, reading="labels")
    labels = {value: int(value != 0) for value in values}
    return _covered(
        MaskReading(
            name="instances", kind="instances", labels=labels, otherwise=1, notices=(notice,)
        )
    )


def _cut(half: float, top: int, kind: Kind) -> MaskReading:
    notice = Notice(key="truth_cut", facts={"half": shown(half), "top": top})
    return MaskReading(name=kind, kind=kind, labels={}, cut=half, notices=(notice,))


def _voided(reading: MaskReading, void: list[float]) -> MaskReading:
    if not void:
        return reading
    labels = {**reading.labels, **dict.fromkeys(void, VOID)}
    notices = reading.notices
    if void[0] != VOID:
        told = ", ".join(shown(value) for value in void)
        notices = (*notices, Notice(key="truth_void", facts={"value": told}))
    return replace(reading, labels=labels, notices=notices)


def _covered(reading: MaskReading) -> MaskReading:
    """With a remark where no value is the ground."""
    if 0 in reading.labels.values() or not reading.labels:
        return reading
    notice = Notice(key="truth_covered", reading="count_from_1")
    return replace(reading, notices=(*reading.notices, notice))


# --- Colours ----------------------------------------------------------------------------------


def _of_colours(census: Census) -> MaskReading:
    found = census.values
    if len(found) > MOST_COLOURS:
        raise PictureError("truth_photograph")
    for name, table in COLOUR_TABLES.items():
        if all(code in table for code in found) and _are_own(found, table):
            labels = {code: table[int(code)] for code in found}
            return MaskReading(name=name, kind="colours", labels=labels)
    single = _one_channel(census)
    if single is not None:
        return single
    ground = ground_colour(census.counts)
    labels = {code: int(code != ground) for code in found}
    alone = len(found) == 2 and ground == _BLACK
    facts: dict[str, str | float] = {"ground": colour_name(ground), "count": len(found) - 1}
    notices = () if alone else (Notice(key="truth_coloured", facts=facts, reading="colours"),)
    return MaskReading(
        name="foreground", kind="foreground", labels=labels, otherwise=1, notices=notices
    )


def _are_own(found: list[float], table: Mapping[int, int]) -> bool:
    """Whether these colours of a table are no other's: two that are rare, or nearly all of it."""
    rare = [code for code in found if code not in SATURATED]
    return len(rare) >= 2 or len(found) >= max(_NEARLY_ALL, len(table) - 1)


def _one_channel(census: Census) -> MaskReading | None:
    """Where two channels are black everywhere, the third holds numbers as a grey mask does."""
    for shift in (16, 8, 0):
        numbers = [int(code) >> shift & 0xFF for code in census.values]
        alone = all(code == n << shift for code, n in zip(census.values, numbers, strict=True))
        if alone and len(numbers) > 2:
            counts: dict[float, int] = dict(zip(numbers, census.counts.values(), strict=True))
            reading = _of_numbers(replace(census, counts=counts, coloured=False))
            return replace(
                reading,
                labels={int(value) << shift: label for value, label in reading.labels.items()},
                cut=None if reading.cut is None else int(reading.cut) << shift,
            )
    return None


def ground_colour(counts: Mapping[float, int]) -> float:
    """Black, else white, else the clearly darker of two, else what most pixels have."""
    for usual in (_BLACK, _BRIGHT):
        if usual in counts:
            return usual
    if len(counts) == 2:
        lower, higher = sorted(counts, key=_brightness)
        if _brightness(higher) - _brightness(lower) >= _LIGHTER:
            return lower
    return max(counts, key=lambda code: counts[code])


def _brightness(code: float) -> float:
    red, green, blue = int(code) >> 16, int(code) >> 8 & 0xFF, int(code) & 0xFF
    return 0.299 * red + 0.587 * green + 0.114 * blue


def colour_name(code: float) -> str:
    """A colour as "#ff0000"."""
    return f"#{int(code):06x}"
