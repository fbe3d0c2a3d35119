"""Errors: one family, each a sentence for the person at the screen."""

import inspect

from segdemo import errors
from segdemo.errors import CheckpointError, FileError, SegdemoError
from segdemo.strings import text
from tests.table import every

FAMILY = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, SegdemoError)
]


def test_an_error_is_its_sentence():
    error = FileError("file_empty", name="a.pth")
    assert str(error) == text("file_empty", name="a.pth")
    assert (error.key, error.facts) == ("file_empty", {"name": "a.pth"})


def test_an_error_can_be_said_in_another_language():
    error = FileError("file_empty", name="a.pth")
    assert error.message("en") == str(error)
    assert error.message("xx") == str(error)


def test_a_fact_may_be_called_like_an_argument_of_the_error():
    error = FileError("file_empty", name="a.pth", key="other", language="xx")
    assert error.key == "file_empty"
    assert str(error) == text("file_empty", name="a.pth")


@every("kind", FAMILY)
def test_the_tree_in_the_docstring_names_every_member(kind):
    assert f" {kind.__name__}" in errors.__doc__


@every("kind", FAMILY)
def test_every_member_is_of_the_family(kind):
    assert issubclass(kind, SegdemoError)
    assert not issubclass(kind, ValueError | OSError)


def test_whoever_catches_checkpoint_errors_catches_those_of_files():
    assert issubclass(FileError, CheckpointError)
