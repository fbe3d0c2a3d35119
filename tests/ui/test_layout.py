"""What stands on the page, and what Gradio is told to do with it."""

import gradio as gr
import pytest

from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.ui import launch_options
from segdemo.ui.handlers import Handlers
from segdemo.ui.layout import may_sign_in
from segdemo.ui.page import build
from segdemo.ui.shelf import Shelf
from segdemo.ui.visitor import Visitor
from tests.table import every
from tests.ui.conftest import in_a_loop
from tests.ui.hub_fakes import FakeHub

SPACE = {"SPACE_ID": "alice/segdemo", "OAUTH_CLIENT_ID": "0123"}


@pytest.fixture(scope="module")
def demo(entries, tmp_path_factory):
    settings = Settings(device="cpu")
    handlers = Handlers(
        settings=settings,
        predictor=Pool(settings),
        shelf=Shelf(lambda: entries),
        hub=FakeHub().access,
        examples=(),
    )

    return lambda: in_a_loop(lambda: build(handlers, tmp_path_factory.mktemp("static")))


def parts(demo, kind):
    return [block for block in demo.blocks.values() if isinstance(block, kind)]


@every("missing", SPACE)
def test_signing_in_needs_a_space_that_asks_for_it(missing, monkeypatch):
    monkeypatch.setattr("segdemo.ui.layout.find_spec", lambda name: object())
    assert may_sign_in(SPACE)
    assert not may_sign_in({name: word for name, word in SPACE.items() if name != missing})


def test_signing_in_needs_the_packages_that_gradio_does_it_with(monkeypatch):
    monkeypatch.setattr("segdemo.ui.layout.find_spec", lambda name: None)
    assert not may_sign_in(SPACE)


def test_the_button_stands_only_where_signing_in_works(demo, monkeypatch):
    assert parts(demo(), gr.LoginButton) == []
    monkeypatch.setattr("segdemo.ui.layout.may_sign_in", lambda: True)
    # It needs packages that only Spaces have.
    monkeypatch.setattr("gradio.routes.attach_oauth", lambda app: None)
    (button,) = parts(demo(), gr.LoginButton)
    assert "private and gated" in button.value


def test_a_visitor_is_closed_with_the_session(demo):
    built = demo()
    (state,) = [state for state in parts(built, gr.State) if isinstance(state.value, Visitor)]
    assert state.delete_callback is Visitor.close
    # Gradio forgets only what an event has given out; private folders begin with these two.
    givers = [event for event in built.fns.values() if state in event.outputs]
    assert {event.name for event in givers} == {"look", "arrive"}


def test_downloads_have_a_queue_of_their_own(demo):
    queues = {(event.name, event.concurrency_id) for event in demo().fns.values()}
    assert {("follow", "downloads"), ("look", "looks"), ("compare_shown", "device")} <= queues


def test_gradios_limit_admits_checkpoints_only_where_they_may_be_uploaded():
    assert launch_options(Settings())["max_file_size"] == "1000mb"
    closed = Settings(checkpoint_uploads=False, max_upload_megabytes=50)
    assert launch_options(closed)["max_file_size"] == "50mb"
