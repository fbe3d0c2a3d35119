"""What the page says of the reading of a mask, and what there is to choose."""

import io

import numpy as np
import pytest
from PIL import Image

from segdemo.images.mask_choices import KIND_NAMES, combined, reading_named
from segdemo.images.mask_reading import TURNS
from segdemo.images.masks import decode_truth
from segdemo.strings import LANGUAGES, speaking
from segdemo.ui.intake.mask_panel import in_words, panel_of

HEIGHT, WIDTH = 24, 32


def mask_of(values, reading=None):
    with io.BytesIO() as file:
        Image.fromarray(np.asarray(values, np.uint8)).save(file, "PNG")
        return decode_truth(file.getvalue(), max_megapixels=1, reading=reading)


def black_and_white():
    values = np.zeros((HEIGHT, WIDTH))
    values[6:18, 8:20] = 255
    return values


def classes():
    values = np.zeros((HEIGHT, WIDTH))
    values[:4], values[4:6], values[6:7] = 1, 2, 255
    return values


def coloured():
    values = np.zeros((HEIGHT, WIDTH, 3))
    values[:4], values[4:6] = (255, 0, 0), (0, 255, 0)
    return values


KINDS = {"black and white": black_and_white, "classes": classes, "colours": coloured}


@pytest.mark.parametrize("drawn", KINDS.values(), ids=KINDS)
def test_every_reading_that_is_offered_can_be_chosen_and_changes_labels(drawn):
    values = drawn()
    first = mask_of(values)
    # What is chosen is added to, so that what is offered next has to hold as well.
    for chosen in ("", *(choice.name for choice in panel_of(first).choices)):
        mask = mask_of(values, chosen or None)
        panel = panel_of(mask, chosen)
        assert panel.chosen == bool(chosen)
        choices = [*panel.choices, *(choice for chip in panel.chips for choice in chip.choices)]
        names = [choice.name for choice in choices]
        assert names
        assert len({*names}) == len(names)
        alike = [
            name
            for name in names
            if (mask_of(values, name).fitted(first.size).labels == mask.labels).all()
        ]
        # Only what lies symmetrically is the same when it is turned.
        assert all(name.split(",")[-1] in TURNS for name in alike), (chosen, alike)


def test_turns_that_would_not_fit_the_picture_are_not_offered():
    panel = panel_of(mask_of(black_and_white()))
    names = {choice.name for choice in panel.choices}
    assert "rotated_180" in names
    assert not names & {"rotated_90", "rotated_270", "transposed", "transversed"}


def test_the_values_are_told_with_their_counts_and_what_they_stand_for():
    chips = panel_of(mask_of(classes())).chips
    told = [(chip.value, chip.means, chip.pixels) for chip in chips]
    assert told == [
        ("0", "ground", f"{17 * WIDTH} px"),
        ("1", "class 1", f"{4 * WIDTH} px"),
        ("2", "class 2", f"{2 * WIDTH} px"),
        ("255", "void", f"{WIDTH} px"),
    ]
    assert len({chip.colour for chip in chips}) == 4
    assert [choice.said for choice in chips[2].choices] == ["2 is the ground", "2 is void"]


def test_of_very_many_values_the_rest_is_counted():
    panel = panel_of(mask_of(np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 40, "labels"))
    assert (len(panel.chips), panel.more) == (12, "and 28 more values")


def test_a_choice_adds_to_what_was_chosen_before():
    values = classes()
    values[7:9] = 3
    panel = panel_of(mask_of(values, "void=2"), "void=2")
    assert panel.said == "Read as: class numbers, 2 is void."
    offered = {choice.said: choice.name for chip in panel.chips for choice in chip.choices}
    assert offered["1 is the ground"] == "ground=1,void=2"
    assert offered["2 is the ground"] == "ground=2"


def test_a_hint_brings_the_reading_that_mends_it_and_leaves_when_it_is_chosen():
    values = 255 - black_and_white()
    (hint,) = panel_of(mask_of(values)).hints
    assert "whole border" in hint.sentence
    assert hint.choice.name == "inverse"
    assert panel_of(mask_of(values, "inverse"), "inverse").hints == ()


def test_all_readings_have_words_of_their_own_in_every_language():
    names = [*TURNS, *KIND_NAMES, "inverse", "count_from_1", "ground=1", "void=1", "plane=2"]
    said = {}
    for language in LANGUAGES:
        with speaking(language):
            said[language] = [in_words(name) for name in names]
        assert len({*said[language]}) == len(names)
    assert all(one != other for one, other in zip(said["en"], said["zh"], strict=True))


@pytest.mark.parametrize(
    ("chosen", "added", "name"),
    [
        ("", "inverse", "inverse"),
        ("void=1", "void=2", "void=1,void=2"),
        ("void=1", "ground=1", "ground=1"),
        ("ground=1,rotated_90", "ground=2", "ground=2,rotated_90"),
        ("rotated_90", "rotated_270", "rotated_270"),
        ("ground=1,void=2,rotated_180", "labels", "labels,rotated_180"),
        ("inverse", "count_from_1", "count_from_1"),
        ("void=1", "plane=2", "plane=2"),
    ],
)
def test_a_word_of_a_reading_replaces_its_like(chosen, added, name):
    assert combined(chosen, added) == name
    assert combined(name, added) == name


def test_the_name_of_a_combination_is_read():
    mask = mask_of(classes())
    reading = reading_named(combined("void=2", "ground=1"), mask.census)
    assert [reading.label_of(value) for value in (1, 2)] == [0, 255]
