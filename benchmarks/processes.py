"""Fresh processes: what a module of ours prints there, and the memory that a process takes."""

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parent.parent


def told(
    module: str, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})
) -> Any:
    """The JSON that ``python -m module`` prints."""
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


def peak_mib(process: int | None = None) -> float | None:
    """The most memory that a process has had, this one by default; None where nobody knows."""
    # Linux counts the parent's memory at the fork into ru_maxrss, so that is for macOS alone.
    report = Path(f"/proc/{process or 'self'}/status")
    if report.exists():
        peak = re.search(r"^VmHWM:\s*(\d+) kB$", report.read_text(), flags=re.MULTILINE)
        return int(peak[1]) / 1024 if peak else None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20 if process is None else None


def forget_peak() -> None:
    """Let the peak of this process begin at what it holds now, where the system can do that."""
    switch = Path("/proc/self/clear_refs")
    if switch.exists():
        switch.write_text("5")
