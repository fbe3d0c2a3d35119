"""Turns: one network at a time, company for the same, to each its own answer."""

from threading import Event, Thread

import pytest
import torch

from segdemo.engine.scheduler import DeviceScheduler

PATIENCE = 300  # seconds after which a thread counts as stuck


class Visitors:
    """Threads that wait for a turn behind one that has it, in a known order."""

    def __init__(self, scheduler):
        self.scheduler, self.outcomes, self.threads = scheduler, {}, []
        self.held, self.go_on = Event(), Event()
        self.begin("first", self.hold, torch.zeros(1, 1), network="first")
        assert self.held.wait(PATIENCE)

    def hold(self, given):
        self.held.set()
        assert self.go_on.wait(PATIENCE)
        return given

    def begin(self, name, forward, given, **options):
        def work():
            try:
                self.outcomes[name] = self.scheduler.run(forward, given, **options)
            except Exception as error:
                self.outcomes[name] = error

        waiting = len(self.scheduler._waiting)
        thread = Thread(target=work, daemon=True)
        self.threads.append(thread)
        thread.start()
        while name != "first" and len(self.scheduler._waiting) == waiting:
            thread.join(0.001)

    def end(self):
        self.go_on.set()
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "waits for a turn that never comes"
        return self.outcomes


@pytest.fixture
def visitors():
    return Visitors(DeviceScheduler())


def counted(sizes, act=lambda given: given * 2):
    """A network that notes how many pictures it gets at a time."""

    def forward(given):
        sizes.append(len(given))
        return act(given)

    return forward


def number(value):
    return torch.full((1, 2), float(value))


def test_whoever_is_alone_gets_the_networks_answer_and_its_time():
    answer, seconds = DeviceScheduler().run(lambda given: given + 1, number(3), network="net")
    assert torch.equal(answer, number(4))
    assert seconds > 0


def test_what_waits_for_the_same_network_goes_together_and_each_gets_its_own_answer(visitors):
    sizes = []
    for value in range(5):
        visitors.begin(value, counted(sizes), number(value), network="net", most=4)
    outcomes = visitors.end()
    assert sorted(sizes) == [1, 4]
    for value in range(5):
        assert torch.equal(outcomes[value][0], number(2 * value))


def test_those_who_went_together_took_the_same_time(visitors):
    for value in range(3):
        visitors.begin(value, counted([]), number(value), network="net", most=4)
    outcomes = visitors.end()
    assert len({outcomes[value][1] for value in range(3)}) == 1


def test_by_default_each_goes_alone(visitors):
    sizes = []
    for value in range(3):
        visitors.begin(value, counted(sizes), number(value), network="net")
    visitors.end()
    assert sizes == [1, 1, 1]


@pytest.mark.parametrize(
    "other", [{"network": "other"}, {"given": torch.ones(1, 3)}], ids=["network", "size"]
)
def test_another_network_or_size_goes_by_itself(visitors, other):
    sizes = []
    same = {"given": number(1), "network": "net", "most": 8}
    visitors.begin("one", counted(sizes), **same)
    visitors.begin("other", counted(sizes), **{**same, **other})
    visitors.end()
    assert sizes == [1, 1]


def test_where_all_together_fail_each_goes_alone_and_one_failure_is_ones_own(visitors):
    sizes = []

    def delicate(given):
        if len(given) > 1 or given[0, 0] == 1:
            raise MemoryError("too many")
        return given

    for value in range(3):
        visitors.begin(value, counted(sizes, delicate), number(value), network="net", most=8)
    outcomes = visitors.end()
    assert sizes == [3, 1, 1, 1]
    assert isinstance(outcomes[1], MemoryError)
    assert torch.equal(outcomes[0][0], number(0))
    assert torch.equal(outcomes[2][0], number(2))


def test_after_a_failure_the_next_has_its_turn():
    scheduler = DeviceScheduler()

    def broken(given):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        scheduler.run(broken, number(1), network="net")
    assert torch.equal(scheduler.run(lambda given: given, number(2), network="net")[0], number(2))
    assert scheduler._waiting == []
