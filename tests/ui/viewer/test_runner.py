from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import CheckpointError
from segdemo.inference.maps import quantise
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.spec import NO_OVERRIDES
from segdemo.strings import speaking, text
from segdemo.ui.viewer.map_files import MAX_SIDE, viewer_size
from segdemo.ui.viewer.runner import Runner
from tests.table import every
from tests.ui.hub_fakes import remote_entry


class Counting(Pool):
    """A pool that tells which networks ran, and can be told to fail."""

    def __init__(self, failing=()):
        super().__init__(Settings(device="cpu"))
        self.ran = []
        self.failing = failing

    def predict(self, path, picture, overrides=NO_OVERRIDES):
        self.ran.append(path.stem)
        if path.stem in self.failing:
            raise ZeroDivisionError("a mistake of ours")
        return super().predict(path, picture, overrides)


def as_they_come(*entries):
    return [(entry, NO_OVERRIDES) for entry in entries]


def statuses(panels):
    return [panel.status for panel in panels]


def map_of(panel):
    return np.asarray(Image.open(panel.map.file.path))


def test_every_change_of_a_panel_is_told_in_order(entries, picture):
    first, _, last = entries
    run = Runner(Counting()).run(picture, "d", as_they_come(first, last))
    told = [statuses(panels) for panels in run]
    assert told == [
        ["waiting", "waiting"],
        ["running", "waiting"],
        ["ready", "waiting"],
        ["ready", "running"],
        ["ready", "ready"],
    ]


def test_one_failure_never_sinks_the_others(entries, picture):
    *_, panels = Runner(Counting()).run(picture, "d", as_they_come(*entries))
    assert statuses(panels) == ["ready", "failed", "ready"]
    assert "NaN" in panels[1].message


def test_not_even_a_mistake_of_ours_sinks_the_others(entries, picture):
    runner = Runner(Counting(failing=["first"]))
    *_, panels = runner.run(picture, "d", as_they_come(entries[0], entries[2]))
    assert statuses(panels) == ["failed", "ready"]
    assert "mistake of ours" not in panels[0].message


def test_networks_that_have_not_begun_in_time_are_left_out(entries, picture):
    run = Runner(Counting()).run(picture, "d", as_they_come(entries[0], entries[2]), seconds=-1)
    told = [statuses(panels) for panels in run]
    assert told == [["waiting", "waiting"], ["failed", "waiting"], ["failed", "failed"]]


def test_the_map_holds_the_quantised_prediction_at_the_pictures_size(entries, picture):
    pool = Pool(Settings(device="cpu"))
    *_, panels = Runner(pool).run(picture, "d", as_they_come(entries[0]))
    prediction = pool.predict(entries[0].path, picture)
    expected = quantise(prediction.foreground_at(picture.size))
    np.testing.assert_array_equal(map_of(panels[0]), expected)


def test_a_network_that_has_seen_the_picture_is_not_run_again(entries, picture):
    pool = Counting()
    runner = Runner(pool)
    first, _, last = entries
    *_, before = runner.run(picture, "d", as_they_come(first))
    *_, after = runner.run(picture, "d", as_they_come(last, first))
    assert pool.ran == ["first", "last"]
    assert after[1].map == before[0].map
    assert [panel.id for panel in after] == ["slot-0", "slot-1"]


def test_another_picture_is_another_run(entries, picture):
    pool = Counting()
    runner = Runner(pool)
    list(runner.run(picture, "d", as_they_come(entries[0])))
    list(runner.run(picture.rotate(90), "e", as_they_come(entries[0])))
    assert pool.ran == ["first", "first"]


def test_a_map_that_the_cache_has_forgotten_is_made_again(entries, picture):
    pool = Counting()
    runner = Runner(pool)
    *_, panels = runner.run(picture, "d", as_they_come(entries[0]))
    Path(panels[0].map.file.path).unlink()
    *_, panels = runner.run(picture, "d", as_they_come(entries[0]))
    assert pool.ran == ["first"]
    assert Path(panels[0].map.file.path).exists()


@pytest.mark.parametrize("kind", ["labels", "atlas"])
def test_a_panel_whose_classes_the_cache_has_forgotten_is_made_again(several, picture, kind):
    pool = Counting()
    runner = Runner(pool)
    *_, (before,) = runner.run(picture, "d", as_they_come(several))
    Path(getattr(before.classes, kind).file.path).unlink()
    *_, (after,) = runner.run(picture, "d", as_they_come(several))
    assert pool.ran == ["several"]
    assert after.classes == before.classes
    assert Path(getattr(after.classes, kind).file.path).exists()


def test_a_failure_is_tried_again(entries, picture):
    pool = Counting(failing=["first"])
    runner = Runner(pool)
    list(runner.run(picture, "d", as_they_come(entries[0])))
    pool.failing = ()
    *_, panels = runner.run(picture, "d", as_they_come(entries[0]))
    assert statuses(panels) == ["ready"]


def test_what_is_not_on_this_disk_is_absent_and_the_others_run(entries, picture):
    pool = Counting()
    far = remote_entry()
    *_, panels = Runner(pool).run(picture, "d", as_they_come(far, entries[0]))
    assert statuses(panels) == ["absent", "ready"]
    assert pool.ran == ["first"]


def test_what_is_absent_says_whether_it_is_coming(entries, picture):
    far = remote_entry()
    ((idle,),) = Runner(Counting()).run(picture, "d", as_they_come(far))
    ((coming,),) = Runner(Counting()).run(picture, "d", as_they_come(far), {"far": "running"})
    ((stopped,),) = Runner(Counting()).run(picture, "d", as_they_come(far), {"far": "stopped"})
    assert (idle.title, coming.title) == ("Not downloaded yet", "Being downloaded")
    assert "Press Run again" in idle.message
    assert "Try the download again" in stopped.message


def test_a_result_of_somebody_elses_checkpoint_tells_its_licence(entries, picture):
    found = remote_entry(path=entries[0].path, licence="cc-by-nc-4.0", commercial=False)
    *_, (panel,) = Runner(Counting()).run(picture, "d", as_they_come(found))
    assert "not for commercial use" in panel.notes[-1]


def test_a_panel_says_what_it_is_and_what_was_assumed(entries, picture):
    *_, (panel,) = Runner(Counting()).run(picture, "d", as_they_come(entries[0]))
    assert panel.label == "A first"
    assert "U-Net" in panel.detail
    assert "61 × 47" in " ".join(panel.notes)
    assert "divided by 255" in " ".join(panel.notes)
    assert panel.milliseconds > 0
    assert panel.device.startswith("CPU")


@every(
    ("size", "expected"),
    [((640, 480), (640, 480)), ((4000, 3000), (MAX_SIDE, 1536)), ((1, 9999), (1, MAX_SIDE))],
)
def test_a_browser_gets_maps_of_the_pictures_size_up_to_a_limit(size, expected):
    assert viewer_size(size) == expected


def test_the_same_file_read_in_two_ways_is_two_panels(entries, picture):
    raw = NO_OVERRIDES.with_override("preprocessing.divisor", 1)
    chosen = [(entries[0], NO_OVERRIDES), (entries[0], raw)]
    pool = Counting()
    runner = Runner(pool)
    *_, (plain, other) = runner.run(picture, "d", chosen)
    assert plain.map != other.map
    *_, again = runner.run(picture, "d", chosen[::-1])
    assert [panel.map for panel in again] == [other.map, plain.map]
    assert pool.ran == ["first", "first"]


def test_an_answer_in_floats_is_that_of_the_panel_and_runs_nothing_again(entries, picture):
    pool = Counting()
    runner = Runner(pool)
    *_, (panel,) = runner.run(picture, "d", as_they_come(entries[0]))
    segmenter, prediction = runner.prediction(picture, "d", entries[0], NO_OVERRIDES)
    np.testing.assert_array_equal(map_of(panel), quantise(prediction.foreground_at(picture.size)))
    assert segmenter is pool.load(entries[0].path)
    assert pool.ran == ["first"]


def test_what_is_not_on_this_disk_has_no_answer(picture):
    with pytest.raises(CheckpointError, match="176 MB"):
        Runner(Counting()).prediction(picture, "d", remote_entry(), NO_OVERRIDES)


def test_a_panel_is_told_again_in_another_language_without_a_second_run(entries, picture):
    pool = Counting()
    runner = Runner(pool)
    list(runner.run(picture, "d", as_they_come(entries[0])))
    with speaking("zh"):
        *_, (panel,) = runner.run(picture, "d", as_they_come(entries[0]))
        assert panel.notes[-1] == text("note_sigmoid")
    assert pool.ran == ["first"]


@pytest.mark.parametrize(("precision", "notes"), [("fp32", 0), ("bf16", 1)])
def test_a_panel_says_when_it_was_computed_in_less_than_32_bits(
    entries, picture, precision, notes, monkeypatch
):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": True})
    runner = Runner(Pool(Settings(device="cpu", precision=precision)))
    *_, (panel,) = runner.run(picture, "digest", [(entries[0], NO_OVERRIDES)])
    assert panel.device == f"CPU · {precision}"
    assert len([note for note in panel.notes if "faster than fp32" in note]) == notes


@pytest.mark.parametrize(("megabytes", "notes"), [(4096, 0), (2, 1)])
def test_a_panel_says_when_it_was_computed_in_parts(entries, megabytes, notes):
    runner = Runner(Pool(Settings(device="cpu", memory_megabytes=megabytes)))
    large = Image.linear_gradient("L").convert("RGB").resize((640, 512))
    *_, (panel,) = runner.run(large, "digest", as_they_come(entries[0]))
    assert panel.status == "ready"
    assert len([note for note in panel.notes if "overlapping parts" in note]) == notes
