import math

import numpy as np

from segdemo.wording import cell, file_name, millions, one_line
from tests.table import every


@every("begins", ["=", "+", "-", "@", "\t", "\r"])
def test_foreign_text_is_no_formula(begins):
    assert cell(f"{begins}1+1") == f"'{begins}1+1"


def test_other_text_stays_as_it_is():
    assert cell("a=b, c") == "a=b, c"
    assert cell("") == ""


@every("value", [0.1, 1 / 3, -0.5, 1.0, np.float64(0.1)])
def test_a_figure_keeps_all_its_digits(value):
    assert float(cell(value)) == value
    assert "(" not in cell(value)


def test_what_is_not_defined_is_empty():
    assert cell(math.nan) == ""


def test_any_text_becomes_one_printable_line_of_limited_length():
    assert one_line("a\tb\n c\0d") == "a b c d"
    assert one_line("血管 U²-Net") == "血管 U²-Net"
    assert one_line("z" * 500) == "z" * 79 + "…"
    assert one_line("z" * 61, limit=60) == "z" * 59 + "…"
    assert one_line("\0\n") == ""
    assert one_line(3) == "3"


FILE_NAMES = {
    "Nuclei · U²-Net lite": "Nuclei-U-Net-lite",
    "../../etc/passwd": "etc-passwd",
    "图片": "picture",
    "a" * 500: "a" * 60,
    'x"; rm -rf\n': "x-rm-rf",
}


def test_names_of_files_are_plain_ascii_where_a_header_tells_them():
    found = {words: file_name(words, otherwise="picture", ascii_only=True) for words in FILE_NAMES}
    assert found == FILE_NAMES


def test_names_of_files_keep_every_script_and_are_no_paths():
    assert file_name("../a\\b/血管 (1).x") == "-a-b-血管 (1).x"
    assert file_name(" . ") == "-"


def test_a_small_network_has_more_than_no_parameters():
    counts = (0, 9_000, 29_625, 49_999, 50_000, 1_942_577, 31_037_633)
    written = ["0.0", "0.009", "0.03", "0.05", "0.1", "1.9", "31.0"]
    assert [millions(count) for count in counts] == written
