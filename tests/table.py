"""Holds a claim to every row of a table in one test, which names all rows that break it.

A test for each row costs more time in pytest than in most claims, once in every worker.
"""

import inspect
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import wraps
from typing import Any

import pytest

SHOWN = 20
"""As many offenders are told with what went wrong; of the others the number alone."""


def every(
    names: str | tuple[str, ...],
    rows: Iterable[Any],
    ids: Iterable[str] | Callable[[Any], Any] | None = None,
) -> Callable:
    """Calls the test once a row, as `pytest.mark.parametrize` would, and names all that fail.

    Each row has a ``tmp_path`` and a ``monkeypatch`` of its own; other fixtures are shared by all.

    Args:
        names: The arguments that a row fills, as `parametrize` takes them.
        rows: A value for one name, a tuple for several, or `pytest.param` with an id.
        ids: What the rows are called, or what makes a row's name of its value.
    """
    columns = [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]
    table = list(rows)
    assert table, "An empty table proves nothing."
    called = [None] * len(table) if ids is None or callable(ids) else list(ids)

    def decorate(test: Callable) -> Callable:
        signature = inspect.signature(test)

        @wraps(test)
        def looped(**fixtures: Any) -> None:
            offenders: dict[str, BaseException] = {}
            for number, row in enumerate(table):
                values = cells(row, columns)
                try:
                    with ExitStack() as stack:
                        given = own_fixtures(fixtures, number, stack)
                        test(**given, **dict(zip(columns, values, strict=True)))
                except (Exception, pytest.fail.Exception) as error:
                    name = called[number] or (ids(values[0]) if callable(ids) else None)
                    offenders[f"{number}: {name or name_of(row, values)}"] = error
            if offenders:
                raise AssertionError(told(offenders, len(table))) from next(
                    iter(offenders.values())
                )

        looped.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[p for name, p in signature.parameters.items() if name not in columns]
        )
        del looped.__wrapped__  # pytest would ask it for the row's arguments as fixtures
        return looped

    return decorate


def cells(row: Any, columns: list[str]) -> tuple:
    """The values of a row, one a column."""
    if hasattr(row, "values") and hasattr(row, "marks"):
        assert not row.marks, "A row has no marks of its own."
        return tuple(row.values)
    return (row,) if len(columns) == 1 else tuple(row)


def name_of(row: Any, values: tuple) -> str:
    """What tells the row from others: its id, or its values."""
    return str(getattr(row, "id", None) or ", ".join(repr(value)[:80] for value in values))


def own_fixtures(fixtures: dict[str, Any], number: int, stack: ExitStack) -> dict[str, Any]:
    """The fixtures, with those that keep what a test has done made anew for this row."""
    given = dict(fixtures)
    if "tmp_path" in given:
        given["tmp_path"] = given["tmp_path"] / str(number)
        given["tmp_path"].mkdir()
    if "monkeypatch" in given:
        given["monkeypatch"] = stack.enter_context(given["monkeypatch"].context())
    return given


def told(offenders: dict[str, BaseException], of: int) -> str:
    """Every row that fails and why, at most `SHOWN` of them in full."""
    lines = [f"{len(offenders)} of {of} rows fail:"]
    for row, error in list(offenders.items())[:SHOWN]:
        lines.append(f"  {row}: {type(error).__name__}: {error}")
    rest = list(offenders)[SHOWN:]
    return "\n".join(lines + ([f"  and {', '.join(rest)}"] if rest else []))
