"""Named colour tables, each colour as "#rrggbb"."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

PANEL_COLOURS: tuple[str, ...] = ("#10b0ff", "#ffb81c", "#ff3d8b", "#7733ff")
"""One colour a panel. Any two stay apart for every kind of colour blindness and over images."""

HEAT_COLOURS: tuple[str, ...] = (
    "#000004",
    "#160b39",
    "#420a68",
    "#6a176e",
    "#932667",
    "#bc3754",
    "#dd513a",
    "#f37819",
    "#fca50a",
    "#f6d746",
    "#fcffa4",
)
"""Probability 0 to 1 in equal steps: from dark to light, so that it also reads in grey."""

TRUTH_COLOURS: Mapping[str, str] = MappingProxyType(
    {"hit": "#f4f6fa", "wrong": "#e8590c", "missed": "#4dabf7", "unsaid": "#0b0d12"}
)
"""Found and right, found and wrong, not found, and nothing said."""


def _voc(number: int) -> str:
    """Bit 0 of the class number is the highest bit of red, bit 1 of green, bit 2 of blue; so on."""
    red = green = blue = 0
    for step in range(8):
        bits = number >> (3 * step)
        red |= (bits & 1) << (7 - step)
        green |= (bits >> 1 & 1) << (7 - step)
        blue |= (bits >> 2 & 1) << (7 - step)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _table(colours: str) -> tuple[str, ...]:
    return tuple(f"#{colour}" for colour in colours.split())


_CITYSCAPES = _table(
    """
    804080 f423e8 464646 66669c be9999 999999 faaa1e dcdc00 6b8e23 98fb98
    4682b4 dc143c ff0000 00008e 000046 003c64 005064 0000e6 770b20
    """
)

# Of the 150 classes of the MIT scene parsing benchmark, which has no background.
_ADE20K = _table(
    """
    787878 b47878 06e6e6 503232 04c803 787850 8c8c8c cc05ff e6e6e6 04fa07 e005ff ebff07 96053d
    787846 08ff33 ff0652 8fff8c ccff04 ff3307 cc4603 0066c8 3de6fa ff0633 0b66ff ff0747 ff09e0
    0907e6 dcdcdc ff095c 7009ff 08ffd6 07ffe0 ffb806 0aff47 ff290a 07ffff e0ff08 6608ff ff3d06
    ffc207 ff7a08 00ff14 ff0829 ff0599 0633ff eb0cff a09614 00a3ff 8c8c8c fa0a0f 14ff00 1fff00
    ff1f00 ffe000 99ff00 0000ff ff4700 00ebff 00adff 1f00ff 0bc8c8 ff5200 00fff5 003dff 00ff70
    00ff85 ff0000 ffa300 ff6600 c2ff00 008fff 33ff00 0052ff 00ff29 00ffad 0a00ff adff00 00ff99
    ff5c00 ff00ff ff00f5 ff0066 ffad00 ff0014 ffb8b8 001fff 00ff3d 0047ff ff00cc 00ffc2 00ff52
    000aff 0070ff 3300ff 00c2ff 007aff 00ffa3 ff9900 00ff0a ff7000 8fff00 5200ff a3ff00 ffeb00
    08b8aa 8500ff 00ff5c b800ff ff001f 00b8ff 00d6ff ff0070 5cff00 00e0ff 70e0ff 46b8a0 a300ff
    9900ff 47ff00 ff00a3 ffcc00 ff008f 00ffeb 85ff00 ff00eb f500ff ff007a fff500 0abed4 d6ff00
    00ccff 1400ff ffff00 0099ff 0029ff 00ffcc 2900ff 29ff00 ad00ff 00f5ff 4700ff 7a00ff 00ffb8
    005cff b8ff00 0085ff ffd600 19c2c2 66ff00 5c00ff
    """
)

CLASS_PALETTES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # The first is grey, for the background; then those of Okabe and Ito without their black;
        # then those that stay furthest from all before them for every kind of colour blindness.
        "safe": _table(
            """
            606060 e69f00 56b4e9 009e73 f0e442 0072b2 d55e00 cc79a7
            782d0f 9600f0 c3f0c3 69ff87 692d69 a578ff 3c2da5 96a55a
            d2c3e1 96003c d2a5a5 a55a2d d20fb4 875a87 a50fd2 96c387
            """
        ),
        "voc": tuple(_voc(number) for number in range(256)),
        "cityscapes": _CITYSCAPES,
        "ade20k": _ADE20K,
        "ade20k_background": ("#000000", *_ADE20K),
    }
)
"""For the classes of a network, in their order; see ``palette_for``."""

# What a data set's first classes are called tells it from others of as many classes.
_FIRST_NAMES = {
    "voc": ("background", "aeroplane", "bicycle"),
    "cityscapes": ("road", "sidewalk", "building"),
    "ade20k": ("wall", "building", "sky"),
    "ade20k_background": ("background", "wall", "building"),
}
_USUAL = {21: "voc", 19: "cityscapes", 150: "ade20k", 151: "ade20k_background"}


def palette_for(names: Sequence[str], count: int) -> str:
    """The palette in which people are used to see ``count`` classes, by their names if known.

    Where no data set is recognised, the one that everybody can tell apart, as far as it goes.
    """
    usual = _USUAL.get(count, "")
    first = tuple(name.strip().lower() for name in names[:3])
    if usual and (not names or first == _FIRST_NAMES[usual]):
        return usual
    return "safe" if count <= len(CLASS_PALETTES["safe"]) else "voc"


def class_colours(names: Sequence[str], count: int, palette: str = "") -> tuple[str, ...]:
    """One for each of ``count`` classes: of this palette, or of the usual one if it has fewer."""
    colours = CLASS_PALETTES.get(palette, ())
    if len(colours) < count:
        colours = CLASS_PALETTES[palette_for(names, count)]
    return colours[:count]
