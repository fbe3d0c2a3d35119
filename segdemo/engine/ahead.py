"""Works on a few items at a time and hands over the results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def ahead(work: Callable[[_Item], _Result], items: Iterable[_Item], jobs: int) -> Iterator[_Result]:
    """``work`` of each item, in order, in up to ``jobs`` threads.

    Items are taken only as fast as results are, so that no more are in memory than there are jobs.
    Raises what ``work`` raises when the turn of that item comes; nothing is begun after that.
    """
    waiting: deque[Future[_Result]] = deque()
    executor = ThreadPoolExecutor(max(1, jobs))
    try:
        for item in items:
            if len(waiting) >= jobs:
                yield waiting.popleft().result()
            waiting.append(executor.submit(work, item))
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(cancel_futures=True)
