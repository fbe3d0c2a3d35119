"""Graphs: for sizes that come again, kept if they are the same function and fit."""

import pytest
import torch

from segdemo.engine import cuda_graphs
from segdemo.engine.cuda_graphs import Graphs


class Recorded:
    """In the place of a graph, which only CUDA devices have; like one it reads one place."""

    made: list["Recorded"]

    def __init__(self, forward, pictures):
        self.forward, self.given, self.launches = forward, pictures.clone(), 0
        Recorded.made.append(self)

    def __call__(self, pictures):
        self.given.copy_(pictures)
        self.launches += 1
        return self.forward(self.given)


@pytest.fixture(autouse=True)
def made(monkeypatch):
    Recorded.made = []
    monkeypatch.setattr(cuda_graphs, "Graph", Recorded)
    return Recorded.made


@pytest.fixture
def graphs():
    return Graphs(torch.float32)


def forward(pictures):
    return pictures * 3


def ask(graphs, side=4, *, by=forward, byte_size=1000):
    pictures = torch.rand(1, 3, side, side)
    assert torch.equal(graphs.run(by, pictures, byte_size=byte_size), pictures * 3)


def test_every_answer_is_that_of_the_network_for_the_picture_that_is_given(graphs):
    for _ in range(5):
        ask(graphs)


def test_a_size_that_comes_once_makes_no_graph_and_one_that_comes_again_makes_one(graphs, made):
    ask(graphs, 4)
    ask(graphs, 5)
    assert made == []
    assert graphs.byte_size == 0
    for _ in range(4):
        ask(graphs, 4)
    assert [graph.launches for graph in made] == [4]  # the first of them proved it
    assert graphs.byte_size == 1000


def test_a_graph_that_answers_otherwise_is_not_kept_nor_tried_again(graphs, made, monkeypatch):
    monkeypatch.setattr(Recorded, "__call__", lambda self, pictures: pictures * 3 + 0.01)
    for _ in range(5):
        ask(graphs)
    assert len(made) == 1
    assert graphs.byte_size == 0


def test_a_graph_that_answers_nan_is_not_kept(graphs, monkeypatch):
    monkeypatch.setattr(Recorded, "__call__", lambda self, pictures: pictures * torch.nan)
    for _ in range(4):
        ask(graphs)


@pytest.mark.parametrize(
    "error", [RuntimeError("operation not permitted"), torch.OutOfMemoryError("out of memory")]
)
def test_what_cannot_be_a_graph_runs_as_always(graphs, monkeypatch, error):
    tries = []

    def fail(forward, pictures):
        tries.append(1)
        raise error

    monkeypatch.setattr(cuda_graphs, "Graph", fail)
    for _ in range(4):
        ask(graphs)
    assert len(tries) == 1


def test_a_network_that_fails_fails_as_always(graphs):
    def broken(pictures):
        raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            graphs.run(broken, torch.rand(1, 3, 4, 4), byte_size=1)


@pytest.mark.parametrize("byte_size", [0, 2**30 + 1], ids=["unknown", "too much"])
def test_what_needs_too_much_or_an_unknown_amount_makes_no_graph(graphs, made, byte_size):
    for _ in range(3):
        ask(graphs, byte_size=byte_size)
    assert made == []


def test_the_least_recently_used_leave_when_all_do_not_fit(graphs, made):
    third = 2**30 // 3
    for side in (4, 5, 6, 4):
        for _ in range(2):
            ask(graphs, side, byte_size=third)
    assert graphs.byte_size == 3 * third
    ask(graphs, 7, byte_size=third)
    ask(graphs, 7, byte_size=third)  # 5 leaves
    assert graphs.byte_size == 3 * third
    before = len(made)
    ask(graphs, 4, byte_size=third)
    ask(graphs, 6, byte_size=third)
    assert len(made) == before
    ask(graphs, 5, byte_size=third)
    ask(graphs, 5, byte_size=third)
    assert len(made) == before + 1


def test_sizes_without_number_are_not_all_remembered(graphs, made):
    ask(graphs, 1)
    for side in range(2, 70):
        ask(graphs, side)
    ask(graphs, 1)
    assert made == []


def test_a_changed_network_starts_anew(graphs, made):
    ask(graphs)
    ask(graphs)
    graphs.clear()
    assert graphs.byte_size == 0
    ask(graphs)
    assert len(made) == 1
