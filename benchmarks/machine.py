"""The machine that the numbers come from."""

import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.processes import ROOT

_CPU_INFO = Path("/proc/cpuinfo")


def facts() -> dict[str, Any]:
    """Processor, what it can do, cores, memory, versions, and how busy it is."""
    packages = ("gradio", "torch", "pillow", "safetensors")
    return {
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "flags": [name for name, has in torch.cpu.get_capabilities().items() if has is True],
        "cores": physical_cores(),
        "threads": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in packages},
        "revision": _revision(),
        "load": os.getloadavg()[0],
    }


def described(machine: Mapping[str, Any]) -> str:
    """The facts as one line."""
    return ", ".join(
        (
            f"{machine['processor']} with {machine['instructions']}",
            f"{machine['cores']} cores",
            f"{machine['memory_gib']:.0f} GiB",
            machine["system"].partition(" ")[0],
            f"Python {machine['python']}",
            *(f"{name} {version}" for name, version in machine["packages"].items()),
        )
    )


def physical_cores() -> int:
    """Without those that a core only pretends to be."""
    return int(torch.cpu.get_capabilities().get("num_physical_cores") or os.cpu_count() or 1)


def _processor() -> str:
    if _CPU_INFO.exists():
        model = re.search(r"^model name\s*:\s*(.+)$", _CPU_INFO.read_text(), flags=re.MULTILINE)
        if model:
            return model[1]
    if platform.system() == "Darwin":
        return _answer("sysctl", "-n", "machdep.cpu.brand_string")
    return platform.processor() or platform.machine()


def _revision() -> str | None:
    """Of the code that is measured; "-dirty" where it was changed since. None outside of git."""
    try:
        return _answer("git", "describe", "--always", "--dirty", "--abbrev=12")
    except (OSError, subprocess.CalledProcessError):
        return None


def _answer(*command: str) -> str:
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return asked.stdout.strip()
