"""Selects and names the device that networks run on."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from segdemo.engine.free_cores import most_threads
from segdemo.errors import SettingsError
from segdemo.settings import Precision
from segdemo.strings import text

# What RuntimeErrors say of it: MPS and oneDNN, Linux, Windows, cuDNN and cuBLAS.
_MEMORY_SIGNS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "alloc_failed",
)


def select_device(wanted: str | None = None) -> torch.device:
    """CUDA when there is one, else MPS, else the CPU; ``wanted`` forces one.

    Raises SettingsError when ``wanted`` is not here, naming those that are.
    """
    available = _available()
    if wanted is None:
        return torch.device(available[0])
    name = wanted.lower()
    if name == "cuda" and available[0].startswith("cuda"):
        return torch.device(available[0])
    if name not in available:
        raise SettingsError("device_absent", device=wanted, available=", ".join(available))
    return torch.device(name)


def _available() -> list[str]:
    """The best first; the CPU is always there."""
    devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def number_type(device: torch.device, precision: Precision) -> torch.dtype:
    """What a network computes in there. Raises SettingsError where that would only be slower."""
    number_types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if device.type == "cpu" and precision != "fp32" and not _has_instructions(precision):
        raise SettingsError("precision_absent", precision=precision, device=device_name(device))
    return number_types[precision]


def _has_instructions(precision: Precision) -> bool:
    """Whether this processor computes in it by itself; oneDNN has no kernels for fp16."""
    abilities = torch.cpu.get_capabilities()
    names = ("avx512_bf16", "amx_bf16", "avx10_2", "sve_bf16", "bf16")
    return precision == "bf16" and any(abilities.get(name) for name in names)


def device_name(device: torch.device) -> str:
    """The device for people: "cuda:0 NVIDIA H100" or "CPU, 8 threads"."""
    if device.type == "cuda":
        return f"{device} {torch.cuda.get_device_name(device)}"
    if device.type == "cpu":
        threads = most_threads()
        return text("device_cpu_one") if threads == 1 else text("device_cpu", threads=threads)
    return "Apple GPU (mps)" if device.type == "mps" else str(device)


def short_name(device: torch.device) -> str:
    """The device where there is little room: "CPU", "cuda:0"."""
    return "CPU" if device.type == "cpu" else str(device)


@contextmanager
def without_tf32() -> Iterator[None]:
    """Convolutions of 32 bits with all of them on CUDA, where PyTorch takes 19 by itself.

    For one thread at a time: the choice is the process's.
    """
    found = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = found


def upload(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor there; a CUDA device copies it while the processor goes on."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def synchronise(device: torch.device) -> None:
    """Wait for the device, so that a clock read next is true."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def free_memory(device: torch.device) -> None:
    """Give cached memory back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, on whichever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in said for sign in _MEMORY_SIGNS)
