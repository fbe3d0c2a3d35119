"""Colours that stay apart, whoever looks at them."""

import itertools
import re

import numpy as np
import pytest

from segdemo.palettes import HEAT_COLOURS, PANEL_COLOURS

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


@pytest.mark.parametrize("colour", [*PANEL_COLOURS, *HEAT_COLOURS])
def test_a_colour_is_six_hexadecimal_digits(colour):
    assert re.fullmatch("#[0-9a-f]{6}", colour)


def test_four_panels_have_four_colours():
    assert len(set(PANEL_COLOURS)) == len(PANEL_COLOURS) == 4


@pytest.mark.parametrize("vision", VISIONS)
def test_any_two_panel_colours_stay_apart(vision):
    # 2.3 is a just noticeable difference; small areas over a picture need far more.
    for one, other in itertools.combinations(PANEL_COLOURS, 2):
        assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 35


@pytest.mark.parametrize("vision", VISIONS)
def test_the_heat_map_grows_lighter_all_the_way(vision):
    lightness = [lab(colour, vision)[0] for colour in HEAT_COLOURS]
    assert lightness == sorted(lightness)
