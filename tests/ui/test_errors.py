import logging
import re

import gradio as gr
import pytest

from segdemo.errors import PictureError
from segdemo.strings import speaking, text
from segdemo.ui.errors import explain, refusal, warn


def test_what_a_person_can_mend_is_said_as_it_is():
    error = PictureError("page_no_picture")
    assert explain(error) == str(error)


def test_a_mistake_of_ours_is_logged_under_the_reference_that_the_person_sees(caplog):
    with caplog.at_level(logging.ERROR):
        sentence = explain(ZeroDivisionError("secret detail"))
    reference = re.search(r"reference (\w+)", sentence)[1]
    assert "secret detail" not in sentence
    assert reference in caplog.text
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_pops_up_has_a_heading_in_the_visitors_language(language, monkeypatch):
    said = {}
    monkeypatch.setattr(gr, "Warning", lambda message, **words: said.update(words, message=message))
    with speaking(language):
        error = refusal(PictureError("page_no_picture"))
        warn("a sentence")
    assert error.message == text("page_no_picture", language)
    assert error.title == text("page_error_title", language)
    assert said == {"message": "a sentence", "title": text("page_warning_title", language)}
