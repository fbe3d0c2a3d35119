"""Many pictures: what may be dropped, what is counted, what is taken home."""

import csv
import io
import json
import stat
import struct
import zipfile
from itertools import combinations
from queue import Queue
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from segdemo.batch import (
    Network,
    Run,
    export,
    gather,
    match,
    measure,
    members,
    write_archive,
    write_table,
)
from segdemo.batch import run as running
from segdemo.errors import PictureError, PredictionError, SegdemoError
from segdemo.images.decode import decode_plane
from segdemo.inference.maps import quantise
from tests.table import every

LIMIT = 1_000_000


def png(width=40, height=30, grey=128):
    buffer = io.BytesIO()
    Image.new("L", (width, height), grey).save(buffer, format="PNG")
    return buffer.getvalue()


def archive(path, files, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path


def key_of(raises):
    return raises.value.key


# --- What was dropped ------------------------------------------------------------------------


def test_pictures_come_from_files_and_archives_in_order(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    packed = archive(tmp_path / "b.zip", {"x/c.jpg": b"1", "d.TIF": b"2"})
    found = gather([tmp_path / "a.png", packed], limit=LIMIT)
    assert [member.name for member in found] == ["a.png", "c.jpg", "d.TIF"]
    assert [member.read(LIMIT) for member in found[1:]] == [b"1", b"2"]


def test_what_is_no_picture_in_an_archive_is_passed_over(tmp_path):
    files = {
        "a.png": b"1",
        "folder/": b"",
        "README.txt": b"2",
        ".hidden.png": b"3",
        "__MACOSX/._a.png": b"4",
    }
    assert [m.name for m in gather([archive(tmp_path / "a.zip", files)], limit=LIMIT)] == ["a.png"]


@every("name", ["../../etc/a.png", "/etc/a.png", "..\\..\\a.png", "C:\\a.png", "x/../../a.png"])
def test_a_path_in_an_archive_is_no_more_than_a_name(tmp_path, name):
    [member] = gather([archive(tmp_path / "a.zip", {name: png()})], limit=LIMIT)
    assert member.name == "a.png"
    assert member.read(LIMIT) == png()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


def test_a_link_in_an_archive_leads_nowhere(tmp_path):
    entry = zipfile.ZipInfo("a.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(entry, "/etc/passwd")
    [member] = gather([tmp_path / "a.zip"], limit=LIMIT)
    assert member.read(LIMIT) == b"/etc/passwd"


def test_a_name_with_signs_that_steer_a_screen_is_shown_without_them(tmp_path):
    [member] = gather([archive(tmp_path / "a.zip", {"a\u202egnp\n.png": b""})], limit=LIMIT)
    assert member.name == "a?gnp?.png"


def test_an_archive_in_an_archive_stays_closed_and_says_so(tmp_path):
    inner = archive(tmp_path / "inner.zip", {"a.png": png()}).read_bytes()
    outer = archive(tmp_path / "outer.zip", {"inner.zip": inner, "b.png": png()})
    nested, picture = gather([outer], limit=LIMIT)
    with pytest.raises(PictureError) as raises:
        nested.read(LIMIT)
    assert key_of(raises) == "batch_nested"
    assert picture.read(LIMIT) == png()


def test_a_picture_that_is_too_large_is_not_unpacked(tmp_path):
    packed = archive(tmp_path / "a.zip", {"a.png": bytes(LIMIT + 1)})
    [member] = gather([packed], limit=LIMIT)
    with pytest.raises(PictureError) as raises:
        member.read(LIMIT)
    assert key_of(raises) == "page_picture_bytes"


def test_a_file_that_is_too_large_says_so(tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(11))
    [member] = gather([tmp_path / "a.png"], limit=10)
    with pytest.raises(PictureError) as raises:
        member.read(10)
    assert key_of(raises) == "page_picture_bytes"


def test_an_entry_that_grows_without_measure_is_a_bomb(tmp_path):
    packed = archive(tmp_path / "a.zip", {"a.bmp": bytes(11_000_000)})
    with pytest.raises(PictureError) as raises:
        gather([packed], limit=50_000_000)
    assert key_of(raises) == "batch_bomb"


def test_flat_masks_without_compression_are_none(tmp_path):
    packed = archive(tmp_path / "a.zip", {"a.bmp": bytes(4_000_000)})
    [member] = gather([packed], limit=50_000_000)
    assert member.failure is None


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(members, "MAX_UNPACKED_BYTES", 100)
    packed = archive(tmp_path / "a.zip", {"a.png": bytes(60), "b.png": bytes(60)})
    with pytest.raises(PictureError) as raises:
        gather([packed], limit=LIMIT)
    assert key_of(raises) == "batch_unpacked"


def test_an_archive_with_too_many_entries_is_refused(tmp_path):
    packed = archive(tmp_path / "a.zip", {f"{i}.txt": b"" for i in range(members.MAX_ENTRIES + 1)})
    with pytest.raises(PictureError) as raises:
        gather([packed], limit=LIMIT)
    assert key_of(raises) == "batch_entries"


def test_the_table_of_an_archive_is_not_read_when_it_is_absurd(tmp_path):
    # Where it begins, and how long it claims to be.
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 3_000_000, 0, 0)
    (tmp_path / "a.zip").write_bytes(bytes(3_000_000) + end)
    with pytest.raises(PictureError) as raises:
        gather([tmp_path / "a.zip"], limit=LIMIT)
    assert key_of(raises) == "batch_archive"


@every("content", [b"", b"no archive", b"PK\3\4"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(PictureError) as raises:
        gather([tmp_path / "a.zip"], limit=LIMIT)
    assert key_of(raises) == "batch_archive"


def test_an_empty_archive_holds_no_picture(tmp_path):
    assert gather([archive(tmp_path / "a.zip", {})], limit=LIMIT) == ()


def test_a_member_that_is_damaged_says_so(tmp_path):
    packed = archive(tmp_path / "a.zip", {"a.png": png()}, zipfile.ZIP_STORED)
    content = bytearray(packed.read_bytes())
    content[60] ^= 255
    packed.write_bytes(content)
    [member] = gather([packed], limit=LIMIT)
    with pytest.raises(PictureError) as raises:
        member.read(LIMIT)
    assert key_of(raises) == "batch_damaged"


def test_a_member_with_a_password_says_so(tmp_path):
    packed = archive(tmp_path / "a.zip", {"a.png": png()}, zipfile.ZIP_STORED)
    content = bytearray(packed.read_bytes())
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + place] |= 1
    packed.write_bytes(content)
    [member] = gather([packed], limit=LIMIT)
    with pytest.raises(PictureError) as raises:
        member.read(LIMIT)
    assert key_of(raises) == "batch_encrypted"


def test_a_file_that_is_gone_says_so(tmp_path):
    [member] = gather([tmp_path / "a.png"], limit=LIMIT)
    with pytest.raises(PictureError) as raises:
        member.read(LIMIT)
    assert key_of(raises) == "batch_damaged"


def test_more_pictures_than_run_at_a_time_are_refused(tmp_path):
    files = {f"{i}.png": b"" for i in range(members.MAX_PICTURES + 1)}
    with pytest.raises(PictureError) as raises:
        gather([archive(tmp_path / "a.zip", files)], limit=LIMIT)
    assert key_of(raises) == "batch_too_many"


# --- Whose mask it is ------------------------------------------------------------------------


def named(*names):
    return [members.Member(name=name, path=None) for name in names]


def test_a_mask_belongs_to_the_picture_of_its_name():
    pairs = match(named("a.jpg", "b.jpg", "c.jpg"), named("b_mask.gif", "a.png"))
    assert [pair.mask and pair.mask.name for pair in pairs] == ["a.png", "b_mask.gif", None]


def test_one_file_about_several_images_is_the_mask_of_all(tmp_path):
    pictures, path = named("a.jpg", "b.jpg"), tmp_path / "a.json"
    for images, expected in ((["a.jpg", "b.jpg"], [True, True]), (["a.jpg"], [True, False])):
        listed = [{"id": number, "file_name": name} for number, name in enumerate(images)]
        path.write_text(json.dumps({"images": listed, "annotations": []}))
        pairs = match(pictures, gather([path], limit=LIMIT))
        assert [pair.mask is not None for pair in pairs] == expected


@every(
    ("pictures", "masks"),
    [(["a.jpg"], ["a.png", "a.gif"]), (["a.jpg", "a.png"], ["a.gif"])],
)
def test_a_name_that_occurs_twice_is_nobodys(pictures, masks):
    for pair in match(named(*pictures), named(*masks)):
        assert pair.mask.failure.key == "batch_mask_twice"


# --- What is counted -------------------------------------------------------------------------


@pytest.fixture
def maps():
    random = np.random.default_rng(5)
    highest = {0: 256, 2: 256, 3: 200}
    return {
        network: random.integers(0, top, (31, 37), np.uint8) for network, top in highest.items()
    }


@pytest.mark.parametrize("k", [1, 77, 128, 200, 255])
def test_any_threshold_is_answered_as_the_masks_would(maps, k):
    truth = (np.arange(31 * 37).reshape(31, 37) % 3 == 0).astype(np.uint8)
    truth[:2] = 255
    tables = measure(maps, dict.fromkeys(maps, truth))
    masks = [q >= k for q in maps.values()]
    ious = [(a & b).sum() / (a | b).sum() for a, b in combinations(masks, 2) if (a | b).any()]
    assert tables.disagreement(k) == pytest.approx(1 - np.mean(ious), abs=1e-12)
    assert [tables.coverage(i, k) for i in range(3)] == [mask.mean() for mask in masks]
    said, right = truth != 255, truth == 1
    dices = [2 * (mask & right).sum() / ((mask & said).sum() + right.sum()) for mask in masks]
    assert tables.dice(k) == pytest.approx(np.mean(dices), abs=1e-12)


def test_one_network_disagrees_with_nobody_and_without_a_truth_nothing_is_right():
    tables = measure({1: np.zeros((20, 20), np.uint8)})
    assert np.isnan(tables.disagreement(128))
    assert np.isnan(tables.dice(128))


def test_two_empty_masks_neither_agree_nor_disagree():
    empty = np.zeros((20, 20), np.uint8)
    assert np.isnan(measure({0: empty, 1: empty}).disagreement(1))


def test_the_bytes_for_a_browser_are_the_counts(maps):
    truth = np.zeros((31, 37), np.uint8)
    truth[5:9] = 1
    tables = measure(maps, dict.fromkeys(maps, truth))
    rows = np.frombuffer(tables.to_bytes(), "<u4").reshape(-1, 257)
    assert len(rows) == 3 + 3 + 2 * 3
    assert [row[128] for row in rows[:3]] == [(q >= 128).sum() for q in maps.values()]
    shared = [((a >= 9) & (b >= 9)).sum() for a, b in combinations(maps.values(), 2)]
    assert [row[9] for row in rows[3:6]] == shared
    first = maps[0] >= 40
    assert [row[40] for row in rows[6:8]] == [first[5:9].sum(), first.sum() - first[5:9].sum()]


# --- A run -----------------------------------------------------------------------------------


class Predictor:
    """One network that calls bright foreground, one that cannot take any picture."""

    def __init__(self):
        self.open = 0

    def predict(self, path, picture, overrides=None):
        if path == "broken":
            raise PredictionError("prediction_not_finite")
        if path == "mistaken":
            raise ZeroDivisionError
        values = np.asarray(picture.convert("L"), np.float32) / 256
        return SimpleNamespace(
            picture_size=picture.size,
            background=0,
            foreground_at=lambda size: np.array(Image.fromarray(values).resize(size)),
        )


def make_run(tmp_path, pictures, masks=(), networks=("bright", "bright"), **changes):
    folder = tmp_path / "maps"
    folder.mkdir()
    facts = {
        "predictor": Predictor(),
        "networks": tuple(Network(title=f"Net {path}", path=path) for path in networks),
        "pairs": match(gather(pictures, limit=LIMIT), gather(masks, limit=LIMIT)),
        "folder": folder,
        "measured_size": lambda size: size,
        "known": lambda error: (
            error if isinstance(error, SegdemoError) else SegdemoError("unexpected", reference="1")
        ),
        "max_bytes": LIMIT,
        "max_megapixels": 1,
    }
    return Run(**{**facts, **changes})


def gradient(path, size=(40, 30)):
    Image.linear_gradient("L").resize(size).save(path)
    return path


def pixels(source):
    with Image.open(source) as picture:
        return np.asarray(picture)


def test_while_networks_have_a_picture_the_next_alone_is_read(tmp_path, monkeypatch):
    read, seen = Queue(), []

    class Patient(Predictor):
        def predict(self, path, picture, overrides=None):
            if len(seen) < 2:
                seen.append(read.get(timeout=600))
            return super().predict(path, picture, overrides)

    def noted(content, **limits):
        read.put(len(content))
        return decode_plane(content, **limits)

    monkeypatch.setattr(running, "decode_plane", noted)
    paths = [gradient(tmp_path / f"{n}.png", (40 + n, 30)) for n in range(4)]
    # Each picture has two networks: the first ones wait until two pictures have been read.
    outcomes = make_run(tmp_path, paths, predictor=Patient()).outcomes()
    first = next(outcomes)
    assert seen == [path.stat().st_size for path in paths[:2]]
    assert read.empty()
    assert [first.size, *(each.size for each in outcomes)] == [(40 + n, 30) for n in range(4)]


def test_a_broken_picture_is_told_and_the_rest_goes_on(tmp_path):
    (tmp_path / "a.png").write_bytes(png()[:40])
    run = make_run(tmp_path, [tmp_path / "a.png", gradient(tmp_path / "b.png")])
    broken, good = run.outcomes()
    assert isinstance(broken.failure, PictureError)
    assert broken.tables is None
    assert good.failure is None
    assert good.tables.disagreement(128) == 0


def test_what_is_kept_of_a_failure_holds_no_frames_with_images_in_them(tmp_path):
    (tmp_path / "a.png").write_bytes(png()[:40])
    mask = tmp_path / "b_mask.png"
    mask.write_bytes(png()[:40])
    pictures = [tmp_path / "a.png", gradient(tmp_path / "b.png")]
    broken, other = make_run(tmp_path, pictures, [mask], networks=("broken",)).outcomes()
    for failure in (broken.failure, other.truth_failure, other.failures[0]):
        assert failure.__traceback__ is None
        assert failure.__cause__ is None
        assert failure.__context__ is None


@every(("path", "key"), [("broken", "prediction_not_finite"), ("mistaken", "unexpected")])
def test_a_network_that_fails_leaves_the_others_their_figures(tmp_path, path, key):
    run = make_run(tmp_path, [gradient(tmp_path / "a.png")], networks=("bright", path, "bright"))
    [outcome] = run.outcomes()
    assert outcome.failures[1].key == key
    assert outcome.tables.networks == (0, 2)


def test_a_picture_is_scored_by_the_mask_of_its_name(tmp_path):
    picture = gradient(tmp_path / "a.png")
    (tmp_path / "masks").mkdir()
    mask = tmp_path / "masks" / "a_mask.png"
    right = pixels(picture) >= 128
    Image.fromarray(np.where(right, 255, 0).astype(np.uint8)).save(mask)
    [outcome] = make_run(tmp_path, [picture], [mask]).outcomes()
    assert outcome.tables.dice(128) == 1
    assert outcome.tables.dice(200) < 1


def test_a_mask_of_no_use_costs_the_score_alone(tmp_path):
    (tmp_path / "masks").mkdir()
    mask = gradient(tmp_path / "masks" / "a.png", size=(90, 20))
    [outcome] = make_run(tmp_path, [gradient(tmp_path / "a.png")], [mask]).outcomes()
    assert isinstance(outcome.truth_failure, PictureError)
    assert outcome.tables.curves == ()


def test_maps_are_counted_at_the_viewers_size_and_kept_at_the_pictures_own(tmp_path):
    run = make_run(tmp_path, [gradient(tmp_path / "a.png")], measured_size=lambda _: (20, 15))
    [outcome] = run.outcomes()
    assert outcome.tables.tails[0][0] == 20 * 15
    with Image.open(run.map_path(0, 0)) as kept:
        assert kept.size == (40, 30)


def test_what_an_outcome_holds_is_small(tmp_path):
    [outcome] = make_run(tmp_path, [gradient(tmp_path / "a.png", (900, 600))]).outcomes()
    assert max(outcome.thumbnail.size) == running.THUMBNAIL_SIDE
    assert {q.shape for q in outcome.small.values()} == {outcome.thumbnail.size[::-1]}


def test_a_run_ends_with_a_sentence_when_its_room_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "MAX_KEPT_BYTES", 10)
    pictures = [gradient(tmp_path / "a.png"), gradient(tmp_path / "b.png")]
    outcomes = make_run(tmp_path, pictures).outcomes()
    next(outcomes)
    with pytest.raises(PictureError) as raises:
        next(outcomes)
    assert key_of(raises) == "batch_full"


# --- What is taken home ----------------------------------------------------------------------


@pytest.fixture
def finished(tmp_path):
    (tmp_path / "=cmd.png").write_bytes(b"<html>")
    pictures = [gradient(tmp_path / "a b.png"), tmp_path / "=cmd.png"]
    run = make_run(tmp_path, pictures, networks=("bright", "broken"))
    return run, list(run.outcomes())


def test_the_table_has_a_line_for_each_picture_and_network(finished, tmp_path):
    write_table(*finished, 64, tmp_path / "figures.csv")
    table = (tmp_path / "figures.csv").read_text(encoding="utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(table)))
    good, failed, broken = lines
    assert (good["picture"], good["network"], good["threshold"]) == (
        "a b.png",
        "Net bright",
        "0.25",
    )
    mask = pixels(tmp_path / "a b.png") >= 64
    assert float(good["coverage"]) == mask.mean()
    assert (failed["network"], failed["coverage"]) == ("Net broken", "")
    assert failed["message"]
    # What begins like a formula is none.
    assert broken["picture"] == "'=cmd.png"
    assert "web page" in broken["message"]


def test_the_archive_holds_every_mask_at_the_threshold_and_the_pictures_size(finished, tmp_path):
    write_archive(*finished, 200, tmp_path / "masks.zip")
    with zipfile.ZipFile(tmp_path / "masks.zip") as opened:
        assert opened.namelist() == [export.TABLE_NAME, "A Net bright/001 a b.png"]
        mask = pixels(io.BytesIO(opened.read("A Net bright/001 a b.png")))
    grey = pixels(tmp_path / "a b.png").astype(np.float32)
    assert (mask == (quantise(grey / 256) >= 200)).all()


@every("name", ["../../a.png", "/a.png", "a/b.png", "...", "C:\\a.png"])
def test_no_name_in_the_archive_is_a_path_to_elsewhere(tmp_path, name):
    run = make_run(tmp_path, [gradient(tmp_path / "a.png")], networks=("bright",))
    [outcome] = run.outcomes()
    foreign = Network(title=name, path="bright")
    run = Run(**{**vars(run), "networks": (foreign,)})
    write_archive(run, [outcome], 128, tmp_path / "masks.zip")
    with zipfile.ZipFile(tmp_path / "masks.zip") as opened:
        folder, file = opened.namelist()[1].split("/")
    assert folder.startswith("A ")
    assert file == "001 a.png"
    assert "\\" not in folder
