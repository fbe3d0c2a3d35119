"""What an operator reads is one line a record, with the request that it is about."""

import io
import json
import logging

import pytest

from segdemo.ui.gradio_support.errors import explain
from segdemo.ui.operations.logs import write_logs


@pytest.fixture
def written():
    """Has what is logged written in a form; gives what was."""
    ours, handlers = logging.getLogger("segdemo"), []
    before = ours.level, ours.propagate

    def write(form):
        stream = io.StringIO()
        handlers.append(write_logs(form, stream))
        return stream.getvalue

    yield write
    for handler in handlers:
        ours.removeHandler(handler)
    ours.level, ours.propagate = before
    ours.setLevel(before[0])


def test_a_failure_is_one_object_with_the_reference_that_the_visitor_reads(written):
    lines = written("json")
    try:
        raise ZeroDivisionError("two\nlines")
    except ZeroDivisionError as error:
        sentence = explain(error)
    (line,) = lines().splitlines()
    told = json.loads(line)
    assert told["reference"] in sentence
    assert (told["level"], told["logger"]) == ("error", "segdemo.ui.gradio_support.errors")
    assert "ZeroDivisionError: two\nlines" in told["error"]
    assert told["time"].endswith("+00:00")


def test_calls_are_told_in_json_alone(written):
    facts = {"request": "ab12", "method": "POST", "path": "/x", "status": 200, "seconds": 0.5}
    for form, count in (("text", 0), ("json", 1)):
        lines = written(form)
        logging.getLogger("segdemo.ui.operations.guard").info("answered", extra=facts)
        assert len(lines().splitlines()) == count
    assert json.loads(lines()).items() >= facts.items()


def test_text_is_one_readable_line(written):
    lines = written("text")
    logging.getLogger("segdemo.ui").warning("stopped while %d runs waited", 2)
    assert lines() == "WARNING segdemo.ui: stopped while 2 runs waited\n"
