"""One U²-Net from a file, in a process of its own: prints seconds and memory as JSON.

`python -m benchmarks.loading segdemo FILE` recognises it; `usual` knows which network it is,
builds it with random weights and fills them in.
"""

import json
import re
import resource
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from benchmarks.recognition import header
from segdemo.checkpoints import detect, read_file

FIXTURE = "xuebinqin_u2net"


def main() -> None:
    """What is imported, and how far that took the memory, does not count."""
    way, path = sys.argv[1], Path(sys.argv[2])
    known = detect(header(FIXTURE))
    before = _peak_mib()
    start, start_cpu = time.perf_counter(), time.process_time()
    if way == "segdemo":
        network = detect(read_file(path).content).build()
    else:
        network = known.architecture.build(known.config)
        is_safe = path.suffix == ".safetensors"
        network.load_state_dict(load_file(path) if is_safe else torch.load(path, "cpu"))
        network.eval()
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    # Mapped files are in memory only once their numbers are used.
    checked = sum(float(tensor.sum()) for tensor in network.state_dict().values())
    told = {"seconds": seconds, "cpu": cpu, "mib": _peak_mib() - before, "checked": checked}
    print(json.dumps(told))


def _peak_mib() -> float:
    """The most memory that this process has had."""
    report = Path("/proc/self/status")
    if report.exists():  # Linux counts the parent's memory at the fork into ru_maxrss
        peak = re.search(r"^VmHWM:\s*(\d+) kB$", report.read_text(), flags=re.MULTILINE)
        if peak:
            return int(peak[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
