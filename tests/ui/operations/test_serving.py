"""A server that is told to stop lets runs finish first."""

from types import SimpleNamespace

import gradio as gr
import pytest

from segdemo.ui.operations.serving import drain
from segdemo.ui.operations.turns import TurnQueue, take_turns
from tests.ui.conftest import in_a_loop


@pytest.fixture
def demo():
    def build():
        with gr.Blocks() as demo:
            pass
        take_turns(demo, others=1)
        return demo

    return in_a_loop(build)


def test_nothing_to_wait_for_ends_at_once(demo):
    waits = []
    assert drain(demo, seconds=60, hurry=waits.append)
    assert demo._queue.draining
    assert not waits


def test_what_runs_is_waited_for_until_it_is_done(demo):
    demo._queue.active_jobs = [[SimpleNamespace()]]

    def finish(seconds):
        demo._queue.active_jobs = [None]

    assert drain(demo, seconds=60, hurry=finish)


def test_the_wait_ends_in_time_or_at_a_second_signal(demo, caplog):
    demo._queue.active_jobs = [[SimpleNamespace()]]
    waits = []
    assert not drain(demo, seconds=1, hurry=waits.append)
    assert len(waits) == 5
    assert not drain(demo, seconds=60, hurry=lambda seconds: True)
    assert "stopped while" in caplog.text


def test_the_page_has_a_queue_in_turns(demo):
    assert isinstance(demo._queue, TurnQueue)
    assert demo.api_open is False
