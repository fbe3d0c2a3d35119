"""The paired test is that of scipy; the interval covers what it should."""

import math

import numpy as np
import pytest
from scipy import stats

from segdemo.metrics.paired import bootstrap, difference, wilcoxon
from tests.table import every

RNG = np.random.default_rng(0)


@every("count", [1, 2, 5, 6, 13, 30, 50])
def test_p_is_exact_where_nothing_is_tied(count):
    for shift in (0.0, 0.4):
        gaps = RNG.normal(shift, 1, count)
        assert wilcoxon(gaps) == pytest.approx(stats.wilcoxon(gaps, method="exact").pvalue)


@every("count", [12, 51, 200])
def test_p_is_the_approximation_where_gaps_are_tied_zero_or_many(count):
    for gaps in (RNG.integers(-3, 5, count) / 8.0, RNG.normal(0.1, 1, max(count, 51))):
        expected = stats.wilcoxon(gaps, method="approx", correction=False).pvalue
        assert wilcoxon(gaps) == pytest.approx(expected)


def test_networks_that_say_the_same_have_no_p():
    assert math.isnan(wilcoxon(np.zeros(9)))
    assert math.isnan(wilcoxon(np.array([])))


def test_images_that_one_network_lacks_are_left_out():
    first, second = np.array([0.5, np.nan, 0.9, 0.7]), np.array([0.4, 0.2, np.nan, 0.8])
    found = difference(first, second)
    assert found.count == 2
    assert found.mean == pytest.approx(0)
    assert found.low <= found.mean <= found.high


def test_the_interval_is_that_of_scipy_within_its_own_noise():
    gaps = RNG.normal(0.2, 1, 40)
    theirs = stats.bootstrap((gaps,), np.mean, method="percentile", rng=1, vectorized=True)
    assert bootstrap(gaps) == pytest.approx(tuple(theirs.confidence_interval), abs=0.02)
    assert bootstrap(gaps) == bootstrap(gaps)
    assert all(map(math.isnan, bootstrap(np.array([1.0]))))
