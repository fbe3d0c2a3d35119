"""What the container of this process allows, from its control group (Linux): memory, cores."""

from pathlib import Path

_V2 = ("memory.max", "memory.current")
_V1 = ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")
_QUOTA_V2 = "cpu.max"  # "200000 100000": microseconds of all cores in each period
_QUOTA_V1 = ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")
_ROOT = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # version 1 writes a number near 2^63 where there is no limit
_SHARE = 0.8
_LEAST_MEGABYTES = 128


def within_container(megabytes: int, root: Path = _ROOT) -> int:
    """``megabytes``, or less where the container has less left: 0.8 of that, at least 128.

    The kernel kills a process that goes beyond its control group's limit without a word, so that
    what a network may need is chosen to stay below it. Version 2 and version 1 are read.
    """
    left = _left(root)
    if left is None:
        return megabytes
    return min(megabytes, max(_LEAST_MEGABYTES, int(_SHARE * left / 2**20)))


def cores_of_container(cores: int, root: Path = _ROOT) -> int:
    """``cores``, or fewer where the container may use less time than theirs: rounded up.

    A process with more threads is stopped for the rest of each period, all of it at once.
    """
    quota, period = _quota(root)
    if quota is None or period is None or quota <= 0 or period <= 0:
        return cores
    return min(cores, max(1, -(-quota // period)))


def _quota(root: Path) -> tuple[int | None, int | None]:
    try:
        quota, period = (root / _QUOTA_V2).read_text(encoding="ascii").split()
        return (None, None) if quota == "max" else (int(quota), int(period))
    except (OSError, ValueError):
        first, second = (_number(root / name) for name in _QUOTA_V1)
        return first, second


def _left(root: Path) -> int | None:
    """Bytes until the limit; None where there is none."""
    for limit_name, used_name in (_V2, _V1):
        limit, used = _number(root / limit_name), _number(root / used_name)
        if limit is not None and used is not None and limit < _UNLIMITED:
            return max(0, limit - used)
    return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None  # There is no such file, or it says "max".
