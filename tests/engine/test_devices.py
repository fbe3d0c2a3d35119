"""Devices: the best one unless one is asked for, and never another than that."""

import json
import platform
import subprocess
import sys
from contextlib import suppress

import pytest
import torch
from torch.backends import cudnn

from segdemo.engine import devices
from segdemo.engine.devices import (
    device_name,
    free_memory,
    is_out_of_memory,
    number_type,
    select_device,
    short_name,
    synchronise,
    upload,
    without_tf32,
)
from segdemo.engine.heap import give_back_freed_memory, keep_freed_memory
from segdemo.errors import SettingsError
from tests.table import every


@pytest.fixture
def machine(monkeypatch):
    """Pretends that this machine has so many CUDA devices and perhaps an Apple GPU."""

    def having(cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return having


@pytest.mark.parametrize(
    ("cuda", "mps", "best"),
    [(0, False, "cpu"), (0, True, "mps"), (1, False, "cuda:0"), (2, True, "cuda:0")],
)
def test_cuda_is_better_than_apples_gpu_and_that_better_than_the_cpu(machine, cuda, mps, best):
    machine(cuda, mps)
    assert select_device() == torch.device(best)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [("cpu", "cpu"), ("CPU", "cpu"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("mps", "mps")],
)
def test_a_device_that_is_asked_for_is_taken(machine, wanted, chosen):
    machine(cuda=2, mps=True)
    assert select_device(wanted) == torch.device(chosen)


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "mps", "tpu", "cuda:x", "meta", ""])
def test_a_device_that_is_absent_is_a_sentence_with_those_that_are_here(machine, wanted):
    machine()
    with pytest.raises(SettingsError) as caught:
        select_device(wanted)
    message = str(caught.value)
    assert f'"{wanted}"' in message
    assert "only cpu" in message
    assert message.endswith(".")


def test_a_second_device_that_is_absent_is_not_replaced_by_the_first(machine):
    machine(cuda=1, mps=True)
    with pytest.raises(SettingsError) as caught:
        select_device("cuda:1")
    assert "cuda:0, mps, cpu" in str(caught.value)


@pytest.fixture
def with_bf16(monkeypatch):
    """Says whether the processor has instructions for it."""

    def told(there):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": there})

    return told


@pytest.mark.parametrize(
    ("device", "precision", "found"),
    [
        ("cpu", "fp32", torch.float32),
        ("cpu", "bf16", torch.bfloat16),
        ("cuda", "bf16", torch.bfloat16),
        ("mps", "fp16", torch.float16),
    ],
)
def test_a_precision_is_a_type_of_numbers(with_bf16, device, precision, found):
    with_bf16(device == "cpu")
    assert number_type(torch.device(device), precision) is found


@pytest.mark.parametrize(("precision", "there"), [("fp16", True), ("bf16", False)])
def test_what_a_processor_would_only_be_slower_in_is_refused(with_bf16, precision, there):
    with_bf16(there)
    with pytest.raises(SettingsError, match=f"compute in {precision} by itself"):
        number_type(torch.device("cpu"), precision)


def test_every_device_has_a_name_for_people(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    assert device_name(torch.device("cuda:1")) == "cuda:1 Tesla T4"
    assert device_name(torch.device("mps")) == "Apple GPU (mps)"


@every(("threads", "name"), [(1, "CPU, one thread"), (8, "CPU, 8 threads")])
def test_the_cpu_is_named_with_its_threads(monkeypatch, threads, name):
    monkeypatch.setattr(devices, "most_threads", lambda: threads)
    assert device_name(torch.device("cpu")) == name


def test_where_there_is_little_room_the_device_has_a_short_name():
    assert short_name(torch.device("cpu")) == "CPU"
    assert short_name(torch.device("cuda:1")) == "cuda:1"


def test_a_tensor_stays_what_it_is_on_the_cpu():
    tensor = torch.rand(3)
    assert upload(tensor, torch.device("cpu")) is tensor


def test_the_choice_of_bits_is_the_processs_again_after_a_failure(monkeypatch):
    monkeypatch.setattr(cudnn, "allow_tf32", True)
    with suppress(ValueError), without_tf32():
        assert not cudnn.allow_tf32
        raise ValueError
    assert cudnn.allow_tf32


def test_the_cpu_needs_no_waiting_and_has_nothing_to_give_back():
    synchronise(torch.device("cpu"))
    free_memory(torch.device("cpu"))


@every(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        MemoryError(),
        RuntimeError("MPS backend out of memory (MPS allocated: 17.90 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
def test_every_way_of_running_out_of_memory_is_known(error):
    assert is_out_of_memory(error)


def test_the_cpu_of_this_machine_runs_out_as_we_think():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


@every("error", [RuntimeError("shapes differ"), ValueError("out of memory")])
def test_other_errors_are_something_else(error):
    assert not is_out_of_memory(error)


# Pages that a thread other than the first has to fill in for twenty large tensors, one by one.
# The heap grows for the first few even where it is kept.
FAULTS = """
import json, resource, sys, threading, torch
from segdemo.engine.heap import keep_freed_memory
kept = sys.argv[1] == "kept" and keep_freed_memory()
def fill():
    for _ in range(20):
        torch.empty(40 << 20, dtype=torch.uint8).fill_(1)
def count():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=fill)
    thread.start()
    thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
count()
print(json.dumps([kept, count()]))
"""


def faults(how):
    run = [sys.executable, "-c", FAULTS, how]
    return json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_memory_that_was_freed_is_used_again_in_every_thread():
    told, few = faults("kept")
    assert told
    assert few * 4 < faults("usual")[1]


# Small tensors between which others stay, so that only what is asked to can give them back.
KEPT = """
import json, torch
from segdemo.engine.heap import give_back_freed_memory, keep_freed_memory
def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
keep_freed_memory()
tensors = [torch.ones(8 << 20, dtype=torch.uint8) for _ in range(32)]
full = held()
del tensors[::2]
freed, given = held(), give_back_freed_memory()
print(json.dumps([given, full - freed, full - held()]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_what_was_kept_can_be_given_back():
    run = [sys.executable, "-c", KEPT]
    given, before, after = json.loads(subprocess.check_output(run, text=True))
    assert given
    assert before < 16 << 20
    assert after > 100 << 20


def test_without_glibc_nothing_is_told(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
    assert not give_back_freed_memory()
