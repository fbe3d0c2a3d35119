"""Tests that go through a table: one test, which names every row that it does not hold for."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def check_all(check: Callable[..., object], rows: Iterable[tuple[Any, ...]]) -> None:
    """Call ``check(*row)`` for all rows; fails with each row that fails, and what it said."""
    said = []
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        try:
            check(*row)
        except (Exception, pytest.fail.Exception) as failure:
            said.append(f"{row}: {type(failure).__name__}: {failure}")
    assert count, "A table without rows proves nothing"
    assert not said, f"{len(said)} of {count} rows fail:\n" + "\n".join(said)
