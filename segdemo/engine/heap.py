"""Sets what glibc keeps of freed memory, which decides how fast large tensors come."""

import ctypes
import sys

# mallopt's names in glibc's malloc.h, and what they are set to.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
FROM_SYSTEM = 1 << 27
"""Bytes from which on memory is the system's, and never that of what was freed before."""
_MALLOC_OPTIONS = (
    (_MMAP_THRESHOLD, FROM_SYSTEM),
    (_TRIM_THRESHOLD, 2**31 - 1),
    (_ARENA_MAX, 1),
)


def keep_freed_memory() -> bool:
    """Tell glibc to use the memory of one layer for the next; whether there is a glibc to tell.

    By itself it asks the system for every large tensor anew, and filling in those pages takes up
    to a quarter of a prediction. The process then keeps up to 2 GiB that it has freed, so this is
    for programs to call at their start, not for a library. One arena, because threads other than
    the first have arenas of their own, which hold no large tensor.
    """
    library = _glibc()
    return library is not None and all(
        library.mallopt(option, value) for option, value in _MALLOC_OPTIONS
    )


def give_back_freed_memory() -> bool:
    """Give the system the memory that was freed and kept; whether there was any.

    For when tensors of FROM_SYSTEM bytes follow, which can use none of it.
    """
    library = _glibc()
    return library is not None and bool(library.malloc_trim(0))


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    # musl has a mallopt that does nothing.
    return library if hasattr(library, "gnu_get_libc_version") else None
