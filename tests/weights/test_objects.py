"""The generator of objects: exact silhouettes, within bounds, the same for a seed."""

import numpy as np
import pytest

from tests.table import every
from weights import evaluation, make, pictures, truth
from weights.generators.objects import pictures as objects
from weights.generators.objects.outlines import Part, Thing, oval, roughened
from weights.generators.objects.render import Light, cast_shadow, covered, draw
from weights.generators.objects.textures import lookup

SIZE = 48
LIGHT = Light((-1.0, 0.0), 0.5)
SQUARE = np.array([(10.0, 10.0), (29.5, 10.0), (29.5, 19.5), (10.0, 19.5)])


@pytest.fixture(scope="module")
def drawn():
    return pictures.generate("objects", seed=11, side=SIZE, count=60)


def test_a_subject_covers_a_bounded_share_or_there_is_none(drawn):
    shares = drawn[1].mean(axis=(1, 2))
    shown = shares[shares > 0]
    assert shown.min() >= objects.LEAST
    assert shown.max() <= objects.MOST


def test_a_few_pictures_are_empty_and_most_are_not(drawn):
    empty = (drawn[1].max(axis=(1, 2)) == 0).mean()
    assert 0 < empty < 0.2


def test_subjects_are_small_and_large(drawn):
    shares = drawn[1].mean(axis=(1, 2))
    assert (shares < 0.12).mean() > 0.1
    assert (shares > 0.35).mean() > 0.1


def test_most_pictures_use_much_of_the_range_of_brightness(drawn):
    spread = np.ptp(drawn[0].reshape(len(drawn[0]), -1), axis=1)
    assert np.median(spread) > 120


@every("family", [maker for maker, _ in objects.FAMILIES])
def test_a_family_makes_things_of_finite_parts(family):
    for seed in range(8):
        thing = family(np.random.default_rng(seed))
        corners = np.concatenate([part.outline for part in thing.parts])
        assert np.isfinite(corners).all()
        assert (np.ptp(corners, axis=0) > 0.05).all()


def test_the_shares_of_the_families_add_up_to_about_one():
    assert sum(share for _, share in objects.FAMILIES) == pytest.approx(1, abs=0.2)


def test_a_cover_is_one_inside_its_outline_and_zero_outside():
    cover = covered(SQUARE, None, np.s_[0:SIZE, 0:SIZE])
    assert (cover[10:20, 10:30] == 1).all()
    assert cover.sum() == 10 * 20


def test_a_cover_does_not_depend_on_the_window_it_is_drawn_in():
    outline = oval(20, 20, 11, 7)
    whole = covered(outline, None, np.s_[0:SIZE, 0:SIZE])
    window = np.s_[10:30, 5:40]
    np.testing.assert_array_equal(covered(outline, None, window), whole[window])


def test_a_hole_is_not_covered():
    ring = covered(oval(24, 24, 15, 15), oval(24, 24, 8, 8), np.s_[0:SIZE, 0:SIZE])
    assert ring[24, 24] == 0
    assert ring[24, 12] == 1


def test_an_object_covers_the_union_of_its_parts():
    one, other = oval(16, 20, 9, 9), oval(30, 24, 8, 12)
    thing = Thing([Part(one, "a"), Part(other, "b")])
    found = draw(np.random.default_rng(0), thing, SIZE, LIGHT, 30.0).cover
    window = np.s_[0:SIZE, 0:SIZE]
    expected = np.maximum(covered(one, None, window), covered(other, None, window))
    np.testing.assert_array_equal(found, expected)


def test_what_lies_outside_the_picture_covers_nothing():
    thing = Thing([Part(SQUARE + 500, "a")])
    assert draw(np.random.default_rng(0), thing, SIZE, LIGHT, 20.0).cover.max() == 0


def test_a_shadow_falls_beside_the_object_too():
    cover = covered(SQUARE, None, np.s_[0:SIZE, 0:SIZE])
    dark = cast_shadow(np.random.default_rng(3), cover, LIGHT, grounded=False)
    assert dark[cover == 0].max() > 0.05


def test_a_rough_edge_stays_near_the_outline():
    outline = oval(0, 0, 1, 1)
    rough = roughened(np.random.default_rng(0), outline, 0.01)
    assert np.abs(np.hypot(*rough.T) - 1).max() < 0.08


def test_a_texture_is_continuous_where_it_is_mirrored():
    rows = np.linspace(-600, 600, 4801, dtype=np.float32)
    values = lookup(3, rows, np.full_like(rows, 40.0), 1.0)
    assert values.min() >= 0
    assert values.max() <= 1
    # A quarter of a texture's pixel moves a value by a quarter of the largest step at most.
    assert np.abs(np.diff(values)).max() <= 0.26


def test_hand_drawn_silhouettes_lie_on_their_photographs():
    shown, masks = truth.photographs(), truth.silhouettes()
    assert masks.keys() == shown.keys()
    for name, mask in masks.items():
        assert mask.shape == (shown[name].height, shown[name].width)
        assert 0.01 < mask.mean() < 0.8, name


def centred_ellipse(shape):
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    y, x = 2 * rows / shape[0] - 1, 2 * columns / shape[1] - 1
    return x * x + y * y < 0.6


@every("name", ["objects_unet", "objects_u2net_lite"])
def test_real_subjects_are_found_better_than_by_a_centred_ellipse(name):
    guesses = [
        evaluation.intersection_over_union(centred_ellipse(mask.shape), mask)
        for mask in truth.silhouettes().values()
    ]
    found = truth.scores(make.FOLDER / f"{name}.safetensors")
    assert np.mean(list(found.values())) > np.mean(guesses) + 0.1
    # The portrait, the cup with its saucer, the horse: most of the silhouette.
    assert min(found["astronaut"], found["coffee"], found["horse"]) > 0.6
