import re
from dataclasses import replace

import pytest
from PIL import Image

from segdemo.catalog import shipped
from segdemo.errors import PictureError, SegdemoError
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.strings import speaking
from segdemo.ui.handlers import Handlers
from segdemo.ui.shelf import Shelf
from segdemo.ui.slots import put
from segdemo.ui.viewer.stored import examples
from segdemo.ui.visitor import Visitor
from tests.table import every
from tests.ui.hub_fakes import FakeDownload, FakeHub, remote_entry


def make(entries, hub=None, examples=(), **settings):
    settings = Settings(**{"device": "cpu", "max_megapixels": 0.01, **settings})
    hub = hub or FakeHub()
    return Handlers(
        settings=settings,
        predictor=Pool(settings),
        shelf=Shelf(lambda: [*entries, remote_entry()], online=not hub.offline),
        hub=hub.access,
        examples=examples,
    )


def is_chinese(words):
    return re.search("[\u4e00-\u9fff]", words) is not None


@pytest.fixture
def handlers(entries):
    return make(entries)


@pytest.fixture
def ran(monkeypatch):
    """The networks that have run, in order."""
    ran = []
    predict = Pool.predict

    def noted(pool, path, *rest):
        ran.append(path.stem)
        return predict(pool, path, *rest)

    monkeypatch.setattr(Pool, "predict", noted)
    return ran


def test_a_comparison_has_a_panel_for_every_slot_that_is_filled(handlers, visitor, picture_path):
    chosen = ["first", None, "last", "no such checkpoint"]
    *_, last = handlers.compare(visitor, picture_path, chosen)
    assert [panel.label for panel in last.panels] == ["A first", "The last"]
    assert (last.image.width, last.image.height) == (61, 47)


def test_the_same_picture_is_the_same_run_so_that_the_view_stays(handlers, visitor, picture_path):
    runs = {
        comparison.run
        for chosen in (["first"], ["last"])
        for comparison in handlers.compare(visitor, picture_path, chosen)
    }
    assert len(runs) == 1


def test_another_language_says_everything_again_and_runs_no_network(
    entries, several, visitor, picture_path, tmp_path, ran
):
    # Twice the picture's size, so that there is something to notice.
    truth = tmp_path / "truth.png"
    Image.linear_gradient("L").point(lambda grey: 255 * (grey > 99)).resize((122, 94)).save(truth)
    handlers = make([entries[0], several])

    def told(language):
        with speaking(language):
            asked = visitor, picture_path, ["first", "several", "far"], str(truth)
            *_, last = handlers.compare(*asked)
        absent = last.panels[2]
        said = [*last.truth.notices, absent.title, absent.message]
        for panel in last.panels:
            said += panel.notes
            said += [words for one in panel.assumed for words in (one.label, one.origin)]
        return last, said

    english, said = told("en")
    ran.clear()
    chinese, again = told("zh")
    assert ran == []
    assert len(said) == len(again)
    assert not set(said) & set(again)
    assert all(is_chinese(words) for words in again)
    assert chinese.run == english.run
    assert [panel.map for panel in chinese.panels] == [panel.map for panel in english.panels]


@pytest.fixture(scope="module")
def with_examples():
    """A page that offers what is shipped, with the stored comparisons."""
    return make(shipped(), examples=examples(), max_megapixels=40)


@pytest.fixture
def seen(with_examples, visitor):
    """The stored comparison at which the visitor looks: handlers, example, and its picture."""
    visitor.example = next(
        number
        for number, example in enumerate(with_examples.examples)
        if example.picture.stem == "cell"
    )
    example = with_examples.examples[visitor.example]
    return with_examples, example, str(example.picture)


def test_a_mask_for_a_stored_comparison_is_judged_without_running_a_network(
    seen, visitor, tmp_path, ran
):
    handlers, example, path = seen
    with Image.open(path) as picture:
        Image.new("L", picture.size, 255).save(tmp_path / "truth.png")
    for truth in (str(tmp_path / "truth.png"), None):
        (told,) = handlers.compare(visitor, path, [*example.checkpoints, None], truth)
        assert replace(told, truth=None) == example.comparison
        assert (told.truth is not None) == (truth is not None)
    assert ran == []


def test_a_stored_comparison_holds_for_what_it_is_of_alone(seen, visitor, picture_path, ran):
    handlers, example, path = seen
    first, second = example.checkpoints
    number = visitor.example
    list(handlers.compare(visitor, path, [second]))
    assert visitor.example is None
    list(handlers.compare(visitor, path, example.checkpoints))
    assert ran == [second, first]
    visitor.example = number
    list(handlers.compare(visitor, picture_path, [second]))
    visitor.example = number
    handlers.rereading.reassume(
        visitor, example.checkpoints, "slot-1", "preprocessing.divisor", "1"
    )
    *_, last = handlers.compare(visitor, path, example.checkpoints)
    assert ran == [second, first, second, second]
    assert last.panels[1].map != example.comparison.panels[1].map


def test_what_was_opened_meanwhile_is_not_covered_by_an_earlier_comparison(
    handlers, visitor, picture_path, ran
):
    visitor.example = None
    running = handlers.compare(visitor, picture_path, ["first", "last"])
    next(running)
    next(running)
    # As a click on an example does, and a link.
    visitor.example = 1
    assert list(running) == []
    assert visitor.example == 1
    assert ran == ["first"]


def test_what_is_not_here_yet_waits_in_its_panel_and_holds_nobody_up(
    handlers, visitor, picture_path
):
    *_, last = handlers.compare(visitor, picture_path, ["far", "first"])
    absent, ready = last.panels
    assert (absent.status, ready.status) == ("absent", "ready")
    assert absent.title == "Not downloaded yet"
    assert "176 MB" in absent.message


def test_what_is_on_its_way_says_so_in_its_panel(entries, visitor, picture_path):
    handlers = make(entries, FakeHub(downloads=[FakeDownload()]))
    handlers.adding.begin(visitor, ["far"])
    *_, last = handlers.compare(visitor, picture_path, ["far"])
    assert last.panels[0].status == "absent"
    assert last.panels[0].title == "Being downloaded"


def test_another_visitors_checkpoint_cannot_be_compared(handlers, entries, picture_path):
    alice, bob = Visitor(), Visitor()
    alice.entries["hers"] = remote_entry("hers", path=entries[0].path)
    *_, last = handlers.compare(alice, picture_path, ["hers"])
    assert last.panels[0].status == "ready"
    with pytest.raises(SegdemoError, match="Choose a checkpoint"):
        next(handlers.compare(bob, picture_path, ["hers"]))


def test_no_picture_is_a_sentence(handlers, visitor):
    with pytest.raises(PictureError, match="no picture"):
        next(handlers.compare(visitor, None, ["first"]))


def test_no_checkpoint_is_a_sentence(handlers, visitor, picture_path):
    with pytest.raises(SegdemoError, match="Choose a checkpoint"):
        next(handlers.compare(visitor, picture_path, [None, None]))


def test_a_picture_of_too_many_pixels_stops_the_run(handlers, visitor, picture, tmp_path):
    path = tmp_path / "large.png"
    picture.resize((200, 100)).save(path)
    with pytest.raises(PictureError, match="megapixels"):
        next(handlers.compare(visitor, str(path), ["first"]))


def test_a_picture_of_too_many_bytes_is_not_even_read(entries, visitor, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(bytes(1_000_001))
    with pytest.raises(PictureError, match=r"has 1\.0 MB; the limit is 1\.0 MB"):
        next(make(entries, max_upload_megabytes=1).compare(visitor, str(path), ["first"]))


def test_the_slots_begin_with_what_runs_at_once(handlers):
    assert handlers.first_checkpoints() == ["first", "broken"]


def test_the_status_names_device_and_precision(handlers):
    assert handlers.status().startswith("Runs on CPU")
    assert "fp32" in handlers.status()
    assert "Checkpoints come" not in handlers.status()


def test_the_status_names_an_endpoint_that_is_not_the_usual_one(entries):
    status = make(entries, FakeHub(endpoint="https://hf-mirror.example")).status()
    assert status.endswith("Checkpoints come from https://hf-mirror.example.")


def test_the_status_says_when_it_is_offline_and_what_works(entries):
    handlers = make(entries, FakeHub(offline=True))
    assert "Offline: shipped and cached checkpoints work." in handlers.status()
    assert "far" not in [name for _, name in handlers.shelf.choices()]


@every(
    ("chosen", "shown", "expected"),
    [
        (["a", None, None, None], 2, (2, 1)),
        (["a", "b", None, None], 2, (3, 2)),
        (["a", "b", "old", None], 2, (3, 2)),
        (["a", "b", "c", "d"], 4, (4, None)),
        ([None, "b", None, None], 3, (3, 0)),
        (["a", "new", None, None], 2, (2, 1)),
    ],
)
def test_one_more_checkpoint_goes_to_an_empty_slot_or_a_new_one_and_pushes_none_out(
    chosen, shown, expected
):
    before = list(chosen)
    assert put("new", chosen, shown) == expected
    shown, slot = expected
    kept = [name for place, name in enumerate(chosen) if place != slot]
    assert kept == [name for place, name in enumerate(before) if place != slot]
    assert slot is None or chosen[slot] == "new"
