import csv
import io
import json
import math
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from segdemo.catalog import CatalogEntry
from segdemo.checkpoints.published import sha256_of
from segdemo.hub.references import Address
from segdemo.images.masks import VOID, TruthMask
from segdemo.inference.prediction import Prediction
from segdemo.outputs.render import View, draw
from segdemo.outputs.report import (
    KINDS,
    Comparison,
    Missing,
    ReportPanel,
    figures_csv,
    provenance,
    write_report,
)
from segdemo.spec import NO_OVERRIDES, Overrides, SegmentationSpec
from segdemo.strings import speaking
from tests.table import every

SIZE = (40, 30)
HOSTILE = "=x</h2><script>alert(1)</script>\"'&"
PICTURE = Image.linear_gradient("L").resize(SIZE).convert("RGB")


def prediction(seed=0, classes=1, **changes):
    random = np.random.default_rng(seed)
    values = random.random((classes, 15, 20), dtype=np.float32)
    if classes > 1:
        values /= values.sum(axis=0)
    return Prediction(
        probabilities=values, picture_size=SIZE, milliseconds=1, device="CPU", **changes
    )


def answer(title="Cells", *, of=None, **view):
    return ReportPanel(
        title=title,
        network="U-Net · 1.9 M",
        view=View(prediction=of or prediction(), **view),
        spec=SegmentationSpec.resolve([("its file", {"preprocessing": {"side": 512}})]),
        origin_of=lambda name: f"whoever decided {name}",
        provenance={"title": title, "licence": None, "reading": {"assume": None}},
    )


def report(*answers, truth=None):
    file = io.BytesIO()
    comparison = Comparison(picture=PICTURE, answers=answers, truth=truth)
    write_report(file, comparison, date="today")
    return ZipFile(file)


def picture_in(archive, name):
    return np.asarray(Image.open(io.BytesIO(archive.read(name))))


def rows_of(archive):
    return list(csv.DictReader(io.StringIO(archive.read("figures.csv").decode())))


class Page(HTMLParser):
    """What a browser would fetch, and what a person reads."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.files, self.texts = set(), set(), []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.files |= {value for name, value in attributes if name in ("src", "href")}

    def handle_data(self, data):
        self.texts.append(data)


# --- What is looked at ------------------------------------------------------------------------


def test_a_view_cuts_the_map_as_the_browser_does():
    view = View(prediction=prediction(), threshold=77)
    assert np.array_equal(view.mask, view.quantised >= 77)
    assert view.mask.shape == SIZE[::-1]


def test_a_class_that_is_picked_is_the_one_that_is_drawn():
    of = prediction(classes=4)
    view = View(prediction=of, pick="2")
    expected = list(of.classes_at(SIZE))[2]
    assert np.array_equal(view.probabilities, expected)


@every("pick", ["4", "99999999999999999999", "²", "-1", "../x"])
def test_a_class_that_is_not_there_is_the_foreground(pick):
    view = View(prediction=prediction(classes=4), pick=pick)
    assert view.class_number is None
    assert not view.by_class


def test_winners_are_drawn_with_the_background_left_out():
    of = prediction(classes=3, background=2)
    view = View(prediction=of, pick="all")
    assert np.array_equal(np.asarray(draw("mask", PICTURE, view)), of.labels_at(SIZE))
    overlay = np.asarray(draw("overlay", PICTURE, view))
    untouched = (overlay == np.asarray(PICTURE)).all(axis=-1)
    assert untouched[of.labels_at(SIZE) == 2].all()
    alpha = np.asarray(draw("cutout", PICTURE, view).getchannel("A"))
    assert np.array_equal(alpha >= 128, of.labels_at(SIZE) != 2)


def test_two_classes_have_a_foreground_and_no_winners():
    view = View(prediction=prediction(classes=2), pick="all")
    assert not view.by_class
    assert draw("mask", PICTURE, view).mode == "L"


# --- The archive ------------------------------------------------------------------------------


def test_a_report_holds_every_picture_at_the_pictures_own_size():
    one, other = answer(threshold=90), answer(of=prediction(1), threshold=160)
    archive = report(one, other)
    assert archive.testzip() is None
    for letter, each in (("A", one), ("B", other)):
        for kind in KINDS:
            expected = np.asarray(draw(kind, PICTURE, each.view))
            assert np.array_equal(picture_in(archive, f"{letter}/{kind}.png"), expected)
            assert expected.shape[:2] == SIZE[::-1]


def test_the_figures_are_those_of_the_masks():
    one, other = answer(threshold=90), answer("Other", of=prediction(1), threshold=160)
    rows = rows_of(report(one, other))
    a, b = one.view.mask, other.view.mask
    assert [row["checkpoint"] for row in rows] == ["Cells", "Other"]
    assert float(rows[0]["foreground"]) == a.mean()
    assert float(rows[0]["threshold"]) == 90 / 256
    assert float(rows[0]["p_maximum"]) == one.view.prediction.foreground.max()
    assert float(rows[0]["agreement_B"]) == float(rows[1]["agreement_A"])
    assert float(rows[0]["agreement_B"]) == (a & b).sum() / (a | b).sum()
    assert "dice" not in rows[0]


def test_the_scores_are_those_against_the_truth_where_it_says_something():
    labels = np.random.default_rng(5).integers(0, 2, SIZE[::-1], dtype=np.uint8)
    labels[:3] = VOID
    one = answer(threshold=100)
    archive = report(one, truth=TruthMask(labels=labels))
    (row,) = rows_of(archive)
    said = labels != VOID
    found, wanted = one.view.mask[said], labels[said] == 1
    both = (found & wanted).sum()
    assert float(row["dice"]) == pytest.approx(2 * both / (found.sum() + wanted.sum()), rel=1e-12)
    assert float(row["iou"]) == pytest.approx(both / (found | wanted).sum(), rel=1e-12)
    assert float(row["accuracy"]) == pytest.approx((found == wanted).mean(), rel=1e-12)
    assert 0 < float(row["boundary_f"]) <= 1
    assert row["mean_iou"] == ""
    assert np.array_equal(picture_in(archive, "truth.png"), labels)


def test_winners_are_scored_by_class():
    of = prediction(classes=3)
    labels = of.labels_at(SIZE).astype(np.uint8)
    (row,) = rows_of(report(answer(of=of, pick="all"), truth=TruthMask(labels=labels)))
    assert (row["accuracy"], row["mean_iou"], row["dice"]) == ("1.0", "1.0", "")
    assert row["threshold"] == ""


def test_winners_beside_a_truth_of_ground_and_foreground_are_scored_by_their_foreground():
    of = prediction(classes=6)
    labels = (of.labels_at(SIZE) != 0).astype(np.uint8)
    (row,) = rows_of(report(answer(of=of, pick="all"), truth=TruthMask(labels=labels)))
    assert (row["accuracy"], row["mean_iou"]) == ("1.0", "1.0")


def test_a_class_is_scored_against_that_class():
    of = prediction(classes=3)
    view = View(prediction=of, pick="1", threshold=80)
    labels = np.where(view.mask, 1, 2).astype(np.uint8)
    (row,) = rows_of(report(answer(of=of, pick="1", threshold=80), truth=TruthMask(labels=labels)))
    assert float(row["dice"]) == 1


def test_a_network_without_an_answer_keeps_its_letter_and_says_why():
    archive = report(Missing(title="Broken", message="It returned NaN."), answer())
    assert [row["letter"] for row in rows_of(archive)] == ["B"]
    assert "B/mask.png" in archive.namelist()
    assert "A/mask.png" not in archive.namelist()
    assert "It returned NaN." in archive.read("index.html").decode()


def test_the_spec_says_who_decided_what():
    spec = json.loads(report(answer()).read("A/spec.json"))
    assert spec["preprocessing"]["side"] == 512
    assert spec["origins"] == {"preprocessing.side": "its file"}


# --- The page ---------------------------------------------------------------------------------


def test_the_page_needs_no_script_and_only_files_that_lie_beside_it():
    archive = report(answer(), answer(of=prediction(classes=4), pick="all"))
    page = Page(archive.read("index.html").decode())
    assert page.files <= set(archive.namelist())
    assert {f"B/{kind}.png" for kind in KINDS} <= page.files
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "form"})


def test_foreign_text_stays_text_in_the_page_and_no_formula_in_the_table():
    of = prediction(classes=3)
    hostile = replace(
        answer(HOSTILE, of=of, pick="all", class_names=(HOSTILE,) * 3),
        provenance={"title": HOSTILE, "repository": HOSTILE, "reading": {}},
        spec=SegmentationSpec.resolve([(HOSTILE, {"preprocessing": {"side": 5}})]),
        network=HOSTILE,
        device=HOSTILE,
    )
    archive = report(hostile, Missing(title=HOSTILE, message=HOSTILE))
    html = archive.read("index.html").decode()
    assert "script" not in Page(html).tags
    assert html.count(escape(HOSTILE)) >= 9
    assert HOSTILE not in html
    assert rows_of(archive)[0]["checkpoint"] == f"'{HOSTILE}"


def test_the_page_speaks_the_readers_language_and_the_table_does_not():
    with speaking("zh"):
        archive = report(answer())
    html = archive.read("index.html").decode()
    assert '<html lang="zh">' in html
    assert "对比" in html
    assert set(rows_of(archive)[0]) == set(rows_of(report(answer()))[0])


def test_columns_in_which_nothing_is_known_are_left_out_of_the_page():
    html = report(answer()).read("index.html").decode()
    assert "Dice" not in html
    assert "nan" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S).lower()


def test_what_is_not_defined_is_an_empty_cell():
    assert figures_csv([{"letter": "A", "dice": math.nan}]) == "letter,dice\nA,\n"


def test_a_comparison_without_any_answer_still_has_its_page():
    archive = report(Missing(title="Broken", message="It returned NaN."))
    assert rows_of(archive) == []
    assert "Broken" in archive.read("index.html").decode()


# --- Where checkpoints come from --------------------------------------------------------------


def test_the_provenance_names_repository_commit_and_content(tmp_path):
    commit = "0" * 39 + "1"
    path = tmp_path / "models--owner--name" / "snapshots" / commit / "unet.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    entry = CatalogEntry(
        id="hub-1",
        title="U-Net",
        architecture="unet",
        task="",
        bytes=7,
        source="hub",
        path=path,
        address=Address(repo_id="owner/name", filename="unet.pth"),
        licence="mit",
        commercial=True,
    )
    overrides = Overrides(assume="other").with_override("preprocessing.divisor", "maximum")
    facts = provenance(entry, overrides)
    assert facts["repository"] == "owner/name"
    assert facts["commit"] == commit
    assert facts["sha256"] == sha256_of(path)
    assert facts["reading"] == {"assume": "other", "preprocessing": {"divisor": "maximum"}}


def test_the_provenance_does_not_tell_where_on_this_machine_a_file_lies(tmp_path):
    path = tmp_path / "mine.pth"
    path.write_bytes(b"weights")
    entry = CatalogEntry(
        id="file-1", title="Mine", architecture="unet", task="", bytes=7, source="upload", path=path
    )
    facts = provenance(entry, NO_OVERRIDES)
    assert facts["file"] == "mine.pth"
    assert str(tmp_path) not in json.dumps(facts)
    assert facts["repository"] is None
