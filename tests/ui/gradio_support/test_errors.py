import logging
import re

from segdemo.errors import PictureError
from segdemo.strings import text
from segdemo.ui.gradio_support.errors import explain, plain_refusal, refusal, warn


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


def test_what_pops_up_is_the_sentence_alone():
    error = refusal(PictureError("page_no_picture"))
    assert error.message == text("page_no_picture")
    assert not error.print_exception


def test_words_of_a_file_or_a_link_are_never_markup_in_what_pops_up(monkeypatch):
    said = []
    monkeypatch.setattr("gradio.Warning", said.append)
    error = PictureError("file_unreadable", name="<b>&amp;</b>")
    warn(error.message())
    for message in (refusal(error).message, said[0]):
        assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in message
        assert "<" not in message
    assert "<b>&amp;</b>" in plain_refusal(error).message
