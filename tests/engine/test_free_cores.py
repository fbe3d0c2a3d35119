import pytest
import torch

from segdemo.engine import free_cores
from segdemo.engine.free_cores import FreeCores, allowed_cores, most_threads
from segdemo.engine.scheduler import DeviceScheduler


@pytest.fixture
def four_cores(monkeypatch):
    """A machine of four cores on which PyTorch would take them all."""
    monkeypatch.setattr(free_cores.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(free_cores, "allowed_cores", lambda: 4)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    most_threads.cache_clear()
    yield
    torch.set_num_threads(before)
    most_threads.cache_clear()


def running(path, count):
    """/proc/stat where so many threads run, whoever looks among them."""
    path.write_text(f"cpu  1 2 3\nprocs_running {count}\nprocs_blocked 0\n", encoding="ascii")
    return path


def recorded():
    """A network, and the numbers of threads with which it was run."""
    seen = []

    def forward(given):
        seen.append(torch.get_num_threads())
        return given

    return seen, forward


def test_there_are_as_many_threads_as_cores_that_nobody_else_uses(four_cores, tmp_path):
    expected = {1: 4, 2: 3, 3: 2, 4: 1, 9: 1}
    found = {count: FreeCores(running(tmp_path / "stat", count)).count() for count in expected}
    assert found == expected


def test_a_thread_that_ends_while_it_is_looked_at_is_no_neighbour(four_cores, monkeypatch):
    answers = iter([3, 3, 2, 1])
    monkeypatch.setattr(free_cores, "_runnable", lambda path: next(answers))
    assert FreeCores().count() == 4


def test_what_was_found_holds_for_a_moment(four_cores, tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(free_cores.time, "monotonic", lambda: clock[0])
    cores = FreeCores(running(tmp_path / "stat", 4))
    assert cores.count() == 1
    running(tmp_path / "stat", 1)
    assert cores.count() == 1
    clock[0] += 1
    assert cores.count() == 4


def test_without_linuxs_figures_all_cores_are_taken(four_cores, tmp_path):
    (tmp_path / "other").write_text("cpu  1 2 3\n", encoding="ascii")
    assert [FreeCores(tmp_path / name).count() for name in ("absent", "other")] == [4, 4]


def test_no_more_threads_than_the_container_has_cores(four_cores, tmp_path, monkeypatch):
    monkeypatch.setattr(free_cores, "allowed_cores", lambda: 2)
    most_threads.cache_clear()
    assert FreeCores(running(tmp_path / "stat", 1)).count() == 2
    assert allowed_cores() >= 1


def test_a_network_runs_on_the_free_cores_and_afterwards_all_is_as_before(four_cores, tmp_path):
    scheduler = DeviceScheduler(FreeCores(running(tmp_path / "stat", 3)))
    seen, forward = recorded()
    scheduler.run(forward, torch.zeros(1, 1), network="net")
    assert (seen, torch.get_num_threads()) == ([2], 4)


def test_a_gpu_waits_for_nobodys_cores(four_cores, tmp_path):
    scheduler = DeviceScheduler(FreeCores(running(tmp_path / "stat", 3)))
    seen, forward = recorded()
    scheduler.run(forward, torch.zeros(1, 1, device="meta"), network="net")
    assert seen == [4]
