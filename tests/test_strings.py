"""The string table: every text is well formed, and every use of it fills its placeholders."""

import ast
import re
import string
from contextvars import copy_context
from pathlib import Path

import pytest

from segdemo import errors
from segdemo.strings import (
    DEFAULT_LANGUAGE,
    LANGUAGES,
    language,
    nearest,
    section,
    sections,
    speaking,
    table,
    text,
)
from tests.table import every

PACKAGE = Path(__file__).resolve().parent.parent / "segdemo"
KEYS = sorted(table())


def placeholders(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


HAN = re.compile("[\u4e00-\u9fff]")
ALIKE = {
    *("page_title", "page_source_hub", "page_source_torchvision", "page_to_download"),
    *("page_transfer_speed", "page_batch_dice", "panel_detail", "trial_unit", "trial_bgr"),
    "trial_measured",
    *("assumed_channels_rgb", "assumed_channels_bgr", "viewer_otsu", "viewer_plot_iou"),
    *("viewer_palette_voc", "viewer_palette_cityscapes", "viewer_palette_ade20k"),
    *("viewer_probability", "viewer_where", "score_dice", "score_iou"),
    "report_sha256",
    *(f"amount_{unit}bytes" for unit in ("kilo", "mega", "giga", "tera")),
}
"""Names, units and signs, which are the same in every language."""

SPEAKERS = {"text"} | {name for name in vars(errors) if name.endswith("Error")}


def uses():
    """Key and names of the facts of every text and error whose key is written out."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id=name), args=[ast.Constant(value=str(key)), *_], keywords=facts
                ) if name in SPEAKERS:
                    names = {fact.arg for fact in facts}
                    if None not in names:  # facts that are spread tell their names elsewhere
                        yield pytest.param(key, names, id=f"{path.name}:{node.lineno}-{key}")


@every("key", KEYS)
def test_every_text_is_there_in_every_language_and_asks_for_the_same_facts_in_all_languages(key):
    entry = table()[key]
    expected = placeholders(entry[DEFAULT_LANGUAGE])
    assert entry.keys() == LANGUAGES.keys()
    for name, template in entry.items():
        assert template.strip() == template != "", name
        assert placeholders(template) == expected, name
        assert all(fact.isidentifier() for fact in expected), name


@every("key", KEYS)
def test_no_chinese_text_was_left_in_english(key):
    english, chinese = table()[key]["en"], table()[key]["zh"]
    assert (english == chinese) == (key in ALIKE)
    # What has no word of Chinese repeats names and numbers, with signs between them.
    words = set(re.findall("[A-Za-z]{2,}", chinese)) - set(re.findall("[A-Za-z]{2,}", english))
    assert HAN.search(chinese) or words <= {"mIoU"}


@every("key", KEYS)
def test_chinese_is_punctuated_as_chinese(key):
    chinese = table()[key]["zh"]
    assert not re.search(
        r"[\u4e00-\u9fff][,;:!?()]|[()][\u4e00-\u9fff]|[,:;][\u4e00-\u9fff]", chinese
    )
    # A space parts it from letters, digits and what stands for them.
    assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9{]|[A-Za-z0-9}][\u4e00-\u9fff]", chinese)


@every(("key", "facts"), list(uses()))
def test_every_use_of_a_text_gives_exactly_its_facts(key, facts):
    assert facts == placeholders(table()[key][DEFAULT_LANGUAGE])


def test_placeholders_are_filled():
    assert text("file_empty", name="a.pth").startswith("The file a.pth is empty")


def test_braces_in_a_fact_stay_as_they_are():
    assert "{name} {0} %s" in text("file_empty", name="{name} {0} %s")


def test_a_language_that_lacks_a_text_falls_back_to_english():
    assert text("file_empty", "xx", name="a") == text("file_empty", "en", name="a")


def test_an_unknown_key_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        text("no_such_key")


def test_a_missing_fact_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        text("file_empty")
    with pytest.raises(KeyError):
        text("file_empty", other="a")


def test_a_section_holds_the_texts_under_a_prefix_without_it():
    found = section("file_")
    assert found["empty"] == table()["file_empty"]["en"]
    assert len(found) == sum(key.startswith("file_") for key in KEYS)
    assert section("nothing_begins_like_this") == {}


def test_texts_follow_the_language_that_is_spoken():
    assert language() == DEFAULT_LANGUAGE
    with speaking("zh"):
        assert text("page_add") == text("page_add", "zh") != text("page_add", "en")
        assert section("viewer_") == sections("viewer_")["zh"]
        with speaking("en"):
            assert text("page_add") == "Add a network"
        assert language() == "zh"
    assert language() == DEFAULT_LANGUAGE


def test_an_error_is_said_in_the_language_of_whoever_reads_it():
    error = errors.FileError("file_empty", name="a")
    with speaking("zh"):
        assert error.message() == text("file_empty", "zh", name="a")
    assert error.message() == str(error)


def test_what_runs_elsewhere_goes_on_in_its_own_language():
    elsewhere = copy_context()
    with speaking("zh"):
        assert elsewhere.run(language) == DEFAULT_LANGUAGE


@every(
    ("tags", "expected"),
    [
        (["zh-CN", "en"], "zh"),
        (["zh"], "zh"),
        (["zh-TW"], "zh"),
        (["zh_CN.UTF-8"], "zh"),
        (["ZH-Hans-CN"], "zh"),
        (["fr", "zh", "en"], "zh"),
        (["en-GB", "zh"], "en"),
        (["fr"], "en"),
        (["C.UTF-8"], "en"),
        ([""], "en"),
        ([], "en"),
    ],
)
def test_the_nearest_language_is_the_first_that_is_spoken_here(tags, expected):
    assert nearest(tags) == expected
