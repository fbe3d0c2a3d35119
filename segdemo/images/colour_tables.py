"""The colours and numbers by which data sets store their classes."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from segdemo.images.palettes import CLASS_PALETTES

_VOID = 255

SATURATED = frozenset(
    (red << 16) | (green << 8) | blue for red in (0, 255) for green in (0, 255) for blue in (0, 255)
)
"""Black, white, red and so on: anybody's colours, and no data set's own."""


def _table(colours: Iterable[str], void: Iterable[str] = ()) -> dict[int, int]:
    """Colour -> label; of equal colours the first class has it."""
    known = dict.fromkeys((int(colour[1:], 16) for colour in void), _VOID)
    for number, colour in reversed(list(enumerate(colours))):
        known[int(colour[1:], 16)] = number
    return known


COLOUR_TABLES: Mapping[str, Mapping[int, int]] = MappingProxyType(
    {
        "voc": _table(CLASS_PALETTES["voc"][:21], ("#e0e0c0",)),
        "cityscapes": _table(
            CLASS_PALETTES["cityscapes"],
            # What Cityscapes annotates beyond the classes that networks are trained on.
            (
                *("#000000", "#6f4a00", "#510051", "#faaaa0", "#e6968c", "#b4a5b4", "#966464"),
                *("#96785a", "#00005a", "#00006e"),
            ),
        ),
        "ade20k": _table(CLASS_PALETTES["ade20k_background"]),
        # Of Potsdam and Vaihingen; all of them are saturated.
        "isprs": _table(("#ffffff", "#0000ff", "#00ffff", "#00ff00", "#ffff00", "#ff0000")),
        "segdemo": _table(CLASS_PALETTES["safe"]),
    }
)
"""Data set -> red << 16 | green << 8 | blue -> label."""


def _grey(code: int) -> int:
    """The grey of a colour as Pillow converts it (ITU-R 601-2)."""
    red, green, blue = code >> 16, code >> 8 & 0xFF, code & 0xFF
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16


def _greys(table: Mapping[int, int]) -> dict[int, int]:
    """Grey -> label. Where two classes share a grey, the first has it."""
    found: dict[int, int] = {}
    for code, label in sorted(table.items(), key=lambda entry: entry[1]):
        found.setdefault(_grey(code), label)
    return found


GREY_TABLES: Mapping[str, Mapping[int, int]] = MappingProxyType(
    {"voc": _greys(COLOUR_TABLES["voc"])}
)
"""What is left of the colours when a mask is made grey."""

SATURATED_GREYS = frozenset(map(_grey, SATURATED)) - {0}
"""What is left of saturated colours when a mask is made grey."""

CITYSCAPES_IDS: tuple[int, ...] = (
    *(7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33),
)
"""The 19 numbers of labelIds that networks are trained on, in the order of their classes."""
