import math

import numpy as np
import pytest

from segdemo.wording import cell


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r"])
def test_foreign_text_is_no_formula(begins):
    assert cell(f"{begins}1+1") == f"'{begins}1+1"


def test_other_text_stays_as_it_is():
    assert cell("a=b, c") == "a=b, c"
    assert cell("") == ""


@pytest.mark.parametrize("value", [0.1, 1 / 3, -0.5, 1.0, np.float64(0.1)])
def test_a_figure_keeps_all_its_digits(value):
    assert float(cell(value)) == value
    assert "(" not in cell(value)


def test_what_is_not_defined_is_empty():
    assert cell(math.nan) == ""
