import pytest

from segdemo.errors import PictureError, SegdemoError
from segdemo.pool import Pool
from segdemo.settings import Settings
from segdemo.ui.handlers import Handlers


@pytest.fixture
def handlers(entries):
    settings = Settings(device="cpu", max_megapixels=0.01)
    return Handlers(settings=settings, predictor=Pool(settings), entries=entries, examples=())


def test_a_comparison_has_a_panel_for_every_slot_that_is_filled(handlers, picture_path):
    *_, last = handlers.compare(picture_path, ["first", None, "last", "no such checkpoint"])
    assert [panel.label for panel in last.panels] == ["A first", "The last"]
    assert (last.image.width, last.image.height) == (61, 47)


def test_the_same_picture_is_the_same_run_so_that_the_view_stays(handlers, picture_path):
    runs = {
        comparison.run
        for chosen in (["first"], ["last"])
        for comparison in handlers.compare(picture_path, chosen)
    }
    assert len(runs) == 1


def test_no_picture_is_a_sentence(handlers):
    with pytest.raises(PictureError, match="no picture"):
        next(handlers.compare(None, ["first"]))


def test_no_checkpoint_is_a_sentence(handlers, picture_path):
    with pytest.raises(SegdemoError, match="Choose a checkpoint"):
        next(handlers.compare(picture_path, [None, None]))


def test_a_picture_beyond_the_limit_stops_the_run(handlers, picture, tmp_path):
    path = tmp_path / "large.png"
    picture.resize((200, 100)).save(path)
    with pytest.raises(PictureError):
        next(handlers.compare(str(path), ["first"]))


def test_the_filter_offers_the_families_that_have_a_checkpoint(handlers):
    assert handlers.architectures() == [("All", ""), ("U-Net", "unet")]


def test_the_filter_narrows_the_checkpoints(handlers):
    assert [name for _, name in handlers.checkpoints("")] == ["first", "broken", "last"]
    assert handlers.checkpoints("unet") == handlers.checkpoints("")
    assert handlers.checkpoints("u2net") == []


def test_the_status_names_device_and_precision(handlers):
    assert "CPU" in handlers.status()
    assert "fp32" in handlers.status()
