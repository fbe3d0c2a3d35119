"""Readings that a visitor wants: one slot alone changes, nothing is lost by a mistake."""

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import SpecError
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.spec import NO_OVERRIDES
from segdemo.ui.handlers import Handlers
from segdemo.ui.shelf import Shelf
from segdemo.ui.viewer.readings.trials import CurrentTrials
from segdemo.ui.visitor import Visitor
from tests.ui.hub_fakes import FakeHub, remote_entry

NAMES = ["first", "last", None, None]


class Counting(Pool):
    """A pool that tells which networks ran, how they were read, and can be told to fail."""

    def __init__(self):
        super().__init__(Settings(device="cpu"))
        self.ran = []
        self.fails = lambda overrides: False

    def predict(self, path, picture, overrides=NO_OVERRIDES):
        self.ran.append((path.stem, overrides))
        if self.fails(overrides):
            raise ZeroDivisionError("a mistake of ours")
        return super().predict(path, picture, overrides)


@pytest.fixture
def pool():
    return Counting()


@pytest.fixture
def handlers(entries, pool):
    return Handlers(
        settings=Settings(device="cpu"),
        predictor=pool,
        shelf=Shelf(lambda: [*entries, remote_entry()], online=True),
        hub=FakeHub().access,
        examples=(),
    )


def compared(handlers, visitor, path, names=NAMES):
    *_, last = handlers.compare(visitor, path, names)
    return last.panels


def test_only_the_panel_that_is_read_otherwise_runs_again(handlers, visitor, pool, picture_path):
    before = compared(handlers, visitor, picture_path)
    handlers.rereading.reassume(visitor, NAMES, "slot-1", "preprocessing.divisor", "1")
    after = compared(handlers, visitor, picture_path)
    assert [name for name, _ in pool.ran] == ["first", "last", "last"]
    assert before[0] == after[0]
    assert before[1].map != after[1].map
    assert [one.name for one in after[1].assumed if one.changed] == ["preprocessing.divisor"]


def test_a_panel_that_is_reset_is_what_it_was_without_a_run(handlers, visitor, pool, picture_path):
    before = compared(handlers, visitor, picture_path)
    handlers.rereading.reassume(visitor, NAMES, "slot-0", "postprocessing.activation", "none")
    assert compared(handlers, visitor, picture_path) != before
    handlers.rereading.reset(visitor, NAMES, "slot-0")
    assert compared(handlers, visitor, picture_path) == before
    assert len(pool.ran) == 3


def test_a_panel_is_found_by_its_place_among_the_slots_that_are_filled(handlers, visitor):
    names = [None, "first", "no such checkpoint", "last"]
    handlers.rereading.reassume(visitor, names, "slot-1", "preprocessing.divisor", "1")
    assert [overrides == NO_OVERRIDES for _, overrides in handlers.chosen(visitor, names)] == [
        True,
        False,
    ]
    assert visitor.overrides.keys() == {3}


def test_one_checkpoint_in_two_slots_is_read_in_two_ways(handlers, visitor, picture_path):
    names = ["first", "first"]
    handlers.rereading.reassume(visitor, names, "slot-1", "preprocessing.divisor", "1")
    one, other = compared(handlers, visitor, picture_path, names)
    assert one.map != other.map


def test_a_reading_is_forgotten_once_another_checkpoint_has_taken_the_slot(handlers, visitor):
    handlers.rereading.reassume(visitor, NAMES, "slot-0", "preprocessing.divisor", "1")
    handlers.chosen(visitor, ["last", "first"])
    assert [overrides for _, overrides in handlers.chosen(visitor, NAMES)] == [NO_OVERRIDES] * 2


def test_readings_are_the_visitors_own(handlers, visitor):
    handlers.rereading.reassume(visitor, NAMES, "slot-0", "preprocessing.divisor", "1")
    assert [overrides for _, overrides in handlers.chosen(Visitor(), NAMES)] == [NO_OVERRIDES] * 2


def test_a_senseless_value_changes_nothing(handlers, visitor):
    handlers.rereading.reassume(visitor, NAMES, "slot-0", "preprocessing.divisor", "1")
    before = handlers.chosen(visitor, NAMES)
    with pytest.raises(SpecError):
        handlers.rereading.reassume(visitor, NAMES, "slot-0", "preprocessing.mean", "none")
    assert handlers.chosen(visitor, NAMES) == before


@pytest.mark.parametrize("panel", ["slot-2", "slot--1", "", "slot-0 ", "slot-00"])
def test_a_panel_that_is_not_there_changes_nothing(handlers, visitor, panel):
    handlers.rereading.reassume(visitor, NAMES, panel, "preprocessing.divisor", "1")
    handlers.rereading.reset(visitor, NAMES, panel)
    handlers.rereading.begin_trials(visitor, NAMES, panel)
    handlers.rereading.choose(visitor, NAMES, panel, "trial-0")
    assert (visitor.overrides, visitor.of(CurrentTrials).trials) == ({}, None)


def test_what_is_not_on_this_disk_cannot_be_read_otherwise(handlers, visitor):
    handlers.rereading.reassume(visitor, ["far"], "slot-0", "preprocessing.divisor", "1")
    handlers.rereading.begin_trials(visitor, ["far"], "slot-0")
    assert (visitor.overrides, visitor.of(CurrentTrials).trials) == ({}, None)


def test_a_panel_that_fails_still_tells_what_was_assumed_so_that_it_can_be_reset(
    handlers, visitor, pool, picture_path
):
    pool.fails = lambda overrides: overrides != NO_OVERRIDES
    handlers.rereading.reassume(visitor, NAMES, "slot-0", "preprocessing.side", "16384")
    failed, _ = compared(handlers, visitor, picture_path)
    assert failed.status == "failed"
    assert [one.raw for one in failed.assumed if one.changed] == ["16384"]
    handlers.rereading.reset(visitor, NAMES, "slot-0")
    assert compared(handlers, visitor, picture_path)[0].status == "ready"


def test_trials_come_one_by_one_and_the_present_reading_is_the_chosen_one(
    handlers, visitor, picture_path
):
    compared(handlers, visitor, picture_path)
    handlers.rereading.begin_trials(visitor, NAMES, "slot-1")
    told = [payload.panels for payload in handlers.compare(visitor, picture_path, NAMES)]
    counts = [len(panels[1].trials) for panels in told]
    assert counts == sorted(counts)
    assert set(counts) == set(range(11))
    assert [trial.chosen for trial in told[-1][1].trials] == [True, *[False] * 9]
    assert not any(panels[0].trials for panels in told)


def test_the_trial_that_is_chosen_is_what_the_panel_then_shows_without_a_run(
    handlers, visitor, pool, picture_path
):
    handlers.rereading.begin_trials(visitor, NAMES, "slot-1")
    trials = compared(handlers, visitor, picture_path)[1].trials
    runs = len(pool.ran)
    handlers.rereading.choose(visitor, NAMES, "slot-1", trials[3].id)
    panel = compared(handlers, visitor, picture_path)[1]
    assert len(pool.ran) == runs
    small = np.asarray(Image.open(trials[3].map.file.path))
    np.testing.assert_array_equal(np.asarray(Image.open(panel.map.file.path)), small)
    assert [trial.chosen for trial in panel.trials].index(True) == 3
    handlers.rereading.reset(visitor, NAMES, "slot-1")
    assert next(trial.chosen for trial in compared(handlers, visitor, picture_path)[1].trials)


def test_trials_vanish_with_another_reading_picture_or_checkpoint(
    handlers, visitor, picture, picture_path, tmp_path
):
    other = str(tmp_path / "other.png")
    picture.rotate(90).save(other)
    for change in ("reading", "picture", "checkpoint"):
        visitor.overrides.clear()
        handlers.rereading.begin_trials(visitor, NAMES, "slot-0")
        assert compared(handlers, visitor, picture_path)[0].trials
        path, names = picture_path, NAMES
        if change == "reading":
            handlers.rereading.reassume(visitor, NAMES, "slot-0", "preprocessing.mean", "0.7")
        elif change == "picture":
            path = other
        else:
            names = ["last", "first"]
        assert not any(panel.trials for panel in compared(handlers, visitor, path, names))
        assert visitor.of(CurrentTrials).trials is None


def test_a_trial_that_fails_is_left_out_and_the_others_are_made(
    handlers, visitor, pool, picture_path
):
    pool.fails = lambda overrides: "maximum" in overrides.spec_json
    handlers.rereading.begin_trials(visitor, NAMES, "slot-0")
    panel, _ = compared(handlers, visitor, picture_path)
    assert [trial.title for trial in panel.trials] == [
        "As it comes",
        "ImageNet mean",
        "-1 to 1",
        "Raw 0–255",
        "ImageNet's numbers, not divided",
        "Z-score of the picture",
        "BGR",
        "Grey",
        "Output as it is",
    ]


def test_another_visitor_cannot_choose_among_somebodys_trials(handlers, visitor, picture_path):
    handlers.rereading.begin_trials(visitor, NAMES, "slot-0")
    trials = compared(handlers, visitor, picture_path)[0].trials
    stranger = Visitor()
    handlers.rereading.choose(stranger, NAMES, "slot-0", trials[1].id)
    assert stranger.overrides == {}
    assert not compared(handlers, stranger, picture_path)[0].trials
