"""Handlers answer in their visitor's language, and components can be said again in it."""

import gradio as gr
import pytest

from segdemo.errors import HubError
from segdemo.settings import Settings
from segdemo.strings import language, speaking, text
from segdemo.ui.adding.handlers import Adding
from segdemo.ui.language.texts import labelled, labelled_in, relabelled, spoken
from segdemo.ui.shelf import Shelf
from segdemo.ui.transfers.transfers import Transfers
from segdemo.ui.viewer.stored import examples
from tests.ui.conftest import in_a_loop
from tests.ui.hub_fakes import READABLE, FakeDownload, FakeHub, remote_entry


@pytest.fixture
def visitor(visitor):
    visitor.language = "zh"
    return visitor


def test_a_handler_speaks_the_language_of_the_visitor_among_its_arguments(visitor):
    handler = spoken(lambda *arguments: language())
    assert handler(visitor) == handler("first", visitor) == "zh"
    assert handler("nobody") == language() == "en"


def test_a_handler_speaks_it_to_the_end_when_it_fails(visitor):
    @spoken
    def fails(visitor):
        raise LookupError(text("page_add"))

    with pytest.raises(LookupError, match=text("page_add", "zh")):
        fails(visitor)
    assert language() == "en"


def test_each_step_of_a_generator_speaks_the_language_of_that_moment(visitor):
    @spoken
    def steps(visitor):
        for _ in range(3):
            yield language()

    running = steps(visitor)
    assert next(running) == "zh"
    # Between the steps other handlers run in the same place.
    assert language() == "en"
    visitor.language = "en"
    assert list(running) == ["en", "en"]


def test_a_generator_that_is_left_is_closed(visitor):
    closed = []

    @spoken
    def steps(visitor):
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    running = steps(visitor)
    next(running)
    running.close()
    assert closed == [True]


def test_a_component_is_said_again_by_the_keys_that_it_names():
    def make():
        with gr.Blocks() as page:
            labelled(gr.Button(), value="page_add")
            labelled(gr.Textbox(), label=lambda: text("page_network", letter="B"))
            gr.Textbox(label="no text of ours")
        return page

    button, box = labelled_in(in_a_loop(make))
    assert (button.value, box.label) == ("Add a network", "Network B")
    with speaking("zh"):
        assert relabelled(button)["value"] == text("page_add", "zh")
        assert relabelled(box)["label"] == text("page_network", "zh", letter="B")


def test_a_stored_comparison_speaks_every_language_with_the_same_figures():
    for example in examples():
        english = example.comparison
        with speaking("zh"):
            chinese = example.comparison
        for one, other in zip(english.panels, chinese.panels, strict=True):
            assert (one.map, one.figures) == (other.map, other.figures)
            assert one.label != other.label
            assert one.notes[-1] == text("page_stored", "en")
            assert other.notes[-1] == text("page_stored", "zh")
            assert len(one.notes) == len(other.notes)
            for assumption, same in zip(one.assumed, other.assumed, strict=True):
                assert (assumption.name, assumption.raw) == (same.name, same.raw)
                assert assumption.label != same.label


def test_a_download_that_failed_says_why_in_another_language(visitor):
    download = FakeDownload(failure=HubError("hub_broken_off", host="hub.example"))
    visitor.of(Transfers).begin(remote_entry(), lambda: download, print)
    download.end()
    rows = list(visitor.of(Transfers).follow())[-1]
    assert rows.rows[0].text == text("hub_broken_off", "en", host="hub.example")
    visitor.of(Transfers).say_again()
    with speaking("zh"):
        again = visitor.of(Transfers).rows()
    assert again.rows[0].text == text("hub_broken_off", "zh", host="hub.example")
    assert again.serial > rows.serial


def test_the_last_answer_about_checkpoints_is_said_again_without_asking_anybody(visitor):
    hub = FakeHub()
    hub.add("alice/cells", ("model.safetensors", 176_000_000, READABLE))
    shelf = Shelf(lambda: [remote_entry()])
    adding = Adding(settings=Settings(), hub=hub.access, shelf=shelf)
    assert adding.say_again(visitor) is None
    english = adding.look(visitor, "alice/cells", 7)
    hub.repositories.clear()
    with speaking("zh"):
        chinese = adding.say_again(visitor)
    assert (chinese.serial, chinese.title) == (english.serial, english.title)
    assert chinese.facts != english.facts
    gone = adding.look(visitor, "alice/cells", 8)
    with speaking("zh"):
        assert adding.say_again(visitor).note != gone.note
