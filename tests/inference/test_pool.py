"""The pool: kept by bytes, read again when changed, one run at a time, a way out of no memory."""

import os
from threading import Barrier, BrokenBarrierError, Event, Thread

import numpy as np
import pytest
import torch
from checkpoint_files import write_checkpoint
from code_bases import TutorialUNet, randomised
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from segdemo.errors import CheckpointError, FileError, PredictionError, SettingsError
from segdemo.hub import cached
from segdemo.inference import pool as pool_module
from segdemo.inference.pool import Pool
from segdemo.inference.segmenter import load
from segdemo.settings import Settings
from segdemo.spec import NO_OVERRIDES, Overrides

PICTURE = Image.fromarray(np.arange(20 * 16 * 3, dtype=np.uint8).reshape(16, 20, 3))
PATIENCE = 300  # seconds after which a thread counts as stuck


@pytest.fixture
def pool():
    return Pool(Settings(device="cpu"))


@pytest.fixture
def paths(tmp_path):
    return [write_checkpoint(tmp_path / f"{n}.safetensors", seed=n) for n in range(3)]


class Fake(nn.Module):
    """A network that does something before it answers."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def forward(self, x):
        self.act()
        return x[:, :1]


def pretend(pool, path, act):
    """Puts a fake into the place of a loaded network."""
    pool.load(path).network = Fake(act)


def in_thread(work):
    """Runs it beside the test and fails instead of waiting for ever."""
    outcome = []
    thread = Thread(target=lambda: outcome.append(work()), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "waits for a lock that is never released"
    return outcome[0]


def test_a_network_is_read_once(pool, paths):
    assert pool.load(paths[0]) is pool.load(paths[0])


def test_a_prediction_is_that_of_the_network(pool, paths):
    expected = load(paths[1], device="cpu").predict(PICTURE).probabilities
    assert np.array_equal(pool.predict(paths[1], PICTURE).probabilities, expected)


def test_ways_to_read_a_checkpoint_share_its_network_and_what_was_made_of_it(pool, paths):
    plain = pool.predict(paths[0], PICTURE)
    size = pool.status().megabytes
    raw = NO_OVERRIDES.with_override("preprocessing.divisor", 1.0)
    other = pool.predict(paths[0], PICTURE, raw)
    assert not np.array_equal(plain.probabilities, other.probabilities)
    assert pool.load(paths[0], raw).network is pool.load(paths[0]).network
    assert pool.load(paths[0]).spec.preprocessing.divisor == 255.0
    assert pool.status().megabytes == size
    words = raw.spec
    expected = load(paths[0], device="cpu", overrides=words).predict(PICTURE).probabilities
    assert np.array_equal(other.probabilities, expected)


def test_a_file_read_as_another_network_is_two_networks_of_one_file(pool, tmp_path):
    path = tmp_path / "net.safetensors"
    save_file(randomised(TutorialUNet(era="bias", depth=1, width=2)).state_dict(), path)
    plain = pool.load(path)
    other = plain.detection.alternatives[0].id
    assert pool.load(path, Overrides(assume=other)).detection.id == other
    assert pool.load(path) is plain
    assert pool.status().loaded == (path,)


def test_many_threads_read_a_file_once(pool, paths, monkeypatch):
    readers = []

    def counted(path, **options):
        readers.append(path)
        return load(path, **options)

    monkeypatch.setattr(pool_module, "load", counted)
    start, found = Barrier(6), []

    def work():
        start.wait(PATIENCE)
        found.append(pool.load(paths[0]))

    threads = [Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(readers) == 1
    assert len(found) == 6
    assert len(set(map(id, found))) == 1


@pytest.mark.parametrize("same_size", [True, False])
def test_a_changed_file_is_read_again_and_replaces_the_old_network(pool, paths, same_size):
    path = paths[0]
    before = pool.predict(path, PICTURE).probabilities
    write_checkpoint(path, seed=9, width=4 if same_size else 6)
    os.utime(path, ns=(1, 1))
    after = pool.predict(path, PICTURE).probabilities
    assert not np.array_equal(before, after)
    assert pool.status().loaded == (path,)


def test_a_file_of_the_same_time_but_another_size_is_read_again(pool, paths):
    path = paths[0]
    os.utime(path, ns=(1, 1))
    before = pool.load(path)
    write_checkpoint(path, width=6)
    os.utime(path, ns=(1, 1))
    assert pool.load(path) is not before


def test_only_files_in_the_cache_of_the_hub_are_taken_to_stay_as_they_are(
    pool, paths, tmp_path, monkeypatch
):
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setattr(cached.constants, "HF_HUB_CACHE", str(cache))
    fetched, linked = cache / "a.safetensors", cache / "b.safetensors"
    paths[0].rename(fetched)
    linked.symlink_to(paths[1])
    told = {}

    def noting(path, *, mmap, **options):
        told[path] = mmap
        return load(path, mmap=mmap, **options)

    monkeypatch.setattr(pool_module, "load", noting)
    for path in (fetched, linked, paths[2]):
        pool.predict(path, PICTURE)
    assert told == {fetched: True, linked: False, paths[2]: False}


def test_a_file_that_is_gone_is_a_sentence_and_not_a_memory(pool, paths):
    pool.load(paths[0])
    paths[0].unlink()
    with pytest.raises(FileError) as caught:
        pool.predict(paths[0], PICTURE)
    assert caught.value.key == "file_unreadable"


def test_a_file_that_fails_can_be_mended(pool, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_text("text")
    with pytest.raises(FileError):
        pool.load(path)
    write_checkpoint(path)
    assert pool.predict(path, PICTURE).mask().shape == (16, 20)


def test_the_status_says_what_is_loaded_and_how_large_it_is(pool, paths):
    assert (pool.status().loaded, pool.status().megabytes) == ((), 0)
    size = sum(pool.load(path).byte_size for path in paths[:2])
    status = pool.status()
    assert status.loaded == tuple(paths[:2])
    assert status.megabytes == pytest.approx(size / 1e6)
    assert status.device.startswith("CPU")
    assert status.precision == "fp32"


def test_a_lower_precision_is_told_and_close(paths, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    pool = Pool(Settings(device="cpu", precision="bf16"))
    assert pool.status().precision == "bf16"
    found, exact = (
        predictor.predict(paths[0], PICTURE) for predictor in (pool, Pool(Settings(device="cpu")))
    )
    assert found.device_and_precision == "CPU · bf16"
    assert found.probabilities.dtype == np.float32
    difference = np.abs(found.probabilities - exact.probabilities).max()
    assert 0 < difference < 0.05


def test_a_precision_that_is_not_to_be_had_is_told_before_a_picture_comes():
    with pytest.raises(SettingsError, match="compute in fp16"):
        Pool(Settings(device="cpu", precision="fp16"))


def test_the_least_recently_used_network_leaves_first(tmp_path):
    # Each takes 0.4 MB, so that two fit into one.
    paths = [write_checkpoint(tmp_path / f"{n}.safetensors", width=32, seed=n) for n in range(3)]
    pool = Pool(Settings(device="cpu", cache_megabytes=1))
    size = pool.load(paths[0]).byte_size
    assert 1e6 / 3 < size < 1e6 / 2
    pool.load(paths[1])
    pool.load(paths[0])
    pool.load(paths[2])
    assert pool.status().loaded == (paths[0], paths[2])


def test_a_network_larger_than_the_cache_stays_while_it_is_the_newest(tmp_path):
    paths = [write_checkpoint(tmp_path / f"{n}.safetensors", width=80, seed=n) for n in range(2)]
    pool = Pool(Settings(device="cpu", cache_megabytes=1))
    for path in paths:
        assert pool.load(path).byte_size > 1e6
        assert pool.status().loaded == (path,)


def test_a_device_that_is_absent_is_said_at_the_start(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SettingsError):
        Pool(Settings(device="cuda"))


def test_one_network_runs_at_a_time(pool, paths):
    meeting, start = Barrier(2), Barrier(3)
    met = []

    def try_to_meet():
        # Only two runs at once could pass; whoever is alone breaks it for all who follow.
        try:
            meeting.wait(0.3)
            met.append(True)
        except BrokenBarrierError:
            met.append(False)

    for path in paths:
        pretend(pool, path, try_to_meet)

    def work(path):
        start.wait(PATIENCE)
        pool.predict(path, PICTURE)

    threads = [Thread(target=work, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert met == [False, False, False]


def test_status_and_loading_do_not_wait_for_a_run(pool, paths):
    seen = []

    def act():
        seen.append(in_thread(pool.status).loaded)
        seen.append(in_thread(lambda: pool.load(paths[1])).byte_size)

    pretend(pool, paths[0], act)
    in_thread(lambda: pool.predict(paths[0], PICTURE))
    assert seen[0] == (paths[0],)
    assert seen[1] > 0


def test_status_and_runs_do_not_wait_for_loading(pool, paths, monkeypatch):
    pool.load(paths[0])
    overrides, go_on = Event(), Event()

    def slow(path, **options):
        overrides.set()
        assert go_on.wait(PATIENCE)
        return load(path, **options)

    monkeypatch.setattr(pool_module, "load", slow)
    loader = Thread(target=lambda: pool.load(paths[1]), daemon=True)
    loader.start()
    assert overrides.wait(PATIENCE)
    assert in_thread(pool.status).loaded == (paths[0],)
    assert in_thread(lambda: pool.predict(paths[0], PICTURE)).mask().shape == (16, 20)
    go_on.set()
    loader.join(PATIENCE)
    assert pool.status().loaded == (paths[0], paths[1])


def out_of_memory(kind):
    return {
        "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        "cpu": RuntimeError("DefaultCPUAllocator: can't allocate memory: error code 12"),
        "mps": RuntimeError("MPS backend out of memory (MPS allocated: 17.90 GB)"),
        "numpy": MemoryError(),
    }[kind]


@pytest.mark.parametrize("kind", ["cuda", "cpu", "mps", "numpy"])
def test_when_memory_runs_out_once_the_others_leave_and_the_run_succeeds(pool, paths, kind):
    runs = []

    def once():
        runs.append(pool.status().loaded)
        if len(runs) == 1:
            raise out_of_memory(kind)

    for path in paths:
        pool.load(path)
    pretend(pool, paths[1], once)
    assert pool.predict(paths[1], PICTURE).mask().shape == (16, 20)
    assert len(runs[0]) == 3
    assert runs[1] == (paths[1],)


def test_when_memory_runs_out_again_it_is_a_sentence(pool, paths):
    runs = []

    def always():
        runs.append(1)
        raise out_of_memory("cuda")

    pretend(pool, paths[0], always)
    with pytest.raises(PredictionError) as caught:
        pool.predict(paths[0], PICTURE)
    assert caught.value.key == "prediction_out_of_memory"
    assert "20 × 16" in str(caught.value)
    assert "Tried to allocate" not in str(caught.value)
    assert len(runs) == 2


def test_after_a_failure_the_next_run_succeeds(pool, paths):
    def always():
        raise out_of_memory("cuda")

    pretend(pool, paths[0], always)
    with pytest.raises(PredictionError):
        pool.predict(paths[0], PICTURE)
    assert in_thread(lambda: pool.predict(paths[1], PICTURE)).mask().shape == (16, 20)


def test_another_error_is_not_taken_for_lack_of_memory(pool, paths):
    runs = []

    def broken():
        runs.append(1)
        raise RuntimeError("shapes differ")

    pretend(pool, paths[0], broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        pool.predict(paths[0], PICTURE)
    assert len(runs) == 1


@pytest.mark.parametrize("times", [1, 2])
def test_memory_may_run_out_while_a_network_is_loaded_too(pool, paths, monkeypatch, times):
    pool.load(paths[0])
    tries = []

    def short(path, **options):
        tries.append(pool.status().loaded)
        if len(tries) <= times:
            raise out_of_memory("cuda")
        return load(path, **options)

    monkeypatch.setattr(pool_module, "load", short)
    if times == 1:
        assert pool.predict(paths[1], PICTURE).mask().shape == (16, 20)
    else:
        with pytest.raises(CheckpointError) as caught:
            pool.load(paths[1])
        assert caught.value.key == "checkpoint_out_of_memory"
        assert paths[1].name in str(caught.value)
    assert tries == [(paths[0],), ()]
