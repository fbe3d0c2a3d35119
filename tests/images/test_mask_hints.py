"""Doubts about a mask: only what fits far better is told, and what a network cannot mean."""

import io

import numpy as np
from PIL import Image

from segdemo.images.mask_hints import better_readings, class_hints
from segdemo.images.masks import VOID, decode_truth
from tests.table import every

Y, X = np.mgrid[:60, :60]
DISC = (Y - 22) ** 2 + (X - 34) ** 2 < 15**2
TWO = np.where((Y - 48) ** 2 + (X - 12) ** 2 < 8**2, 2, DISC)


def mask(values):
    stream = io.BytesIO()
    Image.fromarray(np.asarray(values).astype(np.uint8)).save(stream, "PNG")
    return decode_truth(stream.getvalue(), max_megapixels=9)


def names(values, found, **options):
    return [one.name for one in better_readings(mask(values), found, **options)]


@every(
    ("values", "best"),
    [
        (255 - DISC * 255, "inverse"),
        (np.where(TWO == 2, 0, np.where(DISC, 128, 255)), "ground=255"),
        (np.rot90(DISC) * 255, "rotated_270"),
        (np.rot90(DISC, 3) * 255, "rotated_90"),
        (DISC.T * 255, "transposed"),
        (DISC[:, ::-1] * 255, "flipped_horizontally"),
        (np.where(DISC, 1, np.where(X < 6, 0, 2)), "ground=2"),
    ],
)
def test_the_reading_that_fits_a_prediction_is_named(values, best):
    found = TWO > 0 if best == "ground=255" else DISC
    (first, *_) = better_readings(mask(values), found)
    assert first.name in (best, f"{best},void=0") or best == "ground=2"
    assert mask(values).read_as(first.name).foreground().sum() > 0
    assert first.dice > 0.95
    assert first.now < first.dice - 0.25
    assert f'"{first.name}"' in first.notice.message()


def test_a_turn_is_found_also_of_another_reading():
    found = TWO + 1
    stored = np.rot90(found)
    assert [notice.key for notice in mask(stored).notices] == ["truth_from_1"]
    assert names(stored, found)[0] == "labels,rotated_270"


def test_a_large_mask_is_compared_in_time():
    large = np.kron(TWO, np.ones((40, 40), int))
    assert names((2 - large)[:, ::-1] * 127, large > 0)[0].startswith("ground=254")


def test_a_shift_by_one_label_is_named():
    shifted = np.where(X < 3, 0, TWO + 1) + 4 * (X > 56)
    found = np.where(X > 56, TWO + 4, TWO)
    assert names(shifted, found)[0] == "count_from_1"


def test_nothing_is_told_where_the_mask_fits_or_nothing_fits():
    rng = np.random.default_rng(0)
    assert names(DISC * 255, DISC) == []
    assert names(DISC * 255, DISC & (rng.random(DISC.shape) < 0.7)) == []
    for share in (0.1, 0.5, 0.9):
        assert names(DISC * 255, rng.random(DISC.shape) < share) == []


def test_a_reading_that_says_less_is_not_better():
    flipped = TWO[:, ::-1] + 1
    assert "foreground" not in names(flipped, TWO + 1)


def test_labels_beyond_the_classes_are_told_with_what_mends_them():
    ids = mask(np.choose(TWO, [7, 24, 26]))
    (hint,) = class_hints(ids, 19)
    assert (hint.key, hint.reading) == ("truth_beyond", "cityscapes_ids")
    (hint,) = class_hints(mask(np.choose(TWO, [0, 3, 2])), 3)
    assert hint.reading == "count_from_1"
    assert not class_hints(mask(TWO), 3)
    assert not class_hints(mask(DISC), 3)
    (hint,) = class_hints(mask(np.choose(TWO, [0, 90, 93])), 3)
    assert hint.reading == "foreground"


def test_what_says_nothing_is_not_compared():
    unsure = np.where(X < 30, VOID, np.where(DISC, 1, 0))
    seen = np.where(X < 30, True, DISC)
    assert names(unsure, seen) == []
