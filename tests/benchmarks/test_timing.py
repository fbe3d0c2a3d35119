"""Measuring in turn: what is counted, and what is compared with what."""

import pytest

from benchmarks.timing import in_turn, less


def test_every_way_runs_once_a_round_and_once_before_that_is_not_counted():
    runs = {"one": 0, "two": 0}
    clock = iter(range(1000))

    def way(name):
        def run():
            runs[name] += 1

        return run

    times = in_turn({name: way(name) for name in runs}, 3, lambda: float(next(clock)))
    assert runs == {"one": 4, "two": 4}
    assert times == {"one": [1.0] * 3, "two": [1.0] * 3}


def test_what_is_compared_was_measured_in_the_same_round():
    found = less([2.0, 40.0, 6.0], [1.0, 10.0, 2.0])
    assert (found.low, found.median, found.high) == (2.5, 3.0, 3.5)
    assert str(found) == "3.00× (2.50–3.50)"


def test_ratios_need_as_many_rounds_of_both():
    with pytest.raises(ValueError, match="zip"):
        less([1.0, 2.0], [1.0])
