"""Colours that stay apart, whoever looks at them."""

import itertools
import re

import numpy as np

from segdemo.images.palettes import (
    CLASS_PALETTES,
    HEAT_COLOURS,
    PANEL_COLOURS,
    TRUTH_COLOURS,
    palette_for,
)
from tests.table import every

# Full colour blindness of each kind, linear RGB (Machado, Oliveira and Fernandes 2009).
VISIONS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour: str) -> np.ndarray:
    share = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(colour: str, vision: str) -> np.ndarray:
    xyz = XYZ @ np.clip(VISIONS[vision] @ linear(colour), 0, 1) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@every("colour", [*PANEL_COLOURS, *HEAT_COLOURS])
def test_a_colour_is_six_hexadecimal_digits(colour):
    assert re.fullmatch("#[0-9a-f]{6}", colour)


def test_four_panels_have_four_colours():
    assert len(set(PANEL_COLOURS)) == len(PANEL_COLOURS) == 4


@every("vision", VISIONS)
def test_any_two_panel_colours_stay_apart(vision):
    # 2.3 is a just noticeable difference; small areas over a picture need far more.
    for one, other in itertools.combinations(PANEL_COLOURS, 2):
        assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 35


@every("vision", VISIONS)
def test_right_wrong_and_missed_stay_apart(vision):
    for one, other in itertools.combinations(TRUTH_COLOURS.values(), 2):
        assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 35


@every("vision", VISIONS)
def test_the_heat_map_grows_lighter_all_the_way(vision):
    lightness = [lab(colour, vision)[0] for colour in HEAT_COLOURS]
    assert lightness == sorted(lightness)


# --- Classes ----------------------------------------------------------------------------------


@every("name", CLASS_PALETTES)
def test_a_class_has_a_colour_of_six_hexadecimal_digits(name):
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in CLASS_PALETTES[name])


@every("vision", VISIONS)
def test_any_two_classes_of_the_safe_palette_stay_apart(vision):
    colours = [lab(colour, vision) for colour in CLASS_PALETTES["safe"]]
    assert len(colours) == 24
    for one, other in itertools.combinations(colours, 2):
        assert np.linalg.norm(one - other) > 14


def test_the_colours_of_voc_are_those_that_its_authors_publish():
    published = ("#000000", "#800000", "#008000", "#808000", "#000080", "#800080", "#008080")
    voc = CLASS_PALETTES["voc"]
    assert voc[:7] == published
    assert (voc[8], voc[15], voc[20], voc[255]) == ("#400000", "#c08080", "#004080", "#e0e0c0")
    assert len(set(voc)) == 256


def test_the_data_sets_have_as_many_colours_as_classes():
    lengths = {name: len(colours) for name, colours in CLASS_PALETTES.items()}
    assert (lengths["cityscapes"], lengths["ade20k"], lengths["ade20k_background"]) == (
        19,
        150,
        151,
    )
    assert CLASS_PALETTES["cityscapes"][0] == "#804080"  # road
    assert CLASS_PALETTES["cityscapes"][13] == "#00008e"  # car
    assert CLASS_PALETTES["ade20k"][2] == "#06e6e6"  # sky


@every(
    ("names", "count", "palette"),
    [
        (("background", "aeroplane", "bicycle"), 21, "voc"),
        ((), 21, "voc"),
        (("background", "cell", "wall"), 21, "safe"),
        (("Road", "sidewalk", "building"), 19, "cityscapes"),
        ((), 150, "ade20k"),
        (("background", "wall", "building"), 151, "ade20k_background"),
        (("a", "b", "c"), 3, "safe"),
        ((), 24, "safe"),
        ((), 25, "voc"),
    ],
)
def test_a_palette_is_the_one_that_people_know(names, count, palette):
    assert palette_for(names, count) == palette
    assert len(CLASS_PALETTES[palette]) >= count
