"""HD95 and surface Dice against scipy's exact distance transform, by MONAI's rule."""

import numpy as np
import pytest
from scipy import ndimage

from segdemo.images.masks import VOID
from segdemo.metrics.distances import TOLERANCE, surface, surface_distances
from segdemo.metrics.outlines import boundary_f, outlines
from tests.table import every

RNG = np.random.default_rng(0)


def blobs(seed, size=(60, 90), share=0.3):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=size), 4)
    return noise > np.quantile(noise, 1 - share)


def of_scipy(found, truth):
    """HD95 and surface Dice as MONAI computes them of masks that are not empty."""
    edges = [mask ^ ndimage.binary_erosion(mask) for mask in (found, truth)]
    away = [ndimage.distance_transform_edt(~edge) for edge in edges]
    both = away[1][edges[0]], away[0][edges[1]]
    hd95 = max(np.percentile(each, 95) for each in both)
    near = sum((each <= TOLERANCE).sum() for each in both)
    return hd95, near / sum(map(len, both))


@every(
    ("found", "truth"),
    [
        *((blobs(seed), blobs(seed + 100)) for seed in range(6)),
        (blobs(1), blobs(1)),
        (RNG.random((40, 50)) > 0.5, RNG.random((40, 50)) > 0.5),
        (np.ones((20, 30), bool), blobs(7, (20, 30))),
        (np.eye(30, 200, dtype=bool), np.eye(30, 200, k=150, dtype=bool)),
        (np.pad(np.ones((1, 1), bool), 9), np.pad(np.ones((1, 1), bool), ((0, 18), (18, 0)))),
    ],
    ids=lambda mask: str(mask.shape),
)
def test_distances_are_those_of_an_exact_transform(found, truth):
    ours = surface_distances(found, truth)
    assert (ours.hd95, ours.nsd) == pytest.approx(of_scipy(found, truth), abs=1e-12)
    np.testing.assert_array_equal(surface(found), found ^ ndimage.binary_erosion(found))


def test_a_mask_that_is_empty_has_no_distance_and_no_surface_in_common():
    empty, full = np.zeros((9, 9), bool), np.ones((9, 9), bool)
    assert np.isnan(surface_distances(empty, empty).nsd)
    for found, truth in ((empty, full), (full, empty)):
        ours = surface_distances(found, truth)
        assert ours.nsd == 0
        assert np.isnan(ours.hd95)


def test_masks_of_two_sizes_are_a_mistake():
    with pytest.raises(ValueError, match="one image"):
        surface_distances(np.zeros((2, 2), bool), np.zeros((2, 3), bool))


def test_the_boundary_score_of_one_mask_is_that_of_all_thresholds():
    for seed in range(4):
        q = RNG.integers(0, 256, (30, 40), dtype=np.uint8)
        truth = blobs(seed, (30, 40)).astype(np.uint8)
        truth[:3] = VOID
        expected = outlines(q, truth).f_score
        for k in (1, 100, 255):
            assert boundary_f(q >= k, truth) == pytest.approx(expected[k], nan_ok=True)
