"""The package's own names: those that the README shows, fetched when they are first used."""

import pytest

import segdemo
from segdemo import checkpoints
from segdemo.evaluation import evaluate as evaluation
from segdemo.inference import pretrained, segmenter
from tests.table import every


def test_the_public_names_are_these():
    assert segdemo.__all__ == [
        *("Detection", "Evaluation", "Prediction", "Segmenter"),
        *("detect", "evaluate", "from_pretrained", "load"),
    ]


@every("name", segdemo.__all__)
def test_every_public_name_is_there_and_explained(name):
    assert getattr(segdemo, name).__doc__


def test_a_public_name_is_the_one_of_its_module():
    assert segdemo.load is segmenter.load
    assert segdemo.Segmenter is segmenter.Segmenter
    assert segdemo.Prediction is segmenter.Prediction
    assert segdemo.evaluate is evaluation.evaluate
    assert segdemo.detect is checkpoints.detect
    assert segdemo.Detection is checkpoints.Detection
    assert segdemo.from_pretrained is pretrained.from_pretrained


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = segdemo.no_such_name


def test_public_names_can_be_imported():
    from segdemo import Detection, Segmenter, detect, from_pretrained, load  # noqa: PLC0415

    assert all((Detection, Segmenter, detect, from_pretrained, load))


def test_the_public_names_are_shown_before_they_are_used():
    assert {*segdemo.__all__, "__version__"} <= set(dir(segdemo))
