"""A claim about a table: it is held to every row, and every row that breaks it is named."""

import pytest

from tests.table import every


def names_of(test, **fixtures):
    with pytest.raises(AssertionError) as found:
        test(**fixtures)
    return str(found.value)


def test_every_row_that_fails_is_named_and_the_others_are_not():
    seen = []

    @every("number", [1, -2, 3, -4])
    def claim(number):
        seen.append(number)
        assert number > 0, "too small"

    told = names_of(claim)
    assert seen == [1, -2, 3, -4]
    assert told.startswith("2 of 4 rows fail:")
    assert "1: -2: AssertionError: too small" in told
    assert "3: -4: AssertionError: too small" in told
    assert "0: 1" not in told


def test_any_error_of_a_row_counts_and_so_does_what_was_not_raised():
    @every(("text", "value"), [pytest.param("x", 1, id="no number"), ("2", 2), ("3", 3)])
    def claim(text, value):
        assert int(text) == value
        if value == 3:
            with pytest.raises(ValueError, match="never"):
                int(text)

    told = names_of(claim)
    assert "0: no number: ValueError" in told
    assert "2: '3', 3: Failed: DID NOT RAISE" in told
    assert "2 of 3" in told


def test_a_row_is_called_what_it_is_said_to_be_called():
    @every("number", [1, 2], ids=["one", "two"])
    @every("sign", "ab", ids=str.upper)
    def claim(number, sign):
        assert sign == "a"

    told = names_of(claim)
    assert "1: two: AssertionError: 1 of 2 rows fail:" in told
    assert "1: B: AssertionError" in told


def test_two_tables_give_every_pair():
    seen = []

    @every("a", [1, 2])
    @every("b", "xy")
    def claim(a, b):
        seen.append((a, b))

    claim()
    assert seen == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


def test_where_very_many_rows_fail_all_are_named_still():
    @every("number", range(30))
    def claim(number):
        raise AssertionError

    assert names_of(claim).endswith("26: 26, 27: 27, 28: 28, 29: 29")


@every("number", [0, 1])
def test_a_row_has_a_folder_and_a_monkeypatch_of_its_own(number, tmp_path, monkeypatch):
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    assert not hasattr(every, "changed")
    monkeypatch.setattr(every, "changed", number, raising=False)


def test_an_empty_table_is_a_mistake():
    with pytest.raises(AssertionError, match="proves nothing"):
        every("number", [])
