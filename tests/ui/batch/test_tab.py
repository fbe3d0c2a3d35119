"""Many pictures of one visitor: their run, what the browser is told, what it may ask for."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import PictureError, SegdemoError
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.spec import NO_OVERRIDES
from segdemo.ui.batch.runs import BatchRuns, prepare
from segdemo.ui.viewer.runner import Runner
from segdemo.ui.visitor import Visitor

SETTINGS = Settings(device="cpu", max_megapixels=1)


@pytest.fixture
def pictures(tmp_path):
    paths = []
    for number, size in enumerate([(61, 47), (50, 40), (33, 65)]):
        path = tmp_path / f"{number}.png"
        Image.linear_gradient("L").resize(size).save(path)
        paths.append(str(path))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return [*paths, str(tmp_path / "broken.png")]


@pytest.fixture
def make(entries, pictures, tmp_path):
    def make(files=None, masks=(), chosen=None):
        chosen = chosen or [entries[0], entries[2]]
        return prepare(
            SETTINGS,
            Pool(SETTINGS),
            tmp_path,
            [(entry, NO_OVERRIDES) for entry in chosen],
            pictures if files is None else files,
            masks,
        )

    return make


def test_each_picture_is_told_as_soon_as_it_is_done(make):
    payloads = list(BatchRuns().follow(make, ["a", "b"]))
    assert [len(payload.rows) for payload in payloads] == [0, 1, 2, 3, 4, 4]
    assert [payload.state for payload in payloads] == ["running"] * 5 + ["done"]
    serials = [payload.serial for payload in payloads]
    assert serials == sorted(set(serials))
    broken = payloads[-1].rows[3]
    assert (broken.name, broken.networks, broken.table) == ("broken.png", (), None)
    assert broken.message


def test_a_broken_network_is_named_where_it_failed(make, entries):
    *_, last = BatchRuns().follow(lambda: make(chosen=entries), ["a"])
    row = last.rows[0]
    assert row.networks == (0, 2)
    assert entries[1].title in row.message


def test_what_is_done_when_it_is_stopped_is_kept(make):
    batches = BatchRuns()
    steps = batches.follow(make, [])
    next(steps)
    next(steps)
    batches.stop()
    *_, last = steps
    assert (last.state, len(last.rows)) == ("stopped", 2)
    parcel = batches.pack("table", 128).parcel
    table = Path(parcel.file.path).read_text(encoding="utf-8-sig")
    assert {line["picture"] for line in csv.DictReader(io.StringIO(table))} == {"0.png", "1.png"}


def test_a_visitor_who_leaves_ends_their_run(make):
    visitor = Visitor()
    steps = visitor.of(BatchRuns).follow(make, [])
    next(steps)
    next(steps)
    visitor.close()
    *_, last = steps
    assert last.state == "stopped"


def test_a_browser_that_leaves_in_the_middle_leaves_no_run_behind(make):
    batches = BatchRuns()
    steps = batches.follow(make, [])
    next(steps)
    next(steps)
    steps.close()
    assert batches.refused(SegdemoError("page_no_checkpoint")).state == "stopped"


def test_the_figures_are_those_of_the_viewer(make, entries, pictures):
    *_, last = BatchRuns().follow(make, [])
    counts = np.fromfile(last.rows[0].table.path, "<u4").reshape(-1, 257)
    with Image.open(pictures[0]) as picture:
        chosen = [(entries[0], NO_OVERRIDES), (entries[2], NO_OVERRIDES)]
        *_, panels = Runner(Pool(SETTINGS)).run(picture.convert("RGB"), "digest", chosen)
    maps = []
    for panel in panels:
        with Image.open(panel.map.file.path) as shown:
            maps.append(np.asarray(shown))
    for k in (1, 100, 128, 255):
        masks = [q >= k for q in maps]
        assert [row[k] for row in counts[:2]] == [mask.sum() for mask in masks]
        assert counts[2][k] == (masks[0] & masks[1]).sum()


def test_a_run_takes_the_place_of_the_last(make, pictures):
    batches = BatchRuns()
    *_, first = batches.follow(make, [])
    *_, second = batches.follow(lambda: make(pictures[:1]), [])
    assert (first.run, second.run) == (1, 2)
    assert len(second.rows) == 1


def test_a_refused_run_leaves_the_last_as_it_is(make):
    batches = BatchRuns()
    list(batches.follow(make, []))
    with pytest.raises(PictureError):
        next(batches.follow(lambda: make([]), []))
    assert len(batches.pack("table", 128).rows) == 4


@pytest.mark.parametrize("kind", ["table", "archive"])
def test_a_parcel_is_a_file_that_only_its_visitor_can_name(make, kind):
    batches = BatchRuns()
    list(batches.follow(make, []))
    first, second = (batches.pack(kind, 128).parcel for _ in range(2))
    assert first.serial != second.serial
    assert Path(first.file.path).is_file()
    assert len(Path(first.file.path).parent.name) == 64
    assert first.file.path != second.file.path


def test_there_is_no_parcel_before_a_run_or_after_its_maps_are_gone(make, tmp_path):
    batches = BatchRuns()
    with pytest.raises(PictureError) as raises:
        batches.pack("table", 128)
    assert raises.value.key == "batch_gone"
    list(batches.follow(make, []))
    for file in (tmp_path / "batch").iterdir():
        file.unlink()
    with pytest.raises(PictureError) as raises:
        batches.pack("archive", 128)
    assert raises.value.key == "batch_gone"


def test_a_picture_is_opened_with_its_mask_and_what_the_slots_held(make, pictures, tmp_path):
    (tmp_path / "masks").mkdir()
    mask = tmp_path / "masks" / "0.png"
    Image.new("L", (61, 47), 255).save(mask)
    batches = BatchRuns()
    *_, last = batches.follow(lambda: make(masks=[str(mask)]), ["first", None, "last"])
    assert [row.scored for row in last.rows] == [True, False, False, False]
    picture, truth, chosen = batches.opened(0)
    assert Path(picture).read_bytes() == Path(pictures[0]).read_bytes()
    assert Path(truth).read_bytes() == mask.read_bytes()
    assert chosen == ("first", None, "last")
    assert batches.opened(1)[1] is None


@pytest.mark.parametrize("number", [-1, 4, 10**9])
def test_a_number_that_names_no_picture_opens_nothing(make, number):
    batches = BatchRuns()
    list(batches.follow(make, []))
    with pytest.raises(PictureError):
        batches.opened(number)


def test_nothing_is_run_without_checkpoints_or_before_they_are_here(make, entries, pictures):
    absent = replace(entries[0], path=None)
    with pytest.raises(SegdemoError) as raises:
        make(chosen=[absent])
    assert raises.value.key == "batch_absent"
    with pytest.raises(SegdemoError) as raises:
        prepare(SETTINGS, Pool(SETTINGS), Path(), [], pictures, ())
    assert raises.value.key == "page_no_checkpoint"


def test_a_browser_gets_plain_values_and_files_alone(make):
    *_, last = BatchRuns().follow(make, [])
    payload = last.to_json()
    assert payload["schema"] == "segdemo.batch/1"
    assert payload["networks"] == ["A first", "The last"]
    row = payload["rows"][0]
    for file in (row["thumbnail"]["file"], row["maps"]["file"], row["table"]):
        assert file["meta"] == {"_type": "gradio.FileData"}
    assert "table" not in payload["rows"][3]
    assert payload["parcel"] is None
