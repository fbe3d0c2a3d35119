"""Named colour tables, each colour as "#rrggbb"."""

PANEL_COLOURS: tuple[str, ...] = ("#10b0ff", "#ffb81c", "#ff3d8b", "#7733ff")
"""One colour a panel. Any two stay apart for every kind of colour blindness and over pictures."""

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
