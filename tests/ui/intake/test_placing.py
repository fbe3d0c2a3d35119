"""What lies in the places of the page, as the server has decoded it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.masks import VOID
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.ui.gradio_support.uploads import served
from segdemo.ui.handlers import Handlers
from segdemo.ui.intake.desk import Desk
from segdemo.ui.intake.label_colours import coloured
from segdemo.ui.intake.payload import Placed
from segdemo.ui.intake.places import FilePlace
from segdemo.ui.shelf import Shelf
from tests.ui.hub_fakes import FakeHub


@pytest.fixture
def placing(entries):
    settings = Settings(device="cpu", max_megapixels=1)
    handlers = Handlers(
        settings=settings,
        predictor=Pool(settings),
        shelf=Shelf(lambda: entries),
        hub=FakeHub().access,
        examples=(),
    )
    return handlers.placing


@pytest.fixture
def deep(tmp_path):
    """A 16-bit picture that no browser shows as it is."""
    path = tmp_path / "deep.png"
    Image.fromarray(np.linspace(100, 4000, 600 * 400).reshape(400, 600).astype(np.uint16)).save(
        path
    )
    return path


def test_the_thumbnail_is_what_the_server_decoded(placing, visitor, deep):
    placed = placing.picture(visitor, deep)
    assert (placed.name, placed.problem) == ("deep.png", "")
    assert "600 × 400 pixels" in placed.facts
    with Image.open(placed.thumbnail.file.path) as shown:
        assert shown.size == (320, 213)
        lowest, highest = shown.convert("L").getextrema()
    assert highest - lowest > 200
    assert visitor.of(Desk).picture == deep


def test_what_cannot_be_read_is_a_sentence_and_takes_the_place_of_the_last(placing, visitor, deep):
    placing.picture(visitor, deep)
    broken = deep.with_name("broken.png")
    broken.write_bytes(deep.read_bytes()[:100])
    placed = placing.picture(visitor, broken)
    assert placed.paths == ()
    assert placed.problem.endswith(".")
    assert visitor.of(Desk).picture is None


def test_a_mask_leaves_with_its_picture(placing, visitor, deep, tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", (600, 400), 255).save(mask)
    placing.picture(visitor, deep)
    placed = placing.mask(visitor, mask, deep)
    assert placed.thumbnail is not None
    assert "Labels: 1" in placed.facts
    placing.picture(visitor, deep)
    assert visitor.of(Desk).truth is None


def test_a_mask_of_no_use_says_why(placing, visitor, deep, tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", (500, 600), 255).save(mask)
    assert placing.mask(visitor, mask, deep).problem
    assert "no picture" in placing.mask(visitor, mask, None).problem


def test_a_mask_on_its_side_is_turned_and_the_other_turn_is_offered(
    placing, visitor, deep, tmp_path
):
    mask = tmp_path / "mask.png"
    Image.linear_gradient("L").resize((400, 600)).point(lambda grey: grey > 99 and 255).save(mask)
    placed = placing.mask(visitor, mask, deep)
    assert [hint.choice.name for hint in placed.panel.hints] == ["rotated_270"]
    assert "turned left by 90°" in placed.panel.hints[0].sentence
    assert not placing.read_as(visitor, "rotated_270", deep).panel.hints


def test_void_and_classes_have_colours_that_differ():
    labels = np.array([[0, 1, 2, 3, VOID]], np.uint8)
    colours = {tuple(pixel) for pixel in np.asarray(coloured(labels))[0]}
    assert len(colours) == 5


def test_many_are_told_by_count_and_the_first_names(placing, visitor):
    paths = [Path(f"{number}.png") for number in range(5)]
    placed = placing.many(visitor, "pictures", paths)
    assert (placed.name, placed.facts) == ("5 files", ("0.png, 1.png, 2.png and 2 more",))
    assert placing.many(visitor, "pictures", ()) is None


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "", "\0"])
def test_a_browser_names_no_file_but_those_of_this_server(path):
    assert served(path) is None
    place = FilePlace(kind="picture", limits={}, render=False)
    assert place.preprocess({"files": [{"path": path}]}) is None
    for nonsense in ({}, {"files": 3}, {"files": [None, {"path": 3}]}, None):
        assert place.preprocess(nonsense) is None


def test_a_place_gives_what_was_laid_into_it(placing, visitor, tmp_path, monkeypatch):
    cache = tmp_path / "gradio"
    cache.mkdir()
    path = cache / "picture.png"
    Image.new("L", (40, 30)).save(path)
    value = Placed(paths=(str(path),)).to_json()
    assert FilePlace(kind="picture", limits={}, render=False).preprocess(value) == str(path)
    assert FilePlace(kind="masks", limits={}, render=False).preprocess(value) == [str(path)]


def test_another_reading_stays_until_another_mask_or_picture_comes(
    placing, visitor, deep, tmp_path
):
    mask, other = tmp_path / "mask.png", tmp_path / "other.png"
    half = np.zeros((400, 600), np.uint8)
    half[:, :200] = 255
    for path in (mask, other):
        Image.fromarray(half).save(path)
    desk = visitor.of(Desk)
    placing.picture(visitor, deep)
    placing.mask(visitor, mask, deep)
    placed = placing.read_as(visitor, "inverse", deep)
    assert placed.panel.chosen
    assert desk.reading_of(mask) == "inverse"
    assert placing.say_again(visitor, "mask").panel == placed.panel
    assert not placing.read_as(visitor, "", deep).panel.chosen
    assert desk.reading_of(mask) is None
    for forget in (
        lambda: placing.mask(visitor, other, deep),
        lambda: placing.picture(visitor, deep),
        lambda: placing.clear(visitor, "mask"),
    ):
        placing.mask(visitor, mask, deep)
        placing.read_as(visitor, "inverse", deep)
        forget()
        assert desk.reading == ""


def test_a_reading_that_is_none_changes_nothing(placing, visitor, deep, tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", (600, 400), 255).save(mask)
    placing.picture(visitor, deep)
    placing.mask(visitor, mask, deep)
    for name in ("<b>", "rotated_90", "ground=3", "inverse" * 1000):
        with pytest.raises(PictureError):
            placing.read_as(visitor, name, deep)
        assert visitor.of(Desk).reading == ""
    placing.clear(visitor, "mask")
    assert placing.read_as(visitor, "inverse", deep) is None
