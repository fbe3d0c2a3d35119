"""Visitors run networks in turn, and none can shut the others out."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.data_classes import PredictBodyInternal

from segdemo.ui.operations import turns
from segdemo.ui.operations.turns import DEVICE, Turns, take_turns
from tests.ui.conftest import in_a_loop


def event(session, address="10.0.0.1", number=0):
    scope = {"client": (address, 1), "headers": []}
    return SimpleNamespace(
        _id=f"{session}-{number}", session_hash=session, request=SimpleNamespace(scope=scope)
    )


def served_order(waiting):
    order = []
    while waiting:
        order.append(waiting[0].session_hash)
        waiting.remove(waiting[0])
    return order


def test_who_asks_once_waits_at_most_two_turns_behind_forty_of_another():
    waiting = Turns()
    for number in range(40):
        waiting.append(event("many", "10.0.0.1", number))
    for _ in range(3):  # three are served meanwhile
        waiting.remove(waiting[0])
    waiting.append(event("one", "10.0.0.2"))
    assert served_order(waiting).index("one") <= 2


def test_many_sessions_of_one_address_do_not_make_another_address_wait_for_all():
    waiting = Turns()
    for number in range(40):
        waiting.append(event(f"crowd {number}", "10.0.0.1"))
    waiting.append(event("one", "10.0.0.2"))
    assert served_order(waiting).index("one") <= 4


def test_the_runs_of_one_visitor_stay_in_order():
    waiting = Turns()
    for number in range(3):
        waiting.append(event("heavy", "10.0.0.1", number))
    numbers = []
    for newcomer in range(12):
        waiting.append(event(f"new {newcomer}", f"10.0.1.{newcomer}"))
    while waiting:
        first = waiting[0]
        waiting.remove(first)
        if first.session_hash == "heavy":
            numbers.append(first._id)
    assert numbers == ["heavy-0", "heavy-1", "heavy-2"]


def test_an_event_that_left_its_place_is_forgotten():
    waiting = Turns()
    first, second, third = (event("a", number=number) for number in range(3))
    for one in (first, second, third):
        waiting.append(one)
    waiting.remove(second)
    assert list(waiting) == [first, third]


@pytest.fixture
def queue():
    def build():
        with gr.Blocks() as demo:
            demo.load(lambda: None, concurrency_id=DEVICE, concurrency_limit=1)
            demo.load(lambda: None)
        return take_turns(demo, others=4)

    return in_a_loop(build)


def pushed(queue, session, fn_index=0):
    body = PredictBodyInternal(data=[], session_hash=session, fn_index=fn_index)
    request = SimpleNamespace(scope={"client": ("10.0.0.1", 1), "headers": []})
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(queue.push(body, request, None))).result()


def test_runs_too_many_are_refused_by_a_sentence_and_small_events_never(queue, monkeypatch):
    monkeypatch.setattr(turns, "MAX_WAITING_OF_ONE", 2)
    monkeypatch.setattr(turns, "MAX_WAITING", 3)
    assert [pushed(queue, "a")[0] for _ in range(2)] == [True, True]
    taken, sentence, state = pushed(queue, "a")
    assert (taken, state) == (False, "queue_full")
    assert "2 of your own runs" in sentence
    assert pushed(queue, "b")[0]
    assert "3 runs are waiting" in pushed(queue, "c")[1]
    assert pushed(queue, "a", fn_index=1)[0]
    assert (queue.waiting, queue.refused) == (3, 2)


def test_a_server_that_is_about_to_stop_takes_no_more(queue):
    queue.draining = True
    taken, sentence, state = pushed(queue, "a")
    assert (taken, state) == (False, "queue_full")
    assert "being restarted" in sentence
    assert queue.is_idle
