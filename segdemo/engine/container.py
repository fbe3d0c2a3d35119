"""How much memory the container of this process allows, from its control group (Linux)."""

from pathlib import Path

_V2 = ("memory.max", "memory.current")
_V1 = ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")
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
