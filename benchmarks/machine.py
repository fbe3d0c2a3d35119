"""The machine that the numbers come from, in words."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

import torch

_CPU_INFO = Path("/proc/cpuinfo")


def describe(chromium_version: str | None = None) -> str:
    """Processor, cores, memory, versions and how busy the machine is, as one Markdown line."""
    packages = ("gradio", "torch", "pillow", "safetensors")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    facts = [
        f"{_processor()} with {torch.backends.cpu.get_cpu_capability()}",
        f"{os.cpu_count()} cores",
        f"{_memory_gib():.0f} GiB",
        platform.system(),
        f"Python {platform.python_version()}",
        *versions,
        *([f"Chromium {chromium_version} headless"] if chromium_version else []),
    ]
    return ", ".join(facts)


def load_average() -> float:
    """How many processes wanted a core in the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    if _CPU_INFO.exists():
        model = re.search(r"^model name\s*:\s*(.+)$", _CPU_INFO.read_text(), flags=re.MULTILINE)
        if model:
            return model[1]
    if platform.system() == "Darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
