from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from segdemo.images.palettes import CLASS_PALETTES, PANEL_COLOURS
from segdemo.inference.maps import quantise
from segdemo.outputs.report import KINDS
from segdemo.strings import speaking, text
from segdemo.ui.intake.desk import Desk
from segdemo.ui.sharing.saving import Wanted, save
from segdemo.ui.viewer.payload import MAX_PANELS, PanelState, ViewerState
from segdemo.ui.visitor import Visitor
from tests.table import every
from tests.ui.test_handlers import make

NAMES = ["first", "last"]


@pytest.fixture
def saved(entries, several, visitor, picture_path):
    """What a browser gets that asks with these words."""

    def saved(names=NAMES, truth=None, path=picture_path, **words):
        wanted = Wanted.read({"serial": 7, "panel": "slot-0", **words})
        return save(make([*entries, several]), visitor, path, truth, names, wanted)

    return saved


def state(*thresholds, **changes):
    panels = tuple(PanelState(threshold=k) for k in thresholds)
    return ViewerState(threshold=128, panels=panels, **changes).to_json()


def test_a_mask_is_cut_where_the_screen_cuts_it(entries, saved, picture):
    handlers = make(entries)
    shown = handlers.prediction(picture, "", *handlers.chosen(Visitor(), NAMES)[1])[1]
    q = quantise(shown.foreground_at(picture.size))
    k = int(np.median(q))
    answer = saved(kind="mask", panel="slot-1", state=state(1, k))
    mask = np.asarray(Image.open(answer.file.path))
    assert np.array_equal(mask == 255, q >= k)
    assert answer.serial == 7
    assert answer.name == "picture-The-last-mask.png"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_the_pictures_own_size(saved, picture, kind):
    answer = saved(kind=kind, state=state(100))
    assert answer.message == ""
    with Image.open(answer.file.path) as stored:
        assert stored.size == picture.size


def test_an_overlay_has_the_colour_and_the_opacity_of_the_screen(saved):
    words = {"kind": "overlay", "state": state(1, opacity=1.0), "colours": ["#123456"]}
    pixels = np.asarray(Image.open(saved(**words).file.path)).reshape(-1, 3)
    assert (0x12, 0x34, 0x56) in {tuple(pixel) for pixel in pixels.tolist()}


def test_classes_are_saved_in_the_colours_of_the_screen(saved):
    palette = {"state": {"threshold": 1, "panels": [{"pick": "all", "palette": "cityscapes"}]}}
    answer = saved(["several"], kind="mask", **palette)
    used = np.unique(np.asarray(Image.open(answer.file.path)))
    colours = {tuple(bytes.fromhex(CLASS_PALETTES["cityscapes"][label][1:])) for label in used}
    shown = np.asarray(Image.open(answer.file.path).convert("RGB")).reshape(-1, 3)
    assert {tuple(pixel) for pixel in shown.tolist()} == colours

    archive = ZipFile(saved(["several"], kind="report", **palette).file.path)
    assert archive.read("A/mask.png") == Path(answer.file.path).read_bytes()
    assert CLASS_PALETTES["cityscapes"][used[-1]] in archive.read("index.html").decode()


def test_a_report_holds_what_could_be_run_and_says_what_could_not(saved):
    answer = saved(["first", "broken", "far"], kind="report")
    assert answer.name == "picture-report.zip"
    archive = ZipFile(answer.file.path)
    html = archive.read("index.html").decode()
    assert "A/mask.png" in archive.namelist()
    assert "B/mask.png" not in archive.namelist()
    assert "NaN" in html
    assert "176 MB" in html


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_says_who_decided_what_as_the_page_does(saved, language):
    saved(kind="report")
    with speaking(language):
        archive = ZipFile(saved(kind="report").file.path)
    html = archive.read("index.html").decode()
    assert f"<td>{text('origin_default', language)}</td>" in html
    assert f"<td>{text('origin_classes', language)}</td>" in html


def test_a_report_has_the_scores_against_a_mask_of_the_picture(saved, picture, tmp_path):
    path = tmp_path / "mask.png"
    Image.fromarray(np.tri(*picture.size[::-1], dtype=np.uint8) * 255).save(path)
    archive = ZipFile(saved(kind="report", truth=str(path)).file.path)
    assert "dice" in archive.read("figures.csv").decode().splitlines()[0]
    assert "truth.png" in archive.namelist()


def test_a_report_reads_the_mask_as_the_visitor_does(saved, visitor, picture, tmp_path):
    path = tmp_path / "mask.png"
    Image.fromarray(np.tri(*picture.size[::-1], dtype=np.uint8) * 255).save(path)
    drawn = []
    for reading in ("", "inverse"):
        visitor.of(Desk).truth, visitor.of(Desk).reading = path, reading
        with (
            ZipFile(saved(kind="report", truth=str(path)).file.path) as archive,
            archive.open("truth.png") as file,
        ):
            drawn.append(np.asarray(Image.open(file)) > 0)
    assert np.array_equal(drawn[0], ~drawn[1])


def test_two_reports_lie_where_nobody_can_guess(saved):
    one, other = saved(kind="report"), saved(kind="report")
    assert one.file.path != other.file.path
    assert len(one.file.path.split("/")[-2]) == 64


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"path": None}, "no picture"),
        ({"kind": "mask", "panel": "slot-3"}, "Choose a checkpoint"),
        ({"kind": "mask", "panel": "slot-0", "names": ["broken"]}, "NaN"),
        ({"kind": "mask", "names": ["far"]}, "176 MB"),
    ],
)
def test_what_cannot_be_saved_is_a_sentence(saved, words, sentence):
    answer = saved(**words)
    assert answer.file is None
    assert sentence in answer.message


@every("data", [None, "text", [], {"panel": 3, "serial": "x", "state": [], "colours": "#123456"}])
def test_what_makes_no_sense_in_a_request_is_the_usual(data):
    wanted = Wanted.read(data)
    assert (wanted.kind, wanted.panel, wanted.serial) == (None, -1, -1)
    look = wanted.look(1)
    assert (look["threshold"], look["pick"], look["colour"]) == (
        128,
        "",
        PANEL_COLOURS[1],
    )


@every("colour", ["red", "#12345", "url(x)", 7, "#123456;", "#12345\n"])
def test_a_colour_that_is_none_is_that_of_the_panel(colour):
    wanted = Wanted.read({"colours": [colour]})
    assert wanted.look(0)["colour"] == PANEL_COLOURS[0]


def test_there_is_a_colour_for_every_panel():
    assert len(PANEL_COLOURS) >= MAX_PANELS
